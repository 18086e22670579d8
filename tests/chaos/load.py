"""What the runner and its children put in, and what they look at while a row runs."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count

from django.db.models import Q
from django.utils import timezone

from contacts.models import User
from credit import charging
from credit.models import Account, Plan
from sms import submission
from sms.models import Delivery
from sms.submission import Recipient, Request

PREFIXES = {"plain": "+32470", "dedup": "+32475", "asked": "+32476", "routed": "+32477"}
RICH = 10**12


@dataclass
class Load:
    """Sends ever more SMS of a few people; each number is new, so the daily cap never stands in the way."""

    users: Sequence[User]
    sent: int = 0
    _numbers: "Iterator[int]" = field(default_factory=count)
    _keys: "Iterator[int]" = field(default_factory=count)

    def send(self, recipients: int, *, via: str, text: str = "See you at 9") -> None:
        """Accept one message to so many new numbers that go by the gateway `via`."""
        to = [Recipient(number) for number in self.numbers(recipients, via=via)]
        key = next(self._keys)
        user = self.users[key % len(self.users)]
        submission.submit(Request(user, text, to, "api", f"load-{key}"), now=timezone.now())
        self.sent += recipients

    def begin_at(self, number: int) -> None:
        """Use numbers and keys that nobody has used before."""
        self._numbers, self._keys = count(number), count(number)

    def numbers(self, how_many: int, *, via: str) -> list[str]:
        return [f"{PREFIXES[via]}{next(self._numbers):06}" for _ in range(how_many)]


def people(how_many: int, *, parts: int = 1_000, balance: int = RICH) -> list[User]:
    """Make people with a plan and a balance, through the functions that own them."""
    plan, _ = Plan.objects.get_or_create(name=f"{parts} a month", defaults={"parts_a_month": parts, "price": 950})
    return [_person(plan, balance) for _ in range(how_many)]


def _person(plan: Plan, balance: int) -> User:
    user = User.objects.create(username=f"user-{User.objects.count()}", mobile="+32475123456", language="en")
    account: Account = charging.account_of(user)
    charging.subscribe(account, plan=plan, now=timezone.now())
    if balance:
        change = charging.Adjustment(parts=0, amount=balance, why="to begin with")
        charging.adjust(account, change, now=timezone.now())
    return user


def waiting() -> int:
    """How many deliveries are still to be handed over or under way."""
    return Delivery.objects.filter(state__in=["queued", "sending"]).count()


def under_way(*, now: datetime) -> bool:
    """Whether anything goes on by itself: waits to be handed over (again), or to be asked about."""
    again = Q(state="unknown", gateway="dedup", attempt__lt=5, valid_until__gt=now)
    return Delivery.objects.filter(Q(state__in=["queued", "sending"]) | again).exists()


def wait_for_backoffs() -> None:
    """Let a rest or a back-off end: the shortened ones last a second or so."""
    soon = Delivery.objects.filter(state__in=["queued", "unknown"], not_before__gt=timezone.now())
    first = soon.order_by("not_before").values_list("not_before", flat=True).first()
    wait = (first - timezone.now()) if first else timedelta(seconds=0.3)
    time.sleep(min(max(wait.total_seconds(), 0.05), 1.7))
