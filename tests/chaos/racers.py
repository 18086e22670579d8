"""Children that want the same thing at the same moment: the last part, the one delivery, the end of a month."""

import random
import time
import uuid
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.db import IntegrityError, transaction
from django.utils import timezone

from contacts import imports
from contacts.models import User
from credit import charging
from sms import queue_sql, submission, sweeper
from sms.models import Message
from sms.submission import Recipient, Request
from tests.chaos.load import PREFIXES

LEASE = timedelta(seconds=60)


def claim_all(*, calls: str, start: str) -> dict[str, int]:
    """Claim one delivery, mark it, write down the call; until none is left."""
    most = lost = empty = 0
    with Path(calls).open("w") as file:
        while not Path(start).exists():
            time.sleep(0.001)
        while empty < 3:
            token, now = random.getrandbits(62), timezone.now()
            with transaction.atomic():
                claimed = queue_sql.claim("plain", token=token, limit=1, now=now, lease_until=now + LEASE)
            most = max(most, len(claimed))
            empty = 0 if claimed else empty + 1
            with transaction.atomic():
                ids = [row.id for row in claimed]
                marked = queue_sql.mark_sending(ids, token=token, now=now, lease_until=now + LEASE) if ids else {}
            lost += not marked
            for pk in marked:
                file.write(f"{pk}\n")
    return {"most": most, "lost": lost}


def spend(*, user: int, client: int, tries: int, seed: int) -> dict[str, int]:
    """Spend one account by every route: the form, the API, plans that come due, reminders; and cancel some."""
    rng, answers, person = random.Random(f"{seed}:{client}"), Counter[str](), User.objects.get(pk=user)
    for turn in range(tries):
        route = rng.choice(["form", "api", "api", "planned", "reminder", "cancel"])
        answers[f"by {route}"] += 1
        number = f"{PREFIXES['plain']}{client:02}{turn % 10_000:04}"
        try:
            answers[_spend_once(person, route, f"{client}-{turn}", number, rng)] += 1
        except IntegrityError:
            answers["the database had to refuse"] += 1
    return dict(answers)


def _spend_once(person: User, route: str, key: str, number: str, rng: random.Random) -> str:
    now = timezone.now()
    if route == "cancel":
        message = Message.objects.filter(user=person, state="accepted").order_by("-created_at").first()
        return f"cancelled {submission.cancel(message, now=now)}" if message else "nothing to cancel"
    text = "See you at 9 " * rng.choice([1, 1, 1, 20])
    soon = now + timedelta(milliseconds=50) if route == "planned" else None
    occasion = "form" if route in {"form", "planned"} else route
    try:
        submission.submit(Request(person, text, [Recipient(number)], occasion, key, release_at=soon), now=now)
    except submission.NotAccepted as why:
        return type(why).__name__
    if soon and rng.random() < 0.3:
        sweeper.release(now=soon + timedelta(seconds=1))
    return "planned" if soon else "accepted"


def try_limits(*, users: list[int], client: int, tries: int, seed: int) -> dict[str, int]:
    """Send one SMS after the other to few numbers, here and abroad; return how often each limit said no."""
    rng, answers = random.Random(f"{seed}:{client}"), Counter[str]()
    people = list(User.objects.filter(pk__in=users).order_by("pk"))
    numbers = [f"{start}{each:05}" for start in ("+324700", "+324760", "+336000", "+336700") for each in range(10)]
    for turn in range(tries):
        [person] = rng.choices(people, weights=[3, 1, 1, 1, 1, 1, 5, 8])
        [number] = rng.choices(numbers, weights=[5, *[1] * 9] * 4)
        request = Request(person, "See you at 9", [Recipient(number)], "api", f"{client}-{turn}")
        try:
            submission.submit(request, now=timezone.now())
            answers["accepted"] += 1
        except submission.OverLimit as over:
            answers[over.reached.name] += 1
        except IntegrityError:
            answers["the database had to refuse"] += 1
    return dict(answers)


def work_at_imports(*, ahead: float) -> None:
    """Do what is due of the imports, by a clock that is `ahead` seconds: the lease of who died has ended then."""
    imports.work(clock=lambda: timezone.now() + timedelta(seconds=ahead))


def spend_across_months(*, users: list[int], debits: int, seed: str, zone: str) -> dict[str, Any]:
    """Debit in batches at moments that close in on the ends of months from both sides; clocks differ a little."""
    rng, sometimes = random.Random(seed), Counter[str]()
    done = month = 0
    while done < debits:
        end = _month_end(month, zone)
        for at in _moments(end, rng):
            batch = [_charge(rng.choice(users)) for _ in range(min(200, debits - done))]
            sometimes["at the last moment"] += end - timedelta(milliseconds=2) <= at < end
            sometimes["at the first moment"] += end <= at < end + timedelta(milliseconds=2)
            with transaction.atomic():
                results = charging.charge_many(batch, now=at)
            done += sum(isinstance(each, charging.Charged) for each in results)
            if done >= debits:
                break
        month += 1
    return {"sometimes": dict(sometimes)}


def _moments(end: datetime, rng: random.Random) -> list[datetime]:
    away = [-3600.0, -1.0, -0.001, 0.0, 0.001, 1.0, 3600.0]
    around = [end + timedelta(seconds=each + rng.uniform(0, 0.0005)) for each in away]
    return [*around[:2], end - timedelta(microseconds=1), *around[2:]]


def _month_end(month: int, zone: str) -> datetime:
    year, index = divmod(2027 * 12 + month, 12)
    return datetime(year, index + 1, 1, tzinfo=ZoneInfo(zone)).astimezone(ZoneInfo("UTC"))


def _charge(user: int) -> charging.Charge:
    return charging.Charge(user_id=user, parts=1, key=f"chaos:{uuid.uuid4()}", occasion="api", reference="")
