"""`trae-cli run`: its options, its exit codes, and a console that dies of text that looks like markup."""

import argparse
import asyncio
import os
import re
import sys
import time
from pathlib import Path
from typing import Any, NoReturn

from .agent.agent import Agent
from .utils.config import Config

MARKUP = re.compile(r"\[/[a-zA-Z]+\]")


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


class Console:
    def print_task_details(self, details: Any) -> None:
        say(f"Task Details {details}")

    async def start(self) -> None:
        pass

    def update_status(self, step: Any = None, execution: Any = None) -> None:
        """Raises what Rich raises, outside of all that the agent catches."""
        if step is None or execution is not None:
            return
        said = [step.llm_response.content if step.llm_response else ""]
        said += [str(each.result) for each in step.tool_results or []]
        if found := MARKUP.search(" ".join(said)):
            say(f"rich.errors.MarkupError: closing tag '{found[0]}' doesn't match any open tag")
            os._exit(1)
        say(f"Step {step.step_number}: {step.state.value}")


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        say(f"Error: {message}")
        sys.exit(2)


def options() -> argparse.Namespace:
    parser = Parser(prog="trae-cli", allow_abbrev=False)
    run = parser.add_subparsers(dest="command", required=True).add_parser("run", allow_abbrev=False)
    run.add_argument("task", nargs="?")
    names = (
        "--file -f",
        "--provider -p",
        "--model -m",
        "--model-base-url",
        "--api-key -k",
        "--working-dir -w",
    )
    for name in (*names, "--trajectory-file -t", "--patch-path -pp", "--docker-image", "--docker-keep"):
        run.add_argument(*name.split())
    run.add_argument("--max-steps", type=int)
    run.add_argument("--must-patch", "-mp", action="store_true")
    run.add_argument("--config-file", default=os.environ.get("TRAE_CONFIG_FILE", "trae_config.yaml"))
    run.add_argument("--console-type", "-ct", choices=["simple", "rich"], default="simple")
    run.add_argument("--agent-type", "-at", choices=["trae_agent"], default="trae_agent")
    return parser.parse_args()


def task_of(asked: argparse.Namespace) -> str:
    if not Path(asked.config_file).is_file():
        sys.exit("Error: Config file not found.")
    if asked.file:
        if asked.task:
            sys.exit("Error: Cannot use both a task string and the --file argument.")
        return Path(asked.file).read_text()
    return str(asked.task or sys.exit("Error: Must provide either a task string or use the --file argument."))


def main() -> None:
    asked = options()
    task = task_of(asked)
    config = Config.create(config_file=asked.config_file).resolve_config_values(
        provider=asked.provider,
        model=asked.model,
        model_base_url=asked.model_base_url,
        api_key=asked.api_key,
        max_steps=asked.max_steps,
    )
    name = asked.trajectory_file or time.strftime("trajectories/trajectory_%Y%m%d_%H%M%S.json")
    agent = Agent("trae_agent", config, name, Console())  # the trajectory lies where we were started
    folder = Path(asked.working_dir or ".").absolute()
    folder.mkdir(parents=True, exist_ok=True)
    os.chdir(folder)
    must = str(asked.must_patch).lower()
    about = {"project_path": str(folder), "issue": task, "must_patch": must, "patch_path": asked.patch_path}
    asyncio.run(agent.run(task, about))  # how it ended does not change the exit code


if __name__ == "__main__":
    main()
