"""One SMS after Send: its ten seconds, each number as it leaves, its life-lines, and the way back to the form."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from contacts import clock
from sms import drafts, holding, resending, submission
from sms.again import STATES, again
from sms.answers import go_to, signed_in
from sms.history import DELIVERIES_PAGE, counts, deliveries_after
from sms.models import Delivery, Draft, Message
from sms.story import Outcome, State, Step, outcome, price_paid, state_of, states, story
from sms.submission import FORM_DELAY

SOON, LIST = timedelta(minutes=2), 100
RECEIPTS_EXPECTED = timedelta(minutes=10)


@dataclass(frozen=True)
class View:
    """What the page shows of a message at one moment. `ring` and `every` are in seconds; 0: none, and not again."""

    message: Message
    counts: dict[str, int]
    outcome: Outcome
    ring: int
    every: int
    held: bool
    deliveries: list[Delivery]
    further: int | None

    @property
    def rows(self) -> list[tuple[Delivery, State, list[Step]]]:
        """Each delivery shown, with its state and its life-line."""
        return [(each, state_of(each), story(self.message, each)) for each in self.deliveries]

    @property
    def paid(self) -> str:
        """What was paid, by pocket, in words; nothing where nothing was."""
        return price_paid(self.message) if self.message.state == Message.State.ACCEPTED else ""

    @property
    def planned(self) -> list[tuple[str, str]]:
        """The first of those that a planned SMS is to go to: number and name."""
        return [(number, name) for number, name in (self.message.planned_to or [])[:DELIVERIES_PAGE]]

    @property
    def planned_further(self) -> int:
        """How many more a planned SMS is to go to."""
        return max(0, len(self.message.planned_to or []) - DELIVERIES_PAGE)

    @property
    def left(self) -> int:
        """How many have left."""
        return self.counts.get("sent", 0)

    @property
    def settled(self) -> int:
        """How many are no longer on their way."""
        return self.message.recipients - sum(self.counts.get(state, 0) for state in ("queued", "sending", "relayed"))

    @property
    def can_cancel(self) -> bool:
        """Whether something has not been handed over yet."""
        return bool(self.counts.get("queued")) or self.message.state == Message.State.PLANNED

    @property
    def failed(self) -> int:
        """How many did not leave and can be sent again."""
        return sum(self.counts.get(state, 0) for state in resending.FAILED)

    @property
    def sent_again(self) -> list[Message]:
        """The messages by which something of this one was sent again."""
        ended_badly = any(self.counts.get(state) for state in (*resending.FAILED, *resending.UNCONFIRMED))
        return resending.sent_again(self.message) if ended_badly else []

    @property
    def repeats(self) -> str:
        """The id of the message that this one repeats; nothing where it is no repetition."""
        return self.message.occasion_reference if self.message.occasion == Message.Occasion.FORM else ""

    @property
    def ways_back(self) -> list[str]:
        """Which recipients can go back on the form: keys of `again.STATES`, or "all"."""
        if self.message.state in (Message.State.CANCELLED, Message.State.NOT_ACCEPTED):
            return ["all"]
        return [way for way, ended in STATES.items() if any(self.counts.get(state) for state in ended)]

    @property
    def seen(self) -> str:
        """A mark that changes with anything on the page."""
        rows = [(row.pk, row.state, row.state_at, row.receipt, row.reference) for row in self.deliveries]
        shown = (self.message.state, sorted(self.counts.items()), bool(self.ring), self.every, self.held, rows)
        return hashlib.sha256(repr(shown).encode()).hexdigest()[:16]


@login_required
@require_safe
def message(request: HttpRequest, message_id: UUID) -> HttpResponse:
    """Show what became of one of the user's own SMS."""
    return render(request, "sms/message.html", _context(request, message_id))


@login_required
@require_safe
def live(request: HttpRequest, message_id: UUID) -> HttpResponse:
    """Return the part of the page that moves; 204 where nothing has changed since `seen`."""
    context = _context(request, message_id)
    if request.GET.get("seen") == context["view"].seen:
        return HttpResponse(status=204)
    answer = render(request, "sms/live.html", context)
    answer["HX-Trigger"] = "credit-changed"  # a refund shows in the head of the page at once
    return answer


@login_required
@require_POST
def cancel(request: HttpRequest, message_id: UUID) -> HttpResponse:
    """Cancel and refund what has not been handed over; the page then says how many that were."""
    submission.cancel(_own(request, message_id), now=clock.now())
    return go_to(request, reverse("sms:message", args=[message_id]))


@login_required
@require_POST
def write_again(request: HttpRequest, message_id: UUID) -> HttpResponse:
    """Put the text and those it did not reach back on the form; asks before another unsent SMS is replaced."""
    found = _own(request, message_id)
    which = request.POST.get("which", "all")
    draft = drafts.draft_of(found.user)
    if (draft.text.strip() or draft.to) and "replace" not in request.POST:
        return render(request, "sms/replace_draft.html", {"message": found, "draft": draft, "which": which})
    back = again(found, which)
    drafts.keep(Draft(user=found.user, to=back.to, text=back.text, sign=back.sign), now=clock.now())
    return go_to(request, reverse("sms:compose"))


def _own(request: HttpRequest, message_id: UUID) -> Message:
    return get_object_or_404(Message.objects.select_related("user"), pk=message_id, user=signed_in(request))


def _context(request: HttpRequest, message_id: UUID) -> dict[str, Any]:
    after = request.GET.get("after", "")
    position = int(after) if after.isascii() and after.isdigit() and len(after) < 9 else -1
    view = _view(_own(request, message_id), now=clock.now(), position=position)
    return {"view": view, "message": view.message, "states": states(view.message, view.counts), "after": position}


def _view(found: Message, *, now: datetime, position: int) -> View:
    by_state = counts([found])[found.pk]
    deliveries, further = deliveries_after(found, position=position)
    ring = _ring(found, by_state, now=now)
    aliases = {row.gateway for row in deliveries if row.state == Delivery.State.QUEUED}
    return View(
        message=found, counts=by_state, outcome=outcome(found, by_state), ring=ring,
        every=_every(found, by_state, deliveries, ring, now=now),
        held=bool(aliases) and holding.held(*aliases), deliveries=deliveries, further=further,
    )  # fmt: skip


def _ring(found: Message, by_state: dict[str, int], *, now: datetime) -> int:
    """Return how many of the ten seconds are left, 0 where it does not wait for them (N13)."""
    waits = (
        found.occasion == Message.Occasion.FORM and not found.release_at and set(by_state) == {Delivery.State.QUEUED}
    )
    if not waits or not found.accepted_at:
        return 0
    return min(max(ceil((found.accepted_at + FORM_DELAY - now).total_seconds()), 0), 10)


def _every(found: Message, by_state: dict[str, int], deliveries: list[Delivery], ring: int, *, now: datetime) -> int:
    """Return after how many seconds to look again: often at first, and not for ever."""
    if ring:
        return 1
    if found.state == Message.State.PLANNED:
        return 60
    age = now - (found.accepted_at or found.created_at)
    if any(by_state.get(state) for state in ("queued", "sending", "relayed")):
        return (2 if found.recipients > LIST else 1) if age < SOON else 10
    if by_state.get("unknown"):
        return 60
    waits = any(row.state == "sent" and row.receipt < Delivery.Receipt.UNDELIVERED for row in deliveries)
    return 5 if waits and age < RECEIPTS_EXPECTED else 0
