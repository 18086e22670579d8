"""Told in time: credit runs low, an allowance is about to lapse, planned SMS need more than there is (N5, N6).

The welcome page shows what holds now; the same sentence goes by e-mail once: each time that credit which was filled up
runs low, and once a month for the other two. Each can be switched off.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Max, Q
from django.urls import reverse
from django.utils import translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from contacts import notices
from contacts.models import User
from contacts.templatetags.figures import money
from credit.allowance import Standing, standing, standings
from credit.models import Account, Entry
from sms import forecast

BEFORE_LAPSE = timedelta(days=3)
BATCH = 500
LOW, LAPSE, SHORTAGE = "low", "lapse", "shortage"


@dataclass(frozen=True, slots=True)
class Warning:  # noqa: A001  what it is called
    """One thing to tell: its kind, the sentence, and where to look."""

    kind: str
    text: str
    url: str


def warnings_of(user: User, *, now: datetime) -> list[Warning]:
    """Return what `user` wants to be told and holds at `now`, in the current language."""
    account = Account.objects.filter(user=user).first()
    if account is None:
        return []
    has = standing(user, now=now)
    return list(_warnings(account, has, forecast.planned([user.pk], until=has.renews_at)[user.pk], now=now))


def tell_due(*, now: datetime) -> int:
    """Send what holds now by e-mail, once each; return how many accounts were looked at."""
    accounts = Account.objects.filter(user__is_active=True).select_related("user", "plan").order_by("pk")
    looked_at = 0
    rows = accounts.iterator(chunk_size=BATCH)
    while batch := list(islice(rows, BATCH)):
        notices.tell_many(_news(batch, now=now), now=now)
        looked_at += len(batch)
    return looked_at


def _news(accounts: Sequence[Account], *, now: datetime) -> list[notices.News]:
    has = standings(accounts, now=now)
    until = max(each.renews_at for each in has.values())
    planned = forecast.planned(list(has), until=until)
    filled = _filled(accounts)
    return [
        notices.News(account.user_id, key, each.text, each.url, shown=False)
        for account in accounts
        for each, key in _with_keys(account, has[account.user_id], planned, filled, now=now)
    ]


def _with_keys(
    account: Account, has: Standing, planned: dict[int, int], filled: dict[int, int], *, now: datetime
) -> Iterator[tuple[Warning, str]]:
    """Yield each warning with the key under which it is told once; who never had credit is not told that it is low."""
    month = f"{has.starts_at:%Y-%m-%d}"
    with translation.override(account.user.language):
        for each in _warnings(account, has, planned[account.user_id], now=now):
            if each.kind != LOW:
                yield each, f"credit:{each.kind}:{month}"
            elif account.pk in filled:
                yield each, f"credit:{LOW}:{filled[account.pk]}"


def _filled(accounts: Iterable[Account]) -> dict[int, int]:
    """Return the latest entry by which each account got credit."""
    came = Entry.objects.filter(Q(parts__gt=0) | Q(amount__gt=0), account__in=list(accounts))
    rows = came.exclude(kind=Entry.Kind.REFUND).order_by().values_list("account").annotate(latest=Max("pk"))
    return dict(rows)


def _warnings(account: Account, has: Standing, planned: int, *, now: datetime) -> Iterator[Warning]:
    zone = ZoneInfo(account.user.zone_name)
    if account.tells_low and has.runs_low:
        text = _("Your credit runs low: %(parts)s SMS of this month's allowance and %(amount)s of balance are left.")
        yield Warning(LOW, text % {"parts": has.available, "amount": money(has.balance)}, reverse("balance"))
    if account.tells_lapse and has.available and has.renews_at - now <= BEFORE_LAPSE:
        ends = date_format(has.renews_at.astimezone(zone), "DATETIME_FORMAT")
        text = _("%(parts)s SMS of this month's allowance lapse on %(moment)s (%(zone)s): use them before.")
        text %= {"parts": has.available, "moment": ends, "zone": account.user.zone_name}
        yield Warning(LAPSE, text, reverse("quota"))
    if account.tells_shortage and has.all_parts is not None and planned > has.all_parts:
        last_day = date_format((has.renews_at - timedelta(seconds=1)).astimezone(ZoneInfo(settings.TIME_ZONE)))
        text = _("Planned SMS need %(planned)s until %(day)s; you have %(all)s.")
        text %= {"planned": planned, "day": last_day, "all": has.all_parts}
        yield Warning(SHORTAGE, text, reverse("balance"))
