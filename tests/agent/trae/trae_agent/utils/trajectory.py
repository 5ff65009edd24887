"""The trajectory: one file, truncated and written anew after each answer and each step."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any


def now() -> str:
    return datetime.now().isoformat()


class Trajectory:
    def __init__(self, path: str) -> None:
        self.path = Path(path).absolute()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.data: dict[str, Any] = {
            "task": "",
            "start_time": "",
            "end_time": "",
            "provider": "",
            "model": "",
            "max_steps": 0,
            "llm_interactions": [],
            "agent_steps": [],
            "success": False,
            "final_result": None,
            "execution_time": 0.0,
        }

    def save(self, **changes: Any) -> None:
        self.data |= changes
        with self.path.open("w", encoding="utf-8") as file:
            json.dump(self.data, file, indent=2, ensure_ascii=False)

    def add(self, name: str, entry: dict[str, Any]) -> None:
        self.data[name].append(entry)
        self.save()
