"""Runs one task inside Trae Agent's own interpreter and writes what happens, a JSON object a line.

    python driver.py SPEC.json      run; events go to the descriptor named by IDETOUR_EVENTS
    python driver.py --describe     say what is installed, and which tools it has

Nothing of idetour is importable here, and nothing but Trae Agent and the
standard library may be. Its console is ours, so model output that looks like
Rich markup (`[/red]`, `[/INST]`) cannot end the run as it ends `trae-cli`.
"""

import asyncio
import importlib
import json
import os
import subprocess
import sys
import time
import types
from pathlib import Path
from typing import Any

FAILED, CRASHED, UNFIT = 10, 11, 12  # exit codes: not done, an exception, another Trae Agent than we know

# Imported at the top of modules that we need, for features that we do not; some cannot be installed everywhere.
SPARE = {
    "docker": (),
    "docker.errors": ("DockerException", "ImageNotFound", "NotFound"),
    "pexpect": (),
    "tree_sitter_languages": ("get_parser",),
}


def theirs(name: str) -> Any:
    """A module of Trae Agent's."""
    return importlib.import_module(f"trae_agent.{name}")


def stand_in() -> list[str]:
    """Put empty modules where spare ones are missing; returns their names."""
    missing = []
    for name, attributes in SPARE.items():
        try:
            importlib.import_module(name)
        except ImportError:
            made = types.ModuleType(name)
            for attribute in attributes:
                setattr(made, attribute, type(attribute, (Exception,), {}))
            sys.modules[name] = made
            missing.append(name)
    return missing


class Pipe:
    """Events, one JSON object a line, each written at once."""

    def __init__(self, descriptor: int, longest: int) -> None:
        self._file = os.fdopen(descriptor, "wb", buffering=0)
        self._longest = longest

    def __call__(self, type: str, **data: Any) -> None:
        line = json.dumps({"type": type, "at": time.time(), **self._short(data)}, default=str) + "\n"
        left = memoryview(line.encode("utf-8", "surrogatepass"))
        while left:
            left = left[self._file.write(left) :]

    def _short(self, value: Any) -> Any:
        """Texts cut: a tool may have printed a hundred megabytes, and the trajectory has them all."""
        if isinstance(value, str) and len(value) > self._longest:
            return f"{value[: self._longest]}… ({len(value) - self._longest:,} more characters: see the trajectory)"
        if isinstance(value, dict):
            return {key: self._short(each) for key, each in value.items()}
        return [self._short(each) for each in value] if isinstance(value, list | tuple) else value


class Console:
    """What Trae Agent takes for its console. It is told of every change of a step."""

    def __init__(self, emit: Pipe) -> None:
        self.emit = emit
        self.said: set[tuple[int, str]] = set()

    def set_lakeview(self, _: Any) -> None:
        self.lake_view = None

    def print(self, message: Any, *_: Any, **__: Any) -> None:
        self.emit("log", message=str(message))

    def print_task_details(self, details: Any) -> None:
        pass  # it is what we told the agent

    async def start(self) -> None:
        pass

    def update_status(self, agent_step: Any = None, agent_execution: Any = None) -> None:
        if agent_step is None:
            return
        step, answer = agent_step, agent_step.llm_response
        self.once(step, "step.started")
        if answer is not None:
            calls = [called(each) for each in answer.tool_calls or ()]
            self.once(step, "llm.response", **answered(answer), tool_calls=calls)
        if step.tool_calls:
            self.once(step, "tool.calls", tool_calls=[called(each) for each in step.tool_calls])
        if step.tool_results is not None:
            self.once(step, "tool.results", tool_results=[resulted(each) for each in step.tool_results])
        if step.state.value in ("completed", "error"):
            self.once(step, "step.completed", error=step.error)

    def once(self, step: Any, type: str, **data: Any) -> None:
        if (step.step_number, type) not in self.said:
            self.said.add((step.step_number, type))
            self.emit(type, step=step.step_number, **data)


def answered(answer: Any) -> dict[str, Any]:
    names = ("input_tokens", "output_tokens", "cache_read_input_tokens", "reasoning_tokens")
    usage = answer.usage and {name: getattr(answer.usage, name, 0) or 0 for name in names}
    return {
        "content": answer.content,
        "model": answer.model,
        "finish_reason": answer.finish_reason,
        "usage": usage or None,
    }


def called(call: Any) -> dict[str, Any]:
    return {"name": call.name, "call_id": call.call_id, "arguments": call.arguments}


def resulted(result: Any) -> dict[str, Any]:
    names = ("name", "call_id", "success", "result", "error")
    return {name: getattr(result, name, None) for name in names}


def finish_what_was_asked(agent: Any) -> None:
    """Run calls that come in one turn with `task_done`; as it is, the agent ends without running them.

    The turn ends the task if all of them succeed. If one fails, the model is told and goes on.
    """
    is_end, run_step = agent.llm_indicates_task_completed, agent._run_llm_step

    def beside(answer: Any) -> bool:
        return bool(is_end(answer)) and any(call.name != "task_done" for call in answer.tool_calls)

    async def step_and_end(step: Any, messages: Any, execution: Any) -> Any:
        after = await run_step(step, messages, execution)
        answer = step.llm_response
        if answer is not None and beside(answer) and all(each.success for each in step.tool_results or ()):
            if not agent._is_task_completed(answer):
                return after
            states = type(execution.agent_state)
            execution.agent_state, execution.success = states.COMPLETED, True
            execution.final_result = answer.content
        return after

    agent.llm_indicates_task_completed = lambda answer: bool(is_end(answer)) and not beside(answer)
    agent._run_llm_step = step_and_end


def see_new_files(agent: Any, shadow: dict[str, Any]) -> None:
    """Let `must_patch` look at everything that changed; a plain `git diff` does not show new files."""

    def changes() -> str:
        index = f"{shadow['env']['GIT_DIR']}/index"
        environment = {**shadow["env"], "GIT_INDEX_FILE": f"{index}.driver"}
        for words in (["add", "--all", "."], ["diff", "--cached", "--no-ext-diff", shadow["before"]]):
            command = ["git", *shadow["options"], *words]
            done = subprocess.run(
                command, cwd=shadow["work"], env=environment, capture_output=True, check=False
            )
        return done.stdout.decode(errors="replace")

    agent.get_git_diff = changes


def check() -> list[str]:
    """Whether this is the Trae Agent that we know; the spare modules that are missing. Raises ImportError."""
    missing = stand_in()
    agent, config = theirs("agent.agent").Agent, theirs("utils.config").Config
    kind = theirs("agent.trae_agent").TraeAgent
    hooks = ("llm_indicates_task_completed", "_run_llm_step", "_is_task_completed", "get_git_diff")
    unknown = [name for name in hooks if not hasattr(kind, name)]
    if unknown or not hasattr(config, "create") or not hasattr(agent, "run"):
        raise ImportError(f"this Trae Agent lacks {', '.join(unknown) or 'Config.create or Agent.run'}")
    return missing


def describe() -> dict[str, Any]:
    missing = check()
    tools = [told(name, kind) for name, kind in theirs("tools").tools_registry.items()]
    return {"python": sys.version.split()[0], "missing": missing, "tools": [each for each in tools if each]}


def told(name: str, kind: Any) -> dict[str, str] | None:
    try:
        return {"name": name, "description": " ".join(kind(model_provider=None).description.split())}
    except Exception:  # noqa: BLE001 - one tool that cannot be made here must not hide the others
        return None


async def run(spec: dict[str, Any], emit: Pipe) -> int:
    config = (
        theirs("utils.config")
        .Config.create(config_file=spec["config_file"])
        .resolve_config_values(provider=spec["provider"], model=spec["model"], max_steps=spec["max_steps"])
    )
    config.trae_agent.enable_lakeview = False
    os.chdir(spec["working_dir"])  # the shell of the agent starts where the agent is
    agent = theirs("agent.agent").Agent("trae_agent", config, spec["trajectory_file"], Console(emit))
    finish_what_was_asked(agent.agent)
    if spec["shadow"]:
        see_new_files(agent.agent, spec["shadow"])
    asked = {
        "project_path": spec["working_dir"],
        "issue": spec["task"],
        "must_patch": str(bool(spec["must_patch"] and spec["shadow"])).lower(),
    }
    done = await agent.run(spec["task"], asked)
    error = next((step.error for step in reversed(done.steps) if step.error), None)
    emit("agent.finished", success=done.success, result=done.final_result, error=error)
    return 0 if done.success else FAILED


def main(word: str) -> int:
    if word == "--describe":
        print(json.dumps(describe()))  # noqa: T201 - it is what we are asked for
        return 0
    spec = json.loads(Path(word).read_text("utf-8"))
    events = os.environ.pop("IDETOUR_EVENTS")
    emit = Pipe(int(events) if events.isdigit() else os.open(events, os.O_WRONLY), spec["longest"])
    try:
        check()
    except Exception as error:  # noqa: BLE001 - whatever it is, trae-cli may still work
        emit("driver.unfit", error=f"{type(error).__name__}: {error}")
        return UNFIT
    try:
        return asyncio.run(run(spec, emit))
    except Exception as error:  # noqa: BLE001 - it is reported, as an event
        emit("agent.crashed", error=f"{type(error).__name__}: {error}")
        return CRASHED


if __name__ == "__main__":
    code = main(sys.argv[1])
    sys.stdout.flush()
    os._exit(code)  # threads of SDKs must not keep a finished run alive
