"""R1, R5: processes and servers that die at any moment while SMS are accepted and handed over."""

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from django.db import InterfaceError, OperationalError, connection
from django.utils import timezone

from sms.models import Delivery
from tests.chaos import checker, load
from tests.chaos.load import Load
from tests.chaos.office import Office, TooSlow, World, open_office, wait_for
from tests.chaos.verdicts import Report
from tests.chaos.zygote import Child

WINDOW = 10
STOCK = 300  # deliveries that wait, so that a kill always meets work
T = TypeVar("T")
STAFF = ("worker", "worker", "run_dispatcher", "beat")


def r1(world: World) -> Report:
    """`kill -9` of workers at random."""
    report = Report("R1")
    with open_office(world, "R1-quiet") as office:
        undisturbed(office, report, deliveries=world.figure(30_000, at_least=100))
    with open_office(world, "R1") as office:
        kills = world.figure(1_000, at_least=17)
        _kills_at_random(office, report, deliveries=world.figure(20_000, at_least=333), kills=kills)
        report.violated(judged(office, accepted=report.counts["deliveries"]))
        report.ambiguous = checker.unknown()
        report.require(report.ambiguous <= kills * 2 * WINDOW, "more ambiguous than kills × 2 windows")
        report.require(not checker.unknown(dedup=True, attempts_below=5), "ambiguous where the gateway de-duplicates")
    with open_office(world, "R1-control") as office:
        setup = [("tests.chaos.controls.send_again_what_was_being_sent", {})]
        _kills_at_random(office, Report("control"), deliveries=150, kills=4, setup=setup, latency=0.4)
        report.control_failed(judged(office, accepted=150, setup=setup))
    return report


def undisturbed(office: Office, report: Report, *, deliveries: int) -> None:
    """Without faults nothing may be ambiguous."""
    sender = Load(load.people(4))
    hire(office)
    while sender.sent < deliveries:
        send_some(office, sender, deliveries)
        wait_for(lambda: load.waiting() < STOCK * 3, what="the queue")
    wait_for(lambda: not load.waiting(), what="the queue without faults", seconds=120)
    report.counts["undisturbed"] = sender.sent
    unclear = checker.unknown() + checker.unknown(dedup=True)
    report.counts["ambiguous_undisturbed"] = unclear
    report.require(unclear <= max(1, sender.sent / 100_000) - 1, f"ambiguous without a fault: {unclear}")
    report.violated(judged(office, accepted=sender.sent))


def _kills_at_random(
    office: Office, report: Report, *, deliveries: int, kills: int, setup: Any = (), latency: float = 0.1
) -> None:
    sender = Load(load.people(4))
    office.orders.behave({"accept": 1.0}, latency=latency)
    staff = hire(office, setup=setup)
    killed = 0
    while killed < kills or sender.sent < deliveries:
        share = deliveries * (killed + 1) / kills
        while sender.sent < min(share, deliveries):
            send_some(office, sender, deliveries)
        time.sleep(office.rng.uniform(0.02, 0.15))
        if killed < kills:
            killed += kill_one(office, staff, report, setup=setup, within=latency)
    report.counts |= {"deliveries": sender.sent, "kills": killed}
    report.happened("kill within a call")
    office.settle(setup=list(setup))


def hire(office: Office, *, setup: Any = (), roles: tuple[str, ...] = STAFF) -> dict[int, tuple[str, Child]]:
    return {place: (role, office.start(role, setup=setup)) for place, role in enumerate(roles)}


def kill_one(office: Office, staff: dict[int, tuple[str, Child]], report: Report, *, setup: Any, within: float) -> bool:
    """Kill one of those that hand over, at some moment `within` a call where one begins soon, and hire another."""
    place = office.rng.choice([place for place, (role, _child) in staff.items() if role != "beat"])
    with suppress(TooSlow):
        wait_for(Delivery.objects.filter(state="sending").exists, what="a call", seconds=3)
    time.sleep(office.rng.uniform(0, within / 2))
    role, child = staff[place]
    if not child.lives():
        report.violations.append(f"{role} ended by itself: {child.status}")
    child.kill()
    if Delivery.objects.filter(state="sending", lease_until__gt=timezone.now()).exists():
        report.sometimes["kill within a call"] += 1
    report.sometimes[f"kill of {role}"] += 1
    office.children.remove(child)
    staff[place] = (role, office.start(role, setup=setup))
    return True


def send_some(office: Office, sender: Load, most: int) -> None:
    """Accept one message: a lone SMS or a list, by any of the gateways."""
    recipients = office.rng.choice([1, 1, 1, 3, 12, 40])
    sender.send(min(recipients, most - sender.sent), via=office.rng.choice(["plain", "plain", "dedup", "asked"]))


def judged(office: Office, *, accepted: int, setup: Any = ()) -> list[str]:
    """Settle, then judge all of it."""
    office.settle(setup=list(setup))
    return [
        *checker.deliveries_are_right(office.journal),
        *checker.none_lost(accepted),
        *checker.books_are_right(),
    ]


def r5(world: World) -> Report:
    """PostgreSQL restarted hard, backends terminated."""
    report = Report("R5")
    restarts, terminations = world.figure(200), world.figure(5_000)
    with open_office(world, "R5") as office:
        sender = Load(load.people(4))
        office.orders.behave({"accept": 1.0}, latency=0.01)
        staff = hire(office)
        for turn in range(restarts):
            patiently(lambda: [send_some(office, sender, 10**9) for _ in range(6)])
            for _ in range(terminations // restarts):
                report.sometimes["backend terminated"] += patiently(_terminate_one)
                time.sleep(office.rng.uniform(0.0, 0.01))
            patiently(lambda: [send_some(office, sender, 10**9) for _ in range(2)])
            time.sleep(office.rng.uniform(0.02, 0.1))
            world.servers.postgres.crash()
            world.servers.postgres.start(wait=turn % 2 == 0 or turn == restarts - 1)
            report.sometimes["restarted hard"] += 1
            replace_dead(office, staff, report)
        connection.close()
        accepted = patiently(Delivery.objects.count)
        report.counts = {"deliveries": accepted, "restarts": restarts}
        report.violated(judged(office, accepted=accepted))
        report.violated(_accepted_whole(sender))
        report.ambiguous = checker.unknown()
        bound = (restarts + report.sometimes["backend terminated"]) * 2 * WINDOW
        report.require(report.ambiguous <= bound, "more ambiguous than faults × 2 windows")
        report.happened("backend terminated", "restarted hard")
    return report


def _accepted_whole(sender: Load) -> list[str]:
    """What the caller was told is accepted must be there; what was in doubt may be."""
    there = Delivery.objects.count()
    return [] if there >= sender.sent else [f"lost: {sender.sent} accepted, {there} in the table"]


def _terminate_one() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT count(pg_terminate_backend(pid)) FROM (SELECT pid FROM pg_stat_activity
                WHERE datname = current_database() AND pid <> pg_backend_pid() ORDER BY random() LIMIT 1) one"""
        )
        return int(cursor.fetchone()[0])


def patiently(act: Callable[[], T], *, seconds: float = 30) -> T:
    """Do `act` as a person at a page does: again, while the database is away."""
    until = time.monotonic() + seconds
    while True:
        try:
            return act()
        except (OperationalError, InterfaceError):
            connection.close()
            if time.monotonic() > until:
                raise
            time.sleep(0.05)


def replace_dead(office: Office, staff: dict[int, tuple[str, Child]], report: Report, *, setup: Any = ()) -> None:
    """A supervisor starts again what ended; ending because of the database is allowed."""
    for place, (role, child) in staff.items():
        if not child.lives():
            report.sometimes[f"{role} ended and was started again"] += 1
            office.children.remove(child)
            staff[place] = (role, office.start(role, setup=setup))
