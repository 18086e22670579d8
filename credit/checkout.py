"""Stripe, out and in: payment pages, refunds, and what Stripe tells (S13). Card data never touches the office.

The user pays on Stripe's own page. That it was paid is known from a signed event or from asking Stripe, whichever is
first, never from the user's return. No transaction is open during a call. A call that may be repeated bears our own
id as its idempotency key, so Stripe does once what it is asked twice.
"""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import stripe
import structlog
from babel.numbers import get_currency_precision
from django.conf import settings
from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy

from credit import topping_up
from credit.models import RefundOrder, Reversal, TopUp

UNITS = 10_000
TOLERANCE = 300  # seconds that an event's signature may be old; Stripe signs each try anew
ASK_AGAIN_AFTER = timedelta(seconds=4)
SWEEP_AFTER = timedelta(minutes=1)
GIVE_UP_AFTER = timedelta(days=1)
EVENTS_LAST = timedelta(days=3)  # Stripe itself brings an event for three days
AT_ONCE = 20
STRIPES_PAGES = "https://checkout.stripe.com"

Standing = Reversal.Standing
# Stripe's word for how a refund or dispute stands -> how it stands here, and which word is the later one
REFUNDS = {
    "pending": (Standing.TAKEN, 1), "requires_action": (Standing.TAKEN, 1), "succeeded": (Standing.TAKEN, 2),
    "failed": (Standing.UNDONE, 3), "canceled": (Standing.UNDONE, 3),
}  # fmt: skip
DISPUTES = {
    "warning_needs_response": (Standing.NOTED, 0), "warning_under_review": (Standing.NOTED, 0),
    "warning_closed": (Standing.NOTED, 0), "needs_response": (Standing.TAKEN, 1), "under_review": (Standing.TAKEN, 1),
    "lost": (Standing.TAKEN, 2), "won": (Standing.UNDONE, 3),
}  # fmt: skip
EVENTS = (
    "checkout.session.completed", "checkout.session.async_payment_succeeded", "checkout.session.expired",
    "refund.created", "refund.updated", "refund.failed", "charge.refund.updated", "charge.refunded",
    "charge.dispute.created", "charge.dispute.updated", "charge.dispute.closed",
    "charge.dispute.funds_withdrawn", "charge.dispute.funds_reinstated",
)  # fmt: skip

log = structlog.get_logger(__name__)


class Forged(Exception):
    """An event without Stripe's signature, or one that is too old."""


class Unreachable(Exception):
    """Stripe did not answer, or not as it should; nothing was charged."""

    sentence = gettext_lazy("The payment page cannot be reached now. Nothing was charged. Try again in a moment.")


def is_set_up() -> bool:
    """Return whether this office can be paid by card."""
    return bool(settings.STRIPE_SECRET_KEY)


def is_live() -> bool:
    """Return whether cards are really charged."""
    return "_live_" in settings.STRIPE_SECRET_KEY[:8]


def pages_at() -> str:
    """Return the origin of the payment pages, which our forms lead to."""
    if not settings.STRIPE_API_BASE:
        return STRIPES_PAGES
    return "{0.scheme}://{0.netloc}".format(urlsplit(settings.STRIPE_API_BASE))


def open_page(top_up: TopUp, *, now: datetime) -> str:
    """Return the address of the payment page of a top-up, made where there is none yet. Raises `Unreachable`."""
    try:
        session = _session(top_up)
    except stripe.StripeError as error:
        log.warning("stripe_failed", step="open", error=type(error).__name__)
        raise Unreachable from error
    told = session.to_dict()
    if told.get("status") != "open" or not told.get("url"):
        _settle_session(told, now=now)
        return landing(top_up)
    return str(told["url"])


def ask(top_up: TopUp, *, now: datetime) -> None:
    """Ask Stripe what became of an open top-up and write it down, unless somebody asked a moment ago."""
    open_ones = TopUp.objects.filter(pk=top_up.pk, state=TopUp.State.OPEN)
    free = open_ones.filter(Q(asked_at=None) | Q(asked_at__lt=now - ASK_AGAIN_AFTER))
    if is_set_up() and free.update(asked_at=now):
        _ask(top_up, now=now)


def ask_open(*, now: datetime) -> int:
    """Ask for the top-ups that are open for a while: an event may never come. Returns how many were asked for."""
    if not is_set_up():
        return 0
    due = TopUp.objects.filter(state=TopUp.State.OPEN, created_at__lt=now - SWEEP_AFTER)
    due = due.filter(Q(asked_at=None) | Q(asked_at__lt=now - SWEEP_AFTER))
    asked = list(due.filter(expires_at__gt=now - GIVE_UP_AFTER).order_by(F("asked_at").asc(nulls_first=True))[:AT_ONCE])
    for top_up in asked:
        ask(top_up, now=now)
    never_opened = TopUp.objects.filter(state=TopUp.State.OPEN, session=None, expires_at__lt=now - GIVE_UP_AFTER)
    for key in never_opened.values_list("pk", flat=True)[:AT_ONCE]:
        topping_up.expire(str(key))
    return len(asked)


def ask_missed(*, now: datetime) -> int:
    """Read the events that Stripe could not bring, and settle them; then the steps that a process left half done."""
    for payment in topping_up.unbooked(limit=AT_ONCE):
        topping_up.book_reversals(payment, now=now)
    if not is_set_up():
        return 0
    since = int((now - EVENTS_LAST).timestamp())
    wanted: Any = {"delivery_success": False, "types": list(EVENTS), "created": {"gte": since}, "limit": 100}
    try:
        missed = [event.to_dict() for event in _client().v1.events.list(wanted).auto_paging_iter()]
    except stripe.StripeError as error:
        log.warning("stripe_failed", step="missed", error=type(error).__name__)
        return 0
    for event in reversed(missed):
        settle_event(event, now=now)
    return len(missed)


def read_event(body: bytes, signature: str) -> dict[str, Any]:
    """Return a signed event. Raises `Forged`, or ValueError for what is no event."""
    if not settings.STRIPE_WEBHOOK_SECRET:
        raise Forged
    try:
        text = body.decode()
        stripe.WebhookSignature.verify_header(text, signature, settings.STRIPE_WEBHOOK_SECRET, TOLERANCE)
    except (stripe.SignatureVerificationError, UnicodeDecodeError) as error:
        raise Forged from error
    event = json.loads(text)
    if not isinstance(event, dict) or not isinstance(event.get("type"), str):
        raise ValueError("no event")
    if not isinstance(event.get("data"), dict) or not isinstance(event["data"].get("object"), dict):
        raise ValueError("an event of nothing")
    return event


def settle_event(event: Mapping[str, Any], *, now: datetime) -> None:
    """Write down what an event tells; one of another mode, of another's account or of another kind changes nothing."""
    kind, told = event["type"], event["data"]["object"]
    if kind not in EVENTS or event.get("livemode") is not is_live() or event.get("account"):
        return
    if kind.startswith("checkout.session."):
        _settle_session(told, now=now)
    elif kind == "charge.refunded":
        _ask_refunds(str(told.get("payment_intent") or ""), now=now)
    elif kind.startswith("charge.dispute."):
        _settle_reversal(told, Reversal.Kind.DISPUTE, DISPUTES, now=now)
    else:
        _settle_reversal(told, Reversal.Kind.REFUND, REFUNDS, now=now)


def ask_refund(order: RefundOrder, *, now: datetime) -> None:
    """Ask Stripe to pay back what staff decided; asked again, it is done once."""
    RefundOrder.objects.filter(pk=order.pk).update(asked_at=now)
    wanted: Any = {
        "payment_intent": order.top_up.payment, "amount": to_minor(order.amount, order.top_up.currency),
        "metadata": {"refund_order": str(order.pk)},
    }  # fmt: skip
    try:
        made = _client().v1.refunds.create(wanted, {"idempotency_key": f"refund-{order.pk}"}).to_dict()
    except (stripe.InvalidRequestError, stripe.CardError) as error:
        RefundOrder.objects.filter(pk=order.pk).update(refused=(error.code or "refused")[:100])
        log.warning("refund_refused", order=str(order.pk), code=error.code)
        return
    except stripe.StripeError as error:
        log.warning("stripe_failed", step="refund", error=type(error).__name__)
        return
    _settle_reversal(made, Reversal.Kind.REFUND, REFUNDS, now=now)
    RefundOrder.objects.filter(pk=order.pk).update(reference=made["id"])


def ask_refunds_due(*, now: datetime) -> None:
    """Ask again for the refunds that Stripe has not answered."""
    if is_set_up():
        due = RefundOrder.objects.filter(Q(asked_at=None) | Q(asked_at__lt=now - SWEEP_AFTER), reference="", refused="")
        for order in due.select_related("top_up").order_by("created_at")[:AT_ONCE]:
            ask_refund(order, now=now)


def landing(top_up: TopUp) -> str:
    """Return the path of the page to which the user comes back."""
    return reverse("top_up", args=[top_up.pk])


def to_minor(units: int, currency: str) -> int:
    """Return units of 1/10,000 as Stripe counts: in the currency's smallest coin."""
    return units * _coins(currency) // UNITS


def from_minor(coins: int, currency: str) -> int:
    """Return a number of the currency's smallest coin in units of 1/10,000."""
    return coins * UNITS // _coins(currency)


def _coins(currency: str) -> int:
    return int(10 ** get_currency_precision(currency.upper()))


def _ask(top_up: TopUp, *, now: datetime) -> None:
    try:
        _settle_session(_session(top_up).to_dict(), now=now)
    except stripe.InvalidRequestError:
        # Stripe knows no such page, or will not make one that has already ended: nobody can have paid on it
        if top_up.expires_at < now:
            topping_up.expire(str(top_up.pk))
    except stripe.StripeError as error:
        log.warning("stripe_failed", step="ask", error=type(error).__name__)


def _session(top_up: TopUp) -> Any:
    """Return Stripe's session of a top-up, as it stands; made where our row does not know of one yet."""
    sessions = _client().v1.checkout.sessions
    if top_up.session:
        return sessions.retrieve(top_up.session)
    made = sessions.create(_wanted(top_up), {"idempotency_key": f"top-up-{top_up.pk}"})
    TopUp.objects.filter(pk=top_up.pk, session=None).update(session=made.id)
    return made


def _wanted(top_up: TopUp) -> Any:
    """Return the session to be made. The same every time: Stripe compares it with the first under its key."""
    ours = {"top_up": str(top_up.pk), "account": str(top_up.account_id)}
    back = f"{settings.BASE_URL}{landing(top_up)}"
    price = {
        "currency": top_up.currency.lower(), "unit_amount": to_minor(top_up.amount, top_up.currency),
        "product_data": {"name": settings.OFFICE_NAME},
    }  # fmt: skip
    return {
        "mode": "payment", "payment_method_types": ["card"], "line_items": [{"quantity": 1, "price_data": price}],
        "client_reference_id": str(top_up.pk), "metadata": ours, "payment_intent_data": {"metadata": ours},
        "success_url": back, "cancel_url": f"{back}?left=1", "expires_at": int(top_up.expires_at.timestamp()),
        "locale": top_up.account.user.language,
    }  # fmt: skip


def _settle_session(told: Mapping[str, Any], *, now: datetime) -> None:
    reference = str(told.get("client_reference_id") or "")
    if told.get("payment_status") == "paid":
        currency = str(told.get("currency") or "")
        topping_up.settle_paid(
            topping_up.Paid(
                reference=reference, session=str(told.get("id") or ""), payment=str(told.get("payment_intent") or ""),
                account=str((told.get("metadata") or {}).get("account", "")), currency=currency,
                amount=from_minor(int(told.get("amount_total") or 0), currency), livemode=told.get("livemode") is True,
            ),
            now=now,
        )  # fmt: skip
    elif told.get("status") == "expired":
        topping_up.expire(reference)


def _settle_reversal(
    told: Mapping[str, Any], kind: Reversal.Kind, words: Mapping[str, tuple[Standing, int]], *, now: datetime
) -> None:
    """Write down a refund or a dispute; one that belongs to no payment of ours waits for it, and does nothing."""
    currency, payment = str(told.get("currency") or ""), str(told.get("payment_intent") or "")
    found = words.get(str(told.get("status")))
    if (
        not found
        or not payment
        or currency.upper() != settings.CURRENCY
        or told.get("livemode", is_live()) is not is_live()
    ):
        log.warning("reversal_not_ours", kind=kind.value)
        return
    standing, rank = found
    amount = from_minor(int(told["amount"]), currency)
    topping_up.note_reversal(
        topping_up.TakenBack(str(told["id"]), kind, payment, amount, standing, rank), now=now
    )  # fmt: skip


def _ask_refunds(payment: str, *, now: datetime) -> None:
    """Ask for the refunds of a payment: the event of a charge has none of them. Raises `Unreachable`."""
    if not payment:
        return
    try:
        found = _client().v1.refunds.list({"payment_intent": payment, "limit": 100}).to_dict()["data"]
    except stripe.StripeError as error:
        raise Unreachable from error
    for told in found:
        _settle_reversal(told, Reversal.Kind.REFUND, REFUNDS, now=now)


def _client() -> stripe.StripeClient:
    return _client_of(settings.STRIPE_SECRET_KEY, settings.STRIPE_API_BASE)


@cache
def _client_of(key: str, base: str) -> stripe.StripeClient:
    bases: Any = {"api": base} if base else {}
    return stripe.StripeClient(
        key, base_addresses=bases, max_network_retries=1, http_client=stripe.RequestsClient(timeout=(3, 10))
    )
