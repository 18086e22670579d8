"""How long people wait, from Send or from the moment wished to the gateway's yes, through Celery's processes."""

import json
import os
import sys
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta

from django.utils import timezone

from contacts.models import User
from office.children import Child, end_all
from sms import submission
from sms.models import Delivery
from tests.bench import raw
from tests.bench.accept import recipient, send, submit_read, wealthy
from tests.bench.figures import Figure, percentile, ratio, value
from tests.bench.rows import row
from tests.bench.run import Run
from tests.people import numbers

A_SECOND = 50
ROUND_TRIP = 50  # ms
CELERY = [sys.executable, "-m", "celery", "--quiet", "--app", "office"]
WORKER = [*CELERY, "worker", "--without-gossip", "--without-mingle", "--without-heartbeat"]


@contextmanager
def at_work(run: Run, *, window: int) -> Iterator[str]:
    """An office with a Celery worker and a beat at work, and a gateway of 50 ms; yields the gateway's address."""
    with ExitStack() as stack:
        sink = stack.enter_context(run.sink())
        database = stack.enter_context(run.office(main={"url": f"{sink}{ROUND_TRIP}", "window": window}))
        before = dict(os.environ)
        stack.callback(lambda: (os.environ.clear(), os.environ.update(before)))
        os.environ.update(database.environment)
        children = [
            Child(name, command, run.folder / f"{name}-{uuid.uuid4().hex}.log")
            for name, command in (("worker", WORKER), ("beat", [*CELERY, "beat"]))
        ]
        stack.callback(end_all, children)
        for child in children:
            child.start()
        user = wealthy("first")
        send(user, numbers(1))
        until(lambda: Delivery.objects.filter(state="sent").exists(), seconds=40)
        journal(sink)
        yield sink


def until(true: Callable[[], bool], *, seconds: float) -> None:
    give_up = time.monotonic() + seconds
    while not true():
        if time.monotonic() > give_up:
            raise TimeoutError("it did not come to an end")
        time.sleep(0.05)


def journal(sink: str) -> dict[int, float]:
    """Return when the gateway said yes to each delivery since the last time, in seconds since 1970."""
    with urllib.request.urlopen(f"{sink}journal") as answer:
        return {int(reference): at for reference, at in json.loads(answer.read())}


@row
def wait_from_send(run: Run) -> Iterator[Figure]:
    """From Send to the gateway's yes at 50 SMS a second, alone and while a list of 10,000 goes out."""
    seconds = run.seconds(8, tiny=0.2)
    with at_work(run, window=50) as sink:
        user, other = wealthy(), wealthy("bert")
        for beside in ("alone", "beside_a_list"):
            if beside == "beside_a_list":
                submit_read(other, [recipient(number) for number in numbers(run.size(10_000, tiny=20))])
            waits = send_steadily(user, seconds, sink)
            for name, share, goal in (("p50", 0.5, 1.0), ("p99", 0.99, 5.0)):
                found = [percentile(part, share) for part in fifths(waits)]
                yield Figure(
                    f"wait_from_send.{beside}_{name}", "s", found, [ROUND_TRIP / 1000] * len(found),
                    value(at_most=goal), floor_is="the gateway's own round trip", more={"sent": len(waits)}
                )  # fmt: skip


def send_steadily(user: User, seconds: float, sink: str) -> list[float]:
    """Submit 50 SMS a second; return how long each took from before the submit to the gateway's yes, in order."""
    begun: dict[int, float] = {}
    begin = time.monotonic()
    number = iter(numbers(100_000))
    for index in range(max(int(seconds * A_SECOND), 5)):
        time.sleep(max(0.0, begin + index / A_SECOND - time.monotonic()))
        at = time.time()
        message = send(user, [next(number)]).message
        begun[message.deliveries.get().pk] = at
    ended: dict[int, float] = {}
    until(lambda: ended.update(journal(sink)) or begun.keys() <= ended.keys(), seconds=60)
    return [ended[pk] - at for pk, at in begun.items()]


def fifths(waits: list[float]) -> list[list[float]]:
    """Return the waits in five rounds of the same length, in order."""
    size = len(waits) // 5
    return [waits[index * size : (index + 1) * size] for index in range(5)]


@row
def lateness(run: Run) -> Iterator[Figure]:
    """10,000 SMS due in the same minute, window 200, 50 ms: how late the last of a hundred is; and a single one."""
    count = run.size(10_000, tiny=20)
    with at_work(run, window=200) as sink:
        user = wealthy()
        found = []
        for _round in range(run.size(3, tiny=1)):
            due_at = timezone.now() + timedelta(seconds=run.seconds(2.5, tiny=0.5))
            wanted = submission.Request(
                user=user, text=raw.TEXT, to=[recipient(number) for number in numbers(count)], occasion="reminder",
                request_key=uuid.uuid4().hex, not_before=due_at,
            )  # fmt: skip
            submission.submit(wanted, now=timezone.now())
            found.append(percentile(lates(count, due_at.timestamp(), sink), 0.99))
        floor = count * ROUND_TRIP / 1000 / 200
        yield Figure(
            "lateness.10_000_p99", "s", found, [floor] * len(found), ratio(at_most=1.6), floor_is="n × 50 ms / 200"
        )
        singles = []
        for _round in range(run.size(20, tiny=1)):
            due_at = timezone.now() + timedelta(seconds=0.3)
            send(user, numbers(1), not_before=due_at)
            singles += lates(1, due_at.timestamp(), sink)
        yield Figure(
            "lateness.single_p99",
            "s",
            [percentile(singles, 0.99)],
            goal=value(at_most=1.5),
            more={"sent": len(singles)},
        )


def lates(count: int, due_at: float, sink: str) -> list[float]:
    """Wait until the gateway has taken `count`; return how long after `due_at` it took each."""
    ended: dict[int, float] = {}
    until(lambda: len(ended.update(journal(sink)) or ended) >= count, seconds=90)
    return [at - due_at for at in ended.values()]
