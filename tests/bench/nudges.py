"""Nudges: one a submit, whatever it goes to; and what a lost one costs."""

import time
from collections.abc import Iterator
from unittest.mock import patch

from sms import nudge
from tests.bench.accept import recipient, send, submit_read, wealthy
from tests.bench.figures import Figure, value
from tests.bench.rows import row
from tests.bench.run import Run
from tests.bench.waiting import at_work, lates
from tests.people import numbers


@row
def nudge_per_submit(run: Run) -> Iterator[Figure]:
    """How many nudges a list of 10,000 gives; against one SMS."""
    with run.office(main={}):
        user = wealthy()
        counts = []
        for size in (1, run.size(10_000, tiny=20)):
            with patch.object(nudge._nudger, "add") as add:
                submit_read(user, [recipient(number) for number in numbers(size)])
            counts.append(float(sum(len(list(call.args[0])) for call in add.call_args_list)))
        one, many = counts
        yield Figure("nudge_per_submit", "nudges", [many], [one], value(at_most=1), floor_is="for one number")


@row
def nudge_lost(run: Run) -> Iterator[Figure]:
    """What a lost nudge costs: the wait from Send without any, until the tick has seen to it; against with them."""
    with at_work(run, window=10) as sink:
        user = wealthy()

        def wait() -> float:
            begin = time.time()
            send(user, numbers(1))
            return lates(1, begin, sink)[0]

        def without() -> float:
            with patch.object(nudge._nudger, "add"):
                return wait()

        told = run.compare("nudge_lost", unit="s", ours=without, floor=wait)
        cost = [each - floor for each, floor in zip(told.values, told.floors, strict=True)]
        yield Figure("nudge_lost", "s more", cost, goal=value(at_most=1.1))
