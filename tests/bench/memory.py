"""Memory: a process that hands over, beside a bare process of Django, and whether it grows with what it sends."""

import resource
from collections.abc import Iterator
from pathlib import Path

from django.utils import timezone

from contacts.models import User
from sms import dispatch
from tests.bench.accept import recipient, submit_read, wealthy
from tests.bench.figures import Figure, ratio
from tests.bench.rows import row
from tests.bench.run import Run
from tests.people import numbers

PAGE_MB = resource.getpagesize() / 2**20


@row
def memory(run: Run) -> Iterator[Figure]:
    """A dispatcher's memory after 1,000 and after 50,000 SMS; against a bare process of Django, and against itself."""
    batch, batches = run.size(1_000, tiny=5), run.size(50, tiny=2)
    with run.sink() as sink, run.office(main={"url": f"{sink}0", "window": 50}) as database:
        user = wealthy()
        [bare] = run.processes(database, 1, resident)
        for _batch in range(batches):
            submit_read(user, [recipient(number) for number in numbers(batch)])
        [(early, late)] = run.processes(database, 1, drain_and_weigh, batch, batch * batches)
        yield Figure("memory.dispatcher", "MB", [early], [bare], ratio(at_most=1.3), floor_is="a bare Django process")
        yield Figure(
            "memory.growth",
            "MB",
            [late],
            [early],
            ratio(at_most=1.1),
            floor_is=f"after {batch}",
            more={"sent": batch * batches},
        )


def resident() -> float:
    """A child's process: return its resident memory in MB, with one look at the database behind it."""
    User.objects.count()
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_MB


def drain_and_weigh(few: int, count: int) -> tuple[float, float]:
    """A child's process: hand over `count`; return its memory after the first `few` and at the end."""
    made: list[float] = []
    calls = iter(range(count + 2))

    def look() -> bool:
        """Weigh once when about `few` were handed over: asked before each turn, of at most 50 calls."""
        if not made and next(calls) * 25 >= few:
            made.append(resident())
        return False

    dispatch.drain("main", clock=timezone.now, stop=look)
    late = resident()
    return (made or [late])[0], late
