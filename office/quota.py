"""The quota: what there is, what was sent and what is on its way, of allowance and of balance (S14, S15)."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from contacts.models import User
from credit import statement
from credit.allowance import Standing, standing
from sms.answers import signed_in
from sms.history import Pockets, pockets

PICTURE_WIDTH = 1000


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of the bar: what it stands for, from where and how wide, in thousandths of the bar."""

    name: str
    x: int
    width: int


@dataclass(frozen=True, slots=True)
class Quota:
    """Both pockets of a user in this month. granted = available + sent + in flight + lapsed."""

    has: Standing
    used: Pockets

    @property
    def allowance_bar(self) -> list[Piece]:
        return bar(
            {
                "sent": self.used.allowance_sent,
                "way": self.used.allowance_in_flight,
                "lapsed": self.has.lapsed,
                "available": self.has.available,
            }
        )

    @property
    def balance_bar(self) -> list[Piece]:
        return bar(
            {
                "sent": self.used.balance_sent,
                "way": self.used.balance_in_flight,
                "available": self.has.balance_parts or 0,
            }
        )


def bar(shares: dict[str, int]) -> list[Piece]:
    """Return `shares` side by side, each as wide as its share of all; none where all are nothing."""
    whole = sum(shares.values())
    pieces, before = [], 0
    for name, share in shares.items():
        x = PICTURE_WIDTH * before // whole if whole else 0
        before += share
        if share:
            pieces.append(Piece(name, x, PICTURE_WIDTH * before // whole - x))
    return pieces


def quota_of(user: User, *, now: datetime) -> Quota:
    """Return the user's quota of the month of `now`."""
    has = standing(user, now=now)
    return Quota(has, pockets(user, since=has.starts_at, until=has.renews_at))


@login_required
@require_safe
def quota(request: HttpRequest) -> HttpResponse:
    """Show the signed-in user's quota with the statement behind it."""
    user = signed_in(request)
    now = timezone.now()
    before = request.GET.get("before", "")
    context = {
        "quota": quota_of(user, now=now),
        "statement": statement.page(user, now=now, before=before),
        "later": bool(before),
        "office_zone": settings.TIME_ZONE,
    }
    return render(request, "office/quota.html", context)


@login_required
@require_safe
def figure(request: HttpRequest) -> HttpResponse:
    """Answer the small credit figure of the shell, after something was paid."""
    return render(request, "office/shell_credit.html")
