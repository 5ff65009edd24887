"""A takeover for as long as this process lives: made once we answer, undone however we end."""

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from idetour.errors import IdetourError
from idetour.takeover import UNDO, journal, process, watchdog

STEP_SECONDS = 0.05


@contextmanager
def holding(begin: Callable[[], None], ready: Callable[[], bool]) -> Iterator[None]:
    """Call `begin` as soon as `ready`, from a thread: the main one serves meanwhile.

    Nothing is changed before we can answer. On leaving, all that this process holds is put back.
    Where `begin` fails, the process is asked to stop as by Ctrl-C, and its error is raised on leaving.
    """
    dog = watchdog.start()
    leaving = threading.Event()
    failures: list[IdetourError] = []

    def wait_and_begin() -> None:
        while not leaving.wait(STEP_SECONDS):
            if ready():
                try:
                    dog.ready()
                    begin()
                except IdetourError as error:
                    failures.append(error)
                    _interrupt()
                return

    thread = threading.Thread(target=wait_and_begin, name="takeover", daemon=True)
    thread.start()
    try:
        yield
    finally:
        leaving.set()
        thread.join()
        me = process.me()
        report = journal.undo(UNDO, lambda entry: (entry.pid, entry.born) == me)
        dog.release()
        failures += [IdetourError(f"{reason} Then: idetour undo") for _, reason in report.left]
    if failures:
        raise failures[0]


def _interrupt() -> None:
    """As Ctrl-C does: to the main thread, also where it waits."""
    if sys.platform == "win32":
        signal.raise_signal(signal.SIGINT)
    elif ident := threading.main_thread().ident:
        signal.pthread_kill(ident, signal.SIGINT)


def put_back_abandoned() -> journal.Report:
    """Undo what processes left that are no more."""
    return journal.undo(UNDO, lambda entry: entry.abandoned)
