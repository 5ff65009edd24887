"""What became of a run, whatever its exit code says."""

from typing import Any

import pytest

from idetour.agent.outcome import Outcome, Tally, hint, of_driver, of_trajectory

OVER: dict[str, Any] = {"end_time": "2026-01-01", "agent_steps": []}


@pytest.mark.parametrize("code", [0, 1])
def test_only_the_record_of_a_run_counts(code: int) -> None:
    done = of_trajectory({**OVER, "success": True, "final_result": "r"}, code)
    failed = of_trajectory({**OVER, "success": False, "final_result": "too many steps"}, code)

    assert done == Outcome(status="completed", result="r")
    assert failed == Outcome(status="failed", result="too many steps", error="too many steps")


def test_a_run_that_broke_off_has_failed() -> None:
    cut = {"end_time": "", "success": True, "agent_steps": []}

    assert (
        of_trajectory(cut, -15).error == "The agent ended by signal 15 (Terminated) before its task was done."
    )
    assert "no memory left" in str(
        of_trajectory(cut, 128 + 9).error
    )  # as a namespace's first process says it
    assert of_trajectory({}, 1).error == "The agent ended with exit code 1 before its task was done."
    assert of_driver({}, 1).status == "failed"


def test_the_last_error_of_a_step_is_the_reason() -> None:
    steps = [{"error": "first"}, {"error": "last"}, {"error": None}]

    assert of_trajectory({**OVER, "success": False, "agent_steps": steps}, 0).error == "last"


def test_the_driver_says_it_itself() -> None:
    assert of_driver({"success": True, "result": "r"}, 0).success
    assert of_driver({"error": "ValueError: x"}, 11).error == "ValueError: x"


def test_a_reason_of_ours_wins() -> None:
    assert Outcome(status="completed", result="r").unless("failed", "no") == Outcome(
        status="failed", result="r", error="no"
    )


def test_the_console_says_what_the_record_does_not() -> None:
    assert hint("…ssl.c: CERTIFICATE_VERIFY_FAILED …") == "CERTIFICATE_VERIFY_FAILED"
    assert (
        hint("\n/no/python cannot be started: No such file\n") == "/no/python cannot be started: No such file"
    )
    assert hint("all is well") is None


def test_tokens_are_added_up() -> None:
    tally = Tally()
    for _ in range(2):
        tally.count("llm.response", {"usage": {"input_tokens": 3, "output_tokens": None}})
    tally.count("llm.response", {"usage": None})
    tally.count("tool.calls", {"usage": {"input_tokens": 100}})

    assert tally.usage == {"requests": 3, "input_tokens": 6}
