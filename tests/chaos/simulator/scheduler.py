"""The seeded scheduler: which actor goes on, when time passes, who dies where. The same seed repeats exactly."""

import random
from asyncio import events
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import OperationalError
from greenlet import greenlet

from tests.chaos.simulator.loop import Stepped
from tests.chaos.simulator.store import Store

MOST_POINTS = 5_000


class Died(BaseException):
    """The actor's process is gone. Not an Exception: nothing in the product may take it for one of its own."""


class Restless(Exception):
    """A history does not come to rest: something is done again and again."""


@dataclass(eq=False)
class Actor:
    """A process at work on one thing; it goes on when it is chosen, from `wake` (monotonic seconds) on."""

    name: str
    greenlet: greenlet
    wake: float = 0.0
    dead: bool = False
    calling: set[str] = field(default_factory=set)


@dataclass
class Odds:
    """How often what happens, at each chance: drawn anew for each history, so that some are calm and some are wild."""

    switch: float = 0.3
    die: float = 0.0
    database_away: float = 0.0
    answer_lost: float = 0.0
    doomed: str = ""


class Scheduler:
    """Time, chance and the actors of one history."""

    def __init__(self, store: Store, *, begin: datetime, rng: random.Random, points: "Counter[str]") -> None:
        self.store, self.rng, self.points, self.begin = store, rng, points, begin
        self.seconds, self.skew, self.passed = 0.0, 0.0, 0
        self.odds = Odds(switch=0.0)
        self.actors: list[Actor] = []
        self.at_work: Actor | None = None
        self.sometimes: Counter[str] = Counter()
        self.died_at: list[str] = []
        self.wrong: list[str] = []
        store.before_statement, store.after_commit = self._before_statement, self._after_commit

    def now(self) -> datetime:
        """The wall clock, which may jump; no two readings are the same."""
        self.seconds += 1e-5
        return self.begin + timedelta(seconds=round(self.seconds + self.skew, 5))

    def monotonic(self) -> float:
        return self.seconds

    def calm(self) -> None:
        """From now on nothing bad happens any more."""
        self.odds = Odds(switch=0.0)

    def spawn(self, name: str, work: Callable[[], object]) -> Actor:
        """Have `work` done by an actor of its own, when it is chosen."""
        actor = Actor(name, greenlet(lambda: self._live(actor, work)), wake=self.seconds)
        self.actors.append(actor)
        return actor

    def step(self, actor: Actor) -> None:
        """Let one actor go on until it waits, ends or dies."""
        self.at_work = actor
        try:
            actor.greenlet.switch()
        finally:
            self.at_work = None
        if actor.greenlet.dead:
            self.actors.remove(actor)

    def runnable(self) -> list[Actor]:
        return [actor for actor in self.actors if actor.wake <= self.seconds]

    def pass_time(self, until: float) -> None:
        self.seconds = max(self.seconds, until)

    def kill(self, actor: Actor) -> None:
        """Let an actor die where it stands, such as in the middle of a call."""
        self._mark_dead(actor, "waiting")
        self.step(actor)

    def run(self, main: Coroutine[Any, Any, Any]) -> Any:
        """What `asyncio.run` is here."""
        loop = Stepped(time=self.monotonic, wait_until=self._wait_until)
        return loop.run(main, alive=self._alive)

    def point(self, name: str) -> None:
        """An actor has come to a crash point: it may die here, or another may go on."""
        self.points[name] += 1
        self.passed += 1
        if self.passed > MOST_POINTS:
            raise Restless(f"{MOST_POINTS} crash points passed, and no end")
        actor = self.at_work
        if actor is None:
            return
        self._alive()
        if name == self.odds.doomed or self.rng.random() < self.odds.die:
            self.odds.doomed = ""
            self._mark_dead(actor, name)
            raise Died
        self._perhaps_switch()

    def _live(self, actor: Actor, work: Callable[[], object]) -> None:
        try:
            work()
        except Died:
            pass
        except OperationalError:
            if not self.sometimes["database away"] + self.sometimes["commit answer lost"]:
                raise
        except Exception as error:
            self.wrong.append(f"{actor.name} raised {type(error).__name__}: {error}")

    def _mark_dead(self, actor: Actor, place: str) -> None:
        actor.dead = True
        self.died_at.append(place)
        self.sometimes["died"] += 1
        if actor.calling:
            self.sometimes["died during a call"] += 1

    def _alive(self) -> None:
        if self.at_work is not None and self.at_work.dead:
            raise Died

    def _wait_until(self, when: float) -> None:
        if self.at_work is None:
            self.pass_time(when)
        else:
            self._pause(when)

    def _perhaps_switch(self) -> None:
        if self.at_work is not None and not self.store.in_transaction and self.rng.random() < self.odds.switch:
            self._pause(self.seconds)

    def _pause(self, wake: float) -> None:
        """Give way to the others; the running event loop and the actor at work are this greenlet's own."""
        actor, loop = self.at_work, events._get_running_loop()
        assert actor is not None
        actor.wake = wake
        events._set_running_loop(None)
        actor.greenlet.parent.switch()
        events._set_running_loop(loop)
        self._alive()

    def _before_statement(self) -> None:
        if self.at_work is None:
            return
        self._alive()
        if self.rng.random() < self.odds.database_away:
            self.sometimes["database away"] += 1
            raise OperationalError("the database is away, as told")
        self._perhaps_switch()

    def _after_commit(self) -> None:
        if self.at_work is not None and self.rng.random() < self.odds.answer_lost:
            self.sometimes["commit answer lost"] += 1
            raise OperationalError("the answer to COMMIT was lost, as told")
