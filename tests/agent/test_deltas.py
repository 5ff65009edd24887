"""Which step a piece of the model's words belongs to, whatever order two tellers are heard in."""

from typing import Any

from idetour.agent import deltas
from idetour.agent.deltas import Deltas
from idetour.agent.store import Said

type Told = dict[str, Any]


def begin(request: str) -> Told:
    return {"type": "begin", "request": request}


def delta(request: str, **said: Any) -> Told:
    return {"type": "delta", "request": request, **said}


def end(request: str, outcome: str = "ok") -> Told:
    return {"type": "end", "request": request, "outcome": outcome}


def started(step: int) -> Said:
    return "step.started", {"step": step}


def response(step: int) -> Said:
    return "llm.response", {"step": step}


def hello(*, gap: bool = False) -> Told:
    return {"type": "hello", "gap": gap}


def texts(said: list[Said]) -> list[tuple[int, str]]:
    return [(data["step"], data["text"]) for type, data in said if type == "llm.delta"]


def greeted(at: float = 10.0, **how: Any) -> Deltas:
    made = Deltas(**how)
    made.hear([hello()], at)
    return made


def test_pieces_of_one_kind_are_one_event() -> None:
    made = greeted()
    made.hear(
        [
            begin("r"),
            delta("r", reasoning="Let "),
            delta("r", reasoning="me see."),
            delta("r", text="I "),
            delta("r", text="write."),
            delta("r", call=0, name="edit"),
            delta("r", call=0, arguments='{"a"'),
            delta("r", call=0, arguments=": 1}"),
            delta("r", call=1, name="bash", arguments="{}"),
        ],
        11,
    )

    assert made.among([started(1)], 11) == [
        started(1),
        ("llm.delta", {"step": 1, "reasoning": "Let me see."}),
        ("llm.delta", {"step": 1, "text": "I write."}),
        ("llm.delta", {"step": 1, "call": 0, "tool": "edit", "arguments": '{"a": 1}'}),
        ("llm.delta", {"step": 1, "call": 1, "tool": "bash", "arguments": "{}"}),
    ]


def test_odd_pieces_do_not_stop_a_run() -> None:
    made = greeted()
    odd: list[Told] = [
        {"type": "new"},
        {},
        {"type": "delta"},
        begin("r"),
        delta("r"),
        delta("r", call=None, name=None, arguments=None),
        delta("r", call="x", arguments=7),
        delta("r", text=[1]),
    ]
    made.hear(odd, 11)

    assert made.among([started(1)], 11)[1:] == [
        ("llm.delta", {"step": 1, "call": 0, "tool": "", "arguments": "7"}),
        ("llm.delta", {"step": 1, "text": "[1]"}),
    ]


def test_there_are_ten_events_a_second_at_most() -> None:
    made, found = greeted(), 0
    made.hear([begin("r")], 11)
    made.among([started(1)], 11)
    for tick in range(1000):
        made.hear([delta("r", text="x")], 11 + tick / 1000)
        found += len(made.among([], 11 + tick / 1000))

    assert found == 10


def test_the_last_piece_stands_before_the_response_and_a_late_one_nowhere() -> None:
    made = greeted()
    made.hear([begin("a"), delta("a", text="one")], 11)
    assert texts(made.among([started(1)], 11)) == [(1, "one")]
    made.hear([delta("a", text=" two")], 11.01)
    said = made.among([response(1), started(2)], 11.02)
    assert said == [("llm.delta", {"step": 1, "text": " two"}), response(1), started(2)]
    made.hear([delta("a", text=" late"), end("a"), begin("b"), delta("b", text="next")], 11.03)

    assert texts(made.among([], 11.2)) == [(2, "next")]


def test_an_answer_that_is_heard_only_after_its_response_is_left_out() -> None:
    """Both were told at once, and the thread was slow."""
    made = greeted()
    made.among([started(1), response(1), started(2)], 11)
    made.hear([begin("a"), delta("a", text="late"), end("a"), begin("b"), delta("b", text="next")], 11.01)

    assert texts(made.among([], 11.2)) == [(2, "next")]


def test_a_piece_waits_until_the_agent_says_that_its_step_began() -> None:
    made = greeted()
    made.hear([begin("a"), delta("a", text="x")], 11)

    assert made.among([], 11) == []
    assert texts(made.among([started(1)], 11.01)) == [(1, "x")]


def test_without_the_driver_steps_are_counted_by_responses() -> None:
    made = greeted(driven=False)
    made.hear([begin("a"), delta("a", text="one"), end("a"), begin("b"), delta("b", text="two")], 11)
    assert texts(made.among([], 11)) == [(1, "one")]  # the trajectory is read late
    assert texts(made.among([started(1), response(1)], 11.2)) == [(2, "two")]


def test_another_attempt_says_that_what_was_told_does_not_count() -> None:
    made = greeted()
    made.hear([begin("a"), delta("a", text="Hal")], 11)
    made.among([started(1)], 11)
    made.hear([end("a", "broken"), begin("a"), delta("a", text="Hello"), delta("a", text="!")], 12)

    assert made.among([], 12) == [("llm.delta", {"step": 1, "again": True, "text": "Hello!"})]


def test_an_answer_that_the_agent_did_not_take_costs_a_second_and_no_step() -> None:
    """The agent asked once more, or its shell asked."""
    made = greeted()
    made.hear([begin("a"), delta("a", text="a"), end("a"), begin("b"), delta("b", text="b")], 11)
    assert texts(made.among([started(1)], 11)) == [(1, "a")]
    assert texts(made.among([], 11.5)) == []
    made.among([], 12.1)
    assert made.among([], 12.2) == [("llm.delta", {"step": 1, "again": True, "text": "b"})]
    made.hear([end("b")], 12.25)
    made.among([response(1), started(2)], 12.3)
    made.hear([begin("c"), delta("c", text="c")], 12.4)

    assert texts(made.among([], 12.5)) == [(2, "c")]


def test_what_was_missed_during_a_break_is_sorted_into_its_steps() -> None:
    """The gateway repeats it; step 1 is over by then."""
    made = greeted()
    made.hear([begin("a"), delta("a", text="a")], 11)
    made.among([started(1)], 11)
    made.among([response(1), started(2)], 15)
    missed = [delta("a", text="a2"), end("a"), begin("b"), delta("b", text="b")]
    made.hear([hello(), *missed], 16)

    assert texts(made.among([], 16)) == [(2, "b")]


def test_after_a_gap_the_counts_begin_anew() -> None:
    made = greeted()
    made.among([started(1), response(1), started(2), response(2), started(3)], 11)
    made.hear([hello(gap=True), delta("c", text="of what was not heard begin"), end("c")], 12)
    made.among([response(3), started(4)], 12.1)
    made.hear([begin("d"), delta("d", text="d")], 12.2)

    assert texts(made.among([], 12.3)) == [(4, "d")]


def test_counts_that_stay_behind_are_brought_up() -> None:
    made = greeted()
    made.among([started(1), response(1), started(2)], 11)  # nothing was told of that answer
    made.hear([begin("b"), delta("b", text="b")], 13)

    assert texts(made.among([], 13)) == [(2, "b")]


def test_what_is_stored_for_a_task_is_bounded_and_that_is_said_once() -> None:
    made = greeted()
    made.hear([begin("a")], 11)
    made.among([started(1)], 11)
    found: list[Said] = []
    for tick in range(20):
        made.hear([delta("a", text="é" * (1 << 19))], 12 + tick)
        found += made.among([], 12 + tick)

    assert [type for type, _ in found] == [*["llm.delta"] * 15, "warning"]
    assert found[-1][1]["message"] == deltas.ENOUGH
    assert made.hear([delta("a", text="x")], 40) is True  # it is still at work
