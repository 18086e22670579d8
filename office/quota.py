"""The quota: what there is, what was sent and what is on its way, of allowance and of balance (S14, S15)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from contacts import clock
from contacts.instant import at_one_instant
from contacts.models import User
from credit import charging, statement
from credit.allowance import Standing, standing
from credit.forms import TellForm
from credit.models import Account
from credit.months import Month, months, put_in
from sms import forecast
from sms.answers import signed_in
from sms.history import Pockets, pockets_by_occasion
from sms.models import Message

PICTURE_WIDTH = 1000


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of the bar: what it stands for, from where and how wide, in thousandths of the bar."""

    name: str
    x: int
    width: int


@dataclass(frozen=True, slots=True)
class Quota:
    """Both pockets of a user in this month. granted = available + sent + in flight + lapsed, in parts and in money.

    `by_occasion` tells what sent it. `put_in` is the money that the balance began the month with and got since.
    """

    has: Standing
    by_occasion: Mapping[str, Pockets]
    put_in: int

    @property
    def used(self) -> Pockets:
        """What each pocket paid this month."""
        return sum(self.by_occasion.values(), Pockets())

    @property
    def occasions(self) -> list[tuple[str, Pockets]]:
        """What sent SMS this month, in words, with what each took."""
        known = {str(occasion): str(occasion.label) for occasion in Message.Occasion}
        return [(label, self.by_occasion[name]) for name, label in known.items() if name in self.by_occasion]

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
        return bar({"sent": self.used.amount_sent, "way": self.used.amount_in_flight, "available": self.has.balance})


@dataclass(frozen=True, slots=True)
class MonthShown:
    """A month with its bar, drawn to the scale of the largest."""

    month: Month
    pieces: list[Piece]


def months_shown(months: Sequence[Month]) -> list[MonthShown]:
    """Return the months, each with a bar as long as its grant beside the largest one."""
    largest = max((month.granted for month in months), default=0)
    return [
        MonthShown(
            month,
            [
                piece
                for piece in bar(
                    {"sent": month.used, "lapsed": month.lapsed, "available": month.available,
                     "nothing": largest - month.granted}
                )
                if piece.name != "nothing"
            ],
        )
        for month in months
    ]  # fmt: skip


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
    """Return the user's quota of the month of `now`, all of it as at one instant."""
    with at_one_instant():
        has = standing(user, now=now)
        by_occasion = pockets_by_occasion(user, since=has.starts_at, until=has.renews_at)
        return Quota(has, by_occasion, put_in(user, since=has.starts_at))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def quota(request: HttpRequest) -> HttpResponse:
    """Show the signed-in user's quota with the statement behind it, and keep what the user wants to be told."""
    user = signed_in(request)
    now = clock.now()
    form = TellForm(request.POST or None, instance=_account(user))
    if request.method == "POST" and form.is_valid():
        charging.tell(charging.account_of(user), form.cleaned_data)
        messages.success(request, _("Saved."))
        return redirect("quota")
    before = request.GET.get("before", "")
    with at_one_instant():
        found = quota_of(user, now=now)
        lines = statement.page(user, now=now, before=before)
        past = months_shown(months(user, now=now))
    context = {
        "quota": found, "statement": lines, "months": past, "later": bool(before), "office_zone": settings.TIME_ZONE,
        "planned": forecast.planned([user.pk], until=found.has.renews_at)[user.pk], "form": form,
    }  # fmt: skip
    return render(request, "office/quota.html", context, status=422 if form.errors else 200)


def _account(user: User) -> Account:
    return Account.objects.select_related("plan").filter(user=user).first() or Account(user=user)


@login_required
@require_safe
def figure(request: HttpRequest) -> HttpResponse:
    """Answer the small credit figure of the shell, after something was paid."""
    return render(request, "office/shell_credit.html")
