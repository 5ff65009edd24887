"""What a caller makes."""

from typing import Any

from ..utils.config import Config
from ..utils.trajectory import Trajectory
from .trae_agent import Execution, TraeAgent


class Agent:
    def __init__(self, agent_type: str, config: Config, trajectory_file: str, cli_console: Any) -> None:
        if agent_type != "trae_agent":
            raise ValueError(f"{agent_type!r} is not a valid AgentType")
        self.agent = TraeAgent(config.trae_agent, Trajectory(trajectory_file), cli_console)
        self.console = cli_console

    async def run(self, task: str, extra_args: dict[str, Any]) -> Execution:
        self.console.print_task_details({"Task": task})
        await self.console.start()
        return await self.agent.execute_task(task, extra_args)
