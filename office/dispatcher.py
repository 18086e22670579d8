"""The due-work loop without Celery: the tasks of the schedule in threads of this process, or one gateway's own loop.

It needs no broker and may run beside Celery's workers: every task is safe to run twice.
"""

import threading
import time
from collections.abc import Callable, Sequence

import structlog
from celery import Task
from django.db import close_old_connections, connections
from django.utils.module_loading import import_string

from contacts import clock, fault
from office import seen
from office.schedule import Entry
from sms import dispatch
from sms.tasks import stopping

AFTER_FAILURE = 5.0  # seconds
SEEN_EVERY = 5.0
SLOT_TRIED_EVERY = 1.0

log = structlog.get_logger(__name__)


def run(entries: Sequence[Entry]) -> None:
    """Run each entry in a thread of its own, so that one that lasts stops no other, until `stop` is called."""
    loops = [_repeating(_task(entry), every=entry.every, name=entry.name) for entry in entries]
    _until_stopped([*loops, _showing_up("dispatcher")])


def run_gateway(alias: str) -> None:
    """Run the loop of one gateway for as long as this process lives, or until `stop` is called.

    Where another worker has the gateway's slot, it is taken as soon as that one is idle.
    """

    def stay() -> None:
        dispatch.drain(alias, clock=clock.Running(), stop=stopping.is_set, until_idle=False)

    _until_stopped([_repeating(stay, every=SLOT_TRIED_EVERY, name=alias), _showing_up(f"dispatcher:{alias}")])


def stop() -> None:
    """Have everything end: calls under way are finished, nothing new is begun."""
    stopping.set()


def _until_stopped(loops: Sequence[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=loop) for loop in loops]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        time.sleep(0.1)  # not join: a signal's handler runs between two naps of this thread


def _repeating(work: Callable[[], object], *, every: float, name: str) -> Callable[[], None]:
    """Return a loop that does `work` every so many seconds until told to stop; what it raises ends no loop."""

    def loop() -> None:
        while not stopping.is_set():
            stopping.wait(every if _done(work, name) else max(every, AFTER_FAILURE))
        connections.close_all()

    return loop


def _done(work: Callable[[], object], name: str) -> bool:
    """Do `work`; return whether it got through."""
    close_old_connections()
    fault.hit("dispatcher.turn")
    try:
        work()
        fault.hit("dispatcher.turn_done")
    except Exception:  # such as a database that restarts: the next turn does the work
        log.exception("dispatcher_turn_failed", entry=name)
        return False
    finally:
        close_old_connections()
    return True


def _task(entry: Entry) -> Callable[[], object]:
    task: Task[..., object] = import_string(entry.task)
    return lambda: task(*entry.args)


def _showing_up(who: str) -> Callable[[], None]:
    """Return the loop that says that `who` is at work."""
    return _repeating(lambda: seen.record(who, now=clock.now()), every=SEEN_EVERY, name=who)
