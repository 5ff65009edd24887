"""What stores hold."""

from idetour.agent.store import ACTIVE, LIVE, STATUSES, Event, Spec, Task


def test_an_event_is_shown_with_its_task_and_its_number() -> None:
    event = Event(3, 1.5, "start", {"message": "go", "type": "forged"})

    assert event.shown("t") == {"message": "go", "type": "start", "task_id": "t", "timestamp": 1.5, "seq": 3}


def test_a_task_knows_how_long_it_took() -> None:
    spec = Spec(task="x", working_dir="/w")
    queued = Task(id="t", status="queued", spec=spec, created=10)
    done = Task(id="t", status="completed", spec=spec, created=10, started=20, finished=25)

    assert (queued.seconds(now=15), done.seconds(now=99)) == (5, 5)
    assert (queued.live, done.live) == (True, False)


def test_the_groups_of_statuses_are_among_all() -> None:
    assert set(ACTIVE) < set(LIVE) < set(STATUSES)
