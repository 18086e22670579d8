"""Many histories in a row, and what they showed."""

import argparse
import gc
import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from itertools import groupby
from multiprocessing import get_context

from tests.chaos.points import points
from tests.chaos.simulator import history, office
from tests.chaos.simulator.controls import CONTROLS

TELL_EVERY = 10.0
PART = 8 * history.GROUP  # seeds that a process plays before it says how they went


@dataclass
class Summary:
    """What many histories showed together."""

    histories: int = 0
    deliveries: int = 0
    steps: int = 0
    wrong: list[tuple[int, list[str]]] = field(default_factory=list)
    sometimes: "Counter[str]" = field(default_factory=Counter)
    points: "Counter[str]" = field(default_factory=Counter)

    def add(self, outcome: history.Outcome) -> None:
        """Count one history."""
        self.histories += 1
        self.deliveries += outcome.deliveries
        self.steps += outcome.steps
        self.sometimes.update(outcome.sometimes)
        if outcome.wrong:
            self.wrong.append((outcome.seed, outcome.wrong))

    def join(self, part: "Summary") -> None:
        """Count what another process has played."""
        self.histories += part.histories
        self.deliveries += part.deliveries
        self.steps += part.steps
        self.wrong += part.wrong
        self.sometimes.update(part.sometimes)
        self.points.update(part.points)


def play(opened: office.Office, seeds: Iterable[int], *, enough: Callable[[Summary], bool]) -> Summary:
    """Play a history per seed until `enough`; return what they showed."""
    summary = Summary()
    history.doom(_points())
    for outcome in _outcomes(opened, seeds, summary.points):
        summary.add(outcome)
        if enough(summary):
            break
    return summary


@cache
def _points() -> list[str]:
    return sorted(points())


def _outcomes(opened: office.Office, seeds: Iterable[int], points: "Counter[str]") -> Iterator[history.Outcome]:
    """Play the histories, those of one group from the same beginning."""
    for group, members in groupby(seeds, key=lambda seed: seed // history.GROUP):
        with opened.store.undone():
            beginning = history.Beginning(opened, group)
            beginning.prepare(points)
            for seed in members:
                yield history.History(beginning, seed, points).run()


@contextmanager
def _without_collector() -> Iterator[None]:
    """The collector would look through all of Django each few histories; here it does so each few hundred."""
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(200_000, 10, 10)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def main(argv: list[str]) -> int:
    """Play `--histories` from `--seed` on, and say how it goes; 1 where anything was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.simulator")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--histories", type=int, default=1000)
    parser.add_argument("--processes", type=int, default=1, help="that play at once, each a part of the seeds")
    parser.add_argument("--violations", type=int, default=5, help="stop after so many")
    parser.add_argument("--without", choices=list(CONTROLS), help="take this protection away: it must find something")
    asked = parser.parse_args(argv)
    seeds = range(asked.seed, asked.seed + asked.histories)
    teller, summary = _Teller(), Summary()
    history.doom(_points())
    with _playing(asked.processes, asked.without, asked.violations) as play_all:
        for part in play_all(_parts(seeds)):
            summary.join(part)
            teller.tell(summary)
            if len(summary.wrong) >= asked.violations:
                break
    teller.tell(summary, last=True)
    return 1 if summary.wrong else 0


def _parts(seeds: range) -> Iterator[range]:
    """Split the seeds where a group ends, since its histories share what they begin from."""
    first = seeds.start
    while first < seeds.stop:
        end = min((first // PART + 1) * PART, seeds.stop)
        yield range(first, end)
        first = end


@contextmanager
def _playing(processes: int, without: str | None, violations: int) -> Iterator[Callable[..., Iterator[Summary]]]:
    """Give what plays parts, in this process or in others, and yields their summaries as they come."""
    if processes == 1:
        _open(without, violations)
        yield lambda parts: map(_play_part, parts)
    else:
        with get_context("fork").Pool(processes, _open, (without, violations)) as pool:
            yield lambda parts: pool.imap_unordered(_play_part, parts)


class _Here:
    """The office of this process, which stays open until it ends."""

    stack = ExitStack()
    office: office.Office
    violations: int


def _open(without: str | None, violations: int) -> None:
    _Here.office, _Here.violations = _Here.stack.enter_context(office.opened()), violations
    _Here.stack.enter_context(_without_collector())
    if without:
        _Here.stack.enter_context(CONTROLS[without](_Here.office.store))


def _play_part(seeds: range) -> Summary:
    return play(_Here.office, seeds, enough=lambda so_far: len(so_far.wrong) >= _Here.violations)


class _Teller:
    """Prints a JSON line each ten seconds, and one for each violation with the seed that repeats it."""

    def __init__(self) -> None:
        self.begun = self.told = time.monotonic()
        self.violations = 0

    def tell(self, summary: Summary, *, last: bool = False) -> None:
        for seed, wrong in summary.wrong[self.violations :]:
            self._print({"violation": wrong, "seed": seed})
        self.violations = len(summary.wrong)
        now = time.monotonic()
        if last or now - self.told > TELL_EVERY:
            self.told = now
            figures = {"histories": summary.histories, "violations": self.violations, "deliveries": summary.deliveries}
            self._print(
                figures | {"steps": summary.steps, "a_second": round(summary.histories / (now - self.begun), 1)}
            )
        if last:
            missed = sorted(set(history.POINTS) - set(summary.points))
            self._print(
                {"sometimes": dict(summary.sometimes.most_common()), "points": dict(summary.points), "missed": missed}
            )

    def _print(self, line: dict[str, object]) -> None:
        print(json.dumps(line), flush=True)
