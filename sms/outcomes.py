"""Writes down how hand-overs ended, and tells the owners of what ended without leaving."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from contacts import fault, notices
from sms import holding, queue_sql, slots
from sms.gateways import configured
from sms.gateways.contract import Accepted, NotSent, Refused, Relayed, Unknown, Verdict
from sms.models import Message
from sms.queue_sql import MAX_ATTEMPTS, Claimed, Ended

BACKOFF = (timedelta(seconds=5), timedelta(minutes=1), timedelta(minutes=15), timedelta(hours=2))

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one attempt ended. `called`: whether the gateway was asked, so that the verdict tells something of it."""

    row: Claimed
    attempt: int
    verdict: Verdict
    called: bool = True

    @property
    def id(self) -> int:
        """The delivery's id."""
        return self.row.id


def all_accepted(outcomes: Sequence[Outcome]) -> bool:
    """Return whether recording these moves no credit and tells nobody: all were accepted."""
    return all(isinstance(each.verdict, Accepted) for each in outcomes)


def record(alias: str, outcomes: Sequence[Outcome], *, now: datetime) -> None:
    """Write down the outcomes of calls to `alias`, one statement a kind of verdict. Needs a transaction.

    That the gateway answered is written to its slot where something else happened too (`slots.Place.is_in_doubt`).
    """
    if not outcomes:
        return
    kinds = _Sorted()
    for each in outcomes:
        kinds.add(each, alias=alias, now=now)
    if kinds.sent:
        queue_sql.record_sent(kinds.sent, alias=alias, now=now)
        fault.hit("outcomes.sent_written")
    if kinds.relayed:
        queue_sql.record_relayed(kinds.relayed, now=now)
    if kinds.unknown:
        queue_sql.record_unknown(kinds.unknown, now=now)
        fault.hit("outcomes.unknown_written")
    if kinds.again:
        queue_sql.record_not_sent(kinds.again, now=now)
        fault.hit("outcomes.not_sent_written")
    if kinds.ended:
        tell(queue_sql.end_attempts(kinds.ended, now=now), state="refused", now=now)
        fault.hit("outcomes.refusals_told")
    if not all_accepted(outcomes):
        _note(alias, outcomes, now=now)


def tell(ended: Sequence[Ended], *, state: str, now: datetime) -> None:
    """Tell the owners, once per message and state, of SMS that ended without leaving and were paid back (S21, N4)."""
    if not ended:
        return
    messages = Message.objects.select_related("user").in_bulk({each.message_id for each in ended})
    news = []
    for message in messages.values():
        with translation.override(message.user.language):
            link = reverse("sms:message", args=[message.pk])
            news.append(notices.News(message.user_id, f"sms:{message.pk}:{state}", _sentences()[state], link))
    notices.tell_many(news, now=now)


def within_daily_cap(alias: str, rows: Sequence[Claimed], *, beside: Iterable[Claimed], now: datetime) -> list[Claimed]:
    """Return the rows whose number is still under its daily cap over all users; refuse the others and hold the gateway.

    What waits `beside` them to be handed over counts too. The cap stops a loop that would send without end (promise 9),
    so going past it needs a person to look.
    """
    if not rows:
        return []
    counts = Counter(queue_sql.handed_over([row.number for row in rows], since=now - timedelta(days=1)))
    counts.update(row.number for row in beside)
    allowed: list[Claimed] = []
    over: list[int] = []
    for row in rows:
        if counts[row.number] >= settings.SMS_DAILY_CAP:
            over.append(row.id)
            continue
        counts[row.number] += 1
        allowed.append(row)
    if over:
        tell(queue_sql.refuse(over, reason="daily_cap", now=now), state="refused", now=now)
        holding.hold(
            why=f"A number would have got more than {settings.SMS_DAILY_CAP} SMS in a day.", alias=alias, now=now
        )
        log.error("a_number_reached_its_daily_cap", gateway=alias, refused=len(over))
    return allowed


@dataclass(slots=True)
class _Sorted:
    """Outcomes as `queue_sql` takes them, a list a kind of verdict."""

    sent: list[tuple[int, str]] = field(default_factory=list)
    relayed: list[tuple[int, int, str]] = field(default_factory=list)
    unknown: list[tuple[int, int, str, datetime]] = field(default_factory=list)
    again: list[tuple[int, int, str, datetime, str]] = field(default_factory=list)
    ended: list[tuple[int, int, str]] = field(default_factory=list)

    def add(self, each: Outcome, *, alias: str, now: datetime) -> None:
        """Put the outcome where it belongs."""
        match each.verdict:
            case Accepted(reference):
                self.sent.append((each.id, reference[:100]))
            case Relayed(reference):
                self.relayed.append((each.id, each.attempt, reference[:100]))
            case Unknown(why):
                self.unknown.append((each.id, each.attempt, why[:40], now + _backoff(each)))
            case Refused(reason, elsewhere):
                self._add_refused(each, reason[:40], _next_gateway(alias, each) if elsewhere else None, now=now)
            case NotSent(why, retry_after):
                self._add_not_sent(each, why[:40], retry_after or 0, alias=alias, now=now)

    def _add_refused(self, each: Outcome, reason: str, next_alias: str | None, *, now: datetime) -> None:
        if each.row.doubtful:
            # The no is to this attempt; an earlier one may have sent it: evidence settles it, or the 24 hours.
            self.unknown.append((each.id, each.attempt, reason, now + _backoff(each)))
        elif next_alias:
            self.again.append((each.id, each.attempt, reason, now, next_alias))
        else:
            self.ended.append((each.id, each.attempt, reason))

    def _add_not_sent(self, each: Outcome, why: str, retry_after: float, *, alias: str, now: datetime) -> None:
        next_alias = _next_gateway(alias, each)
        at = now + max(_backoff(each), timedelta(seconds=min(retry_after, 3600)))
        if each.row.doubtful:
            # This attempt did not send it, but an earlier one may have: no other gateway may have it.
            self.unknown.append((each.id, each.attempt, why, at))
        elif each.attempt >= MAX_ATTEMPTS:
            self.ended.append((each.id, each.attempt, "not_reached"))
        elif next_alias:
            self.again.append((each.id, each.attempt, why, now, next_alias))
        else:
            again = alias if each.row.pinned else configured.first_route(each.row.number)
            self.again.append((each.id, each.attempt, why, at, again))


def _backoff(outcome: Outcome) -> timedelta:
    return BACKOFF[min(outcome.attempt, len(BACKOFF)) - 1]


def _next_gateway(alias: str, outcome: Outcome) -> str | None:
    """Return the gateway to try after `alias` on the number's route; None after the last one, or the last attempt.

    None too for what is pinned to `alias`.
    """
    if outcome.row.pinned:
        return None
    route = configured.routes_for(outcome.row.number)
    place = route.index(alias) + 1 if alias in route else 0
    return route[place] if place < len(route) and outcome.attempt < MAX_ATTEMPTS else None


def _note(alias: str, outcomes: Sequence[Outcome], *, now: datetime) -> None:
    called = [each.verdict for each in outcomes if each.called]
    failed = [verdict for verdict in called if isinstance(verdict, NotSent)]
    if len(failed) < len(called):
        slots.note_answers(alias)
    elif failed:
        last = failed[-1]
        slots.note_failures(alias, count=len(failed), why=last.why, retry_after=last.retry_after, now=now)


def _sentences() -> dict[str, str]:
    return {
        "refused": _("An SMS was refused and did not leave. What it cost was paid back."),
        "expired": _("An SMS waited too long and was not sent any more. What it cost was paid back."),
        "unconfirmed": _("Of an SMS nobody could tell us whether it left. What it cost was paid back."),
        "no_credit": _("A planned SMS was not sent: there was not enough credit."),
        "restored": _(
            "A planned SMS may have been sent before the office was put back from a copy, so it was not sent again."
        ),
        "over_limit": _("A planned SMS was not sent: a limit on sending was reached."),
        "asked_not": _("A planned SMS was not sent: none of its recipients may get SMS any more."),
        "left_out": _("A planned SMS left without the recipients who have asked not to get SMS meanwhile."),
        "may_not_send": _("A planned SMS was not sent: your access was suspended."),
    }
