"""F1: many hands against every limit at once."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from credit.limit_models import Limit
from tests.chaos import checker, load
from tests.chaos.office import Office, World, open_office
from tests.chaos.verdicts import Report

CLIENTS = 16
PEOPLE = 8


def f1(world: World) -> Report:
    """Sixteen clients try ten times as much as each limit lets through: none is passed by one."""
    report = Report("F1")
    with open_office(world, "F1") as office:
        tries = world.figure(100_000, at_least=1_600)
        told = _try(office, tries)
        report.counts = {"tries": tries, "accepted": told["accepted"]}
        report.sometimes.update(told["answers"])
        report.happened("accepted", "user_day", "office_day", "number_day", "country_day", "prefix_day", "new_user_day")
        report.violated(told["violations"])
    with open_office(world, "F1-control") as office:
        setup = [("tests.chaos.controls.count_what_was_read", {})]
        report.control_failed(_try(office, 800, setup=setup)["violations"])
    return report


def _try(office: Office, tries: int, *, setup: Any = ()) -> dict[str, Any]:
    """Each limit is met: some send more than others, and some numbers get more."""
    most = tries // 10
    people = load.people(PEOPLE)
    Limit.objects.all().delete()
    Limit.objects.bulk_create(
        Limit(kind=kind, window="day", most=share, **more)
        for kind, share, more in (
            ("office", most // 2, {}),
            ("user", most // 16, {"user": people[0]}),
            ("new_user", most // 12, {}),
            ("number", most // 30, {}),
            ("country", most // 7, {}),
            ("prefix", most // 12, {"of": "+32476"}),
        )
    )
    Limit.objects.update(changed_at=timezone.now() - timedelta(days=30))
    clients = [
        office.start(
            "tests.chaos.racers.try_limits", users=[each.pk for each in people], client=place,
            tries=tries // CLIENTS, seed=office.world.seed, setup=setup,
        )
        for place in range(CLIENTS)
    ]  # fmt: skip
    answers: Counter[str] = Counter()
    for client in clients:
        answers.update(client.result(seconds=1500))
    violations = [*checker.books_are_right(), *_passed()]
    return {"answers": answers, "accepted": answers["accepted"], "violations": violations}


# What was accepted today, in words of its own: the limit's id, and how many it let through for one of what it counts.
_LET_THROUGH = """
    SELECT l.id, l.kind, l.most, count(*) FROM credit_limit l
    JOIN sms_message m ON m.state = 'accepted' JOIN sms_delivery d ON d.message_id = m.id
    JOIN contacts_user u ON u.id = m.user_id
    WHERE m.accepted_at >= date_trunc('day', now() AT TIME ZONE 'Europe/Brussels') AT TIME ZONE 'Europe/Brussels'
        AND (l.kind <> 'user' OR l.user_id = u.id
            OR (l.user_id IS NULL AND NOT EXISTS (SELECT 1 FROM credit_limit o WHERE o.user_id = u.id)))
        AND (l.kind <> 'prefix' OR d.number LIKE l.of || '%')
        AND (l.kind <> 'country' OR d.number LIKE '+33%')
    GROUP BY l.id, l.kind, l.most, CASE WHEN l.kind IN ('user', 'new_user') THEN u.id::text
        WHEN l.kind = 'number' THEN d.number ELSE '' END
    HAVING count(*) > l.most"""


def _passed() -> Iterator[str]:
    with connection.cursor() as cursor:
        cursor.execute(_LET_THROUGH)
        for pk, kind, most, let_through in cursor.fetchall():
            yield f"limit {pk} for {kind} lets {most} through, {let_through} were accepted"
