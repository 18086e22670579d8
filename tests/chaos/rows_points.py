"""R2: the web, the tasks, the receipt endpoint and the dispatcher killed at every named point."""

from collections import Counter
from collections.abc import Iterator

from django.db import connection
from django.utils import timezone

from office import tokens
from sms.models import Message
from tests.chaos import checker, load, pace
from tests.chaos.office import Office, World, open_office
from tests.chaos.points import points as crash_points
from tests.chaos.verdicts import Report

DAY = 20.0  # seconds between two days: longer than every lease
MONTH = 31 * 24 * 3600.0
# nothing here keeps a caller waiting: a day is short, and there are many
QUICKLY_ILL = {
    "accept": 0.7, "close_after_reading": 0.08, "refuse": 0.07, "throttle": 0.02, "server_error_before": 0.05,
    "reset_before_reading": 0.04, "html": 0.04,
}  # fmt: skip


def r2(world: World) -> Report:
    """Kill at each point in turn; after each death the next day repeats the calls and goes on."""
    report = Report("R2")
    with open_office(world, "R2") as office:
        days = _Days(office)
        points = sorted(crash_points())
        each = max(1, world.figure(3_000, at_least=len(points)) // len(points))
        for point in points:
            for turn in range(each):
                days.die_at(point, nth=1 if turn == 0 else office.rng.choice([1, 1, 2]))
        for point in days.spared(points) * 6:  # whether a gateway is asked depends on how it behaved
            if not days.killed[point]:
                days.die_at(point)
        days.live()
        days.live()
        report.sometimes += days.killed
        report.counts = {"points": len(points), "days": days.number, "kills": sum(days.killed.values())}
        spared = days.spared(points)
        report.require(not spared, f"no process ever died at: {', '.join(spared)}")
        report.violated(days.ended_badly)
        report.violated(_whole(days.number))
        office.settle(jump=days.moved + DAY)
        report.violated(checker.deliveries_are_right(office.journal))
        report.violated(checker.books_are_right())
        report.ambiguous = checker.unknown()
    return report


class _Days:
    """Days of one office, each in a process of its own, each later than all leases of the one before."""

    def __init__(self, office: Office) -> None:
        self.office, self.number, self.moved = office, 0, 0.0
        self.killed: Counter[str] = Counter()
        self.ended_badly: list[str] = []
        user = load.people(1, parts=100_000)[0]
        user.email = "anna@localhost"
        user.save()
        self.answered = office.folder / "answered"
        self.user, self.token = user.pk, tokens.make(user, name="chaos", now=timezone.now())
        office.orders.behave(QUICKLY_ILL)

    def live(self) -> None:
        """A day without a death."""
        self._start()

    def spared(self, points: list[str]) -> list[str]:
        """The points at which no process has died yet."""
        return [point for point in points if not self.killed[point]]

    def die_at(self, point: str, *, nth: int = 1) -> None:
        if point.startswith("charging.month"):
            self.moved += MONTH
        self.killed[point] += self._start(("tests.chaos.days.die_at", {"point": point, "nth": nth}))

    def _start(self, *handlers: tuple[str, dict[str, object]]) -> bool:
        self.moved += DAY
        pace.jump(self.office.folder, ["day"], self.moved)
        clock = ("tests.chaos.pace.move_everything", {"folder": str(self.office.folder), "name": "day"})
        day = {
            "user": self.user,
            "token": self.token,
            "number": self.number,
            "answered": str(self.office.folder / "answered"),
        }
        child = self.office.start("tests.chaos.days.day", setup=[clock, *handlers], **day)
        self.number += 1
        child.wait(seconds=60)
        self.office.children.remove(child)
        if child.was_killed():
            return True
        answers = set(child.result())
        if answers - {"200", "201"}:
            self.ended_badly.append(f"day {self.number - 1}: the API answered {sorted(answers)}")
        return False


def _whole(days: int) -> Iterator[str]:
    """Acceptance is all or nothing, and every call that was repeated was accepted once."""
    accepted = Message.objects.filter(occasion="api", state="accepted").count()
    if accepted != days:
        yield f"{days} calls, each repeated after a death, but {accepted} messages"
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT m.id FROM sms_message m LEFT JOIN sms_delivery d ON d.message_id = m.id
                WHERE m.state = 'accepted' GROUP BY m.id HAVING count(d.id) <> m.recipients LIMIT 5"""
        )
        yield from (f"message {pk} has not all its deliveries" for (pk,) in cursor.fetchall())
