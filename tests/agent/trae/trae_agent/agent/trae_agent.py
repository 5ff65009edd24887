"""The loop: ask, run what is called, until the model says `task_done`."""

import subprocess
import time
from dataclasses import asdict, dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from ..tools import tools_registry
from ..utils.client import Answer, Client, ToolCall
from ..utils.config import TraeAgentConfig
from ..utils.trajectory import Trajectory, now


class StepState(Enum):
    THINKING = "thinking"
    CALLING_TOOL = "calling_tool"
    COMPLETED = "completed"
    ERROR = "error"


class AgentState(Enum):
    RUNNING = "running"
    COMPLETED = "completed"
    ERROR = "error"


@dataclass
class Result:
    name: str
    call_id: str
    success: bool
    result: str | None = None
    error: str | None = None
    id: str | None = None


@dataclass
class Step:
    step_number: int
    state: StepState = StepState.THINKING
    llm_response: Answer | None = None
    tool_calls: list[ToolCall] | None = None
    tool_results: list[Result] | None = None
    error: str | None = None


@dataclass
class Execution:
    task: str
    steps: list[Step] = field(default_factory=list)
    success: bool = False
    final_result: str | None = None
    agent_state: AgentState = AgentState.RUNNING
    execution_time: float = 0.0


class TraeAgent:
    def __init__(self, config: TraeAgentConfig, trajectory: Trajectory, console: Any) -> None:
        self.config, self.trajectory, self.console = config, trajectory, console
        self.client = Client(config.model)
        self.must_patch, self.patch_path = "false", None

    async def execute_task(self, task: str, asked: dict[str, Any]) -> Execution:
        self.must_patch, self.patch_path = asked["must_patch"], asked.get("patch_path")
        began, done = time.time(), Execution(task)
        model = self.config.model
        about = {
            "provider": model.model_provider.provider,
            "model": model.model,
            "max_steps": self.config.max_steps,
        }
        self.trajectory.save(task=task, start_time=now(), **about)
        said = f"[Project root path]:\n{asked['project_path']}\n\n{asked['issue']}\n"
        messages: Any = [{"role": "system", "content": "stand-in"}, {"role": "user", "content": said}]
        for number in range(1, self.config.max_steps + 1):
            self.client.history += [each for each in messages if each.get("role") != "tool_result"]
            step = Step(number)
            try:
                messages = await self._run_llm_step(step, messages, done)
            except Exception as error:  # noqa: BLE001 - as the original does
                done.agent_state, step.error = AgentState.ERROR, str(error)
            self._record(step, messages)
            done.steps.append(step)
            if done.agent_state is not AgentState.RUNNING:
                break
        else:
            done.agent_state = AgentState.ERROR
            done.final_result = "Task execution exceeded maximum steps without completion."
        done.execution_time = time.time() - began
        self.trajectory.save(
            end_time=now(),
            success=done.success,
            final_result=done.final_result,
            execution_time=done.execution_time,
        )
        if self.patch_path:
            Path(self.patch_path).write_text(self.get_git_diff())
        self.console.update_status(step, done)
        return done

    async def _run_llm_step(self, step: Step, messages: Any, execution: Execution) -> Any:
        self.console.update_status(step, execution)
        answer = step.llm_response = self.client.ask(self.config.tools)
        self._record_answer(answer, messages)
        self.console.update_status(step, execution)
        if self.llm_indicates_task_completed(answer):
            if self._is_task_completed(answer):
                execution.agent_state, execution.success = AgentState.COMPLETED, True
                execution.final_result = answer.content
                return messages
            return [{"role": "user", "content": "ERROR! Your Patch is empty."}]
        if not answer.tool_calls:
            return [{"role": "user", "content": "It seems that you have not completed the task."}]
        step.state, step.tool_calls = StepState.CALLING_TOOL, answer.tool_calls
        self.console.update_status(step)
        step.tool_results = [self._carry_out(call) for call in answer.tool_calls]
        self.console.update_status(step)
        return [{"role": "tool_result", **asdict(each)} for each in step.tool_results]

    def _carry_out(self, call: ToolCall) -> Result:
        try:
            text = tools_registry[call.name]().run(**call.arguments)
            done = Result(call.name, call.call_id, True, result=text)
        except Exception as error:  # noqa: BLE001 - as the original does
            done = Result(call.name, call.call_id, False, error=str(error))
        self.client.result(call, done.result or f"Error: {done.error}")
        return done

    def llm_indicates_task_completed(self, answer: Answer) -> bool:
        """The other calls of that turn are never run."""
        return any(call.name == "task_done" for call in answer.tool_calls or [])

    def _is_task_completed(self, _: Answer) -> bool:
        return self.must_patch != "true" or bool(self.get_git_diff().strip())

    def get_git_diff(self) -> str:
        """New files are not in it."""
        return subprocess.run(
            ["git", "--no-pager", "diff"], capture_output=True, text=True, check=False
        ).stdout

    def _record_answer(self, answer: Answer, messages: Any) -> None:
        model = self.config.model
        self.trajectory.add(
            "llm_interactions",
            {
                "timestamp": now(),
                "provider": model.model_provider.provider,
                "model": model.model,
                "input_messages": messages,
                "response": asdict(answer),
                "tools_available": self.config.tools,
            },
        )

    def _record(self, step: Step, messages: Any) -> None:
        """`completed`, whatever happened."""
        step.state = StepState.COMPLETED
        said = asdict(step) | {
            "state": "completed",
            "timestamp": now(),
            "llm_messages": messages,
            "reflection": None,
        }
        for call in said["tool_results"] or []:
            call.pop("name")
        if said["llm_response"] and (usage := said["llm_response"]["usage"]):
            said["llm_response"]["usage"] = {name: usage[name] for name in ("input_tokens", "output_tokens")}
        self.trajectory.add("agent_steps", said)
        self.console.update_status(step)
