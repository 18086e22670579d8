"""Top-ups: what Stripe tells of a payment, compared with our row and booked once (S13, FAULTS M3-M5).

Stripe's words come by event, by the page that the user lands on and by the sweep: twice, late and in any order. Each is
a fact here (`Paid`, `TakenBack`); whatever order they come in, the books end the same. What is taken back beyond the
balance is a debt. The only road of card money into the books; `checkout` speaks with Stripe.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.db.models import Q, Sum
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, override

from contacts import notices
from contacts.models import User
from contacts.templatetags.figures import money
from credit.charging import account_of, lock, move_money
from credit.models import Account, Entry, RefundOrder, Reversal, TopUp

OPEN_FOR = timedelta(hours=1)  # how long a payment page stays open; Stripe allows from half an hour to a day
MOST_OPEN = 20  # payment pages of one account at once: more is no person

log = structlog.get_logger(__name__)


class TooManyOpen(Exception):
    """The account has as many unpaid payment pages as it may have; the first ones end within the hour."""

    sentence = gettext_lazy("There are many payments that you began and did not end. Try again in an hour.")


class CannotRefund(Exception):
    """More is to be paid back than there is left of the payment."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A top-up that a user wants: `amount` units, and where in the office it goes on afterwards."""

    amount: int
    currency: str
    livemode: bool
    vat_rate: int
    back_to: str = ""


@dataclass(frozen=True, slots=True)
class Paid:
    """Stripe says that a payment page was paid: under our `reference`, by our `account`, in units of `currency`."""

    reference: str
    session: str
    payment: str
    account: str
    amount: int
    currency: str
    livemode: bool


@dataclass(frozen=True, slots=True)
class TakenBack:
    """Stripe tells how a refund or dispute of a payment stands; of two words the one with the higher `rank` counts."""

    reference: str
    kind: Reversal.Kind
    payment: str
    amount: int
    standing: Reversal.Standing
    rank: int


def begin(user: User, wanted: Wanted, *, now: datetime) -> TopUp:
    """Write down a top-up before the user leaves for Stripe. Raises `TooManyOpen`."""
    with transaction.atomic():
        account = lock(pk__in=[account_of(user).pk]).popitem()[1]
        if account.top_ups.filter(state=TopUp.State.OPEN, expires_at__gt=now).count() >= MOST_OPEN:
            raise TooManyOpen
        return TopUp.objects.create(
            account=account, amount=wanted.amount, currency=wanted.currency, livemode=wanted.livemode,
            vat_rate=wanted.vat_rate, back_to=wanted.back_to, created_at=now, expires_at=now + OPEN_FOR,
        )  # fmt: skip


def settle_paid(paid: Paid, *, now: datetime) -> None:
    """Credit what was paid, once; what does not agree with our row is not credited, and staff is told."""
    with transaction.atomic():
        found = _locked(reference=paid.reference)
        if found is None:
            log.warning("payment_of_no_top_up")
            return
        top_up, account = found
        if top_up.state == TopUp.State.PAID:
            return
        top_up.doubt = doubt_of(top_up, paid)
        if top_up.doubt:
            _tell_staff_of_doubt(top_up, now=now)
        else:
            _credit(top_up, account, paid, now=now)
        top_up.save()
    book_reversals(paid.payment, now=now)


def doubt_of(top_up: TopUp, paid: Paid) -> str:
    """Return the first thing in which the payment and our row differ; empty where they agree."""
    pairs = {
        "mode": (top_up.livemode, paid.livemode),
        "currency": (top_up.currency.lower(), paid.currency.lower()),
        "amount": (top_up.amount, paid.amount),
        "account": (str(top_up.account_id), paid.account),
        "session": (top_up.session or paid.session, paid.session),
        "payment": (True, bool(paid.payment)),
    }
    return next((name for name, (ours, theirs) in pairs.items() if ours != theirs), "")


def expire(reference: str) -> None:
    """Write down that a payment page ended without a payment; one that was paid stays paid."""
    TopUp.objects.filter(pk=_uuid(reference), state=TopUp.State.OPEN).update(state=TopUp.State.EXPIRED)


def note_reversal(told: TakenBack, *, now: datetime) -> None:
    """Keep what Stripe tells of a refund or dispute, and book it as soon as its payment is known."""
    Reversal.objects.bulk_create(
        [
            Reversal(
                reference=told.reference, kind=told.kind, payment=told.payment, amount=told.amount,
                standing=told.standing, rank=told.rank, created_at=now,
            )
        ],
        ignore_conflicts=True,
    )  # fmt: skip
    newer = Reversal.objects.filter(reference=told.reference, payment=told.payment, rank__lt=told.rank)
    newer.update(standing=told.standing, rank=told.rank)
    book_reversals(told.payment, now=now)


def book_reversals(payment: str, *, now: datetime) -> None:
    """Bring the books of one payment to what its refunds and disputes say.

    In a transaction of its own, after theirs: of two that come at once, the later one sees both.
    """
    with transaction.atomic():
        found = _locked(payment=payment)
        if found is None or found[0].state != TopUp.State.PAID:
            return
        top_up, account = found
        reversals = list(Reversal.objects.select_for_update().filter(payment=payment))
        for reversal in reversals:
            if reversal.booked and reversal.standing != Reversal.Standing.TAKEN:
                _give_back(reversal, top_up, account, now=now)
        for reversal in reversals:
            if not reversal.booked and reversal.standing == Reversal.Standing.TAKEN:
                _take_back(reversal, top_up, account, now=now)
        top_up.save(update_fields=["refunded"])


def unbooked(*, limit: int) -> list[str]:
    """Return payments whose refunds or disputes are not in the books yet: a process died between two steps."""
    taken, paid = Q(standing=Reversal.Standing.TAKEN), TopUp.objects.filter(state=TopUp.State.PAID).values("payment")
    waiting = Reversal.objects.filter(Q(taken, booked=False) | Q(~taken, booked=True), payment__in=paid)
    return list(waiting.order_by("payment").values_list("payment", flat=True).distinct()[:limit])


def refundable(top_up: TopUp) -> int:
    """Return what staff can still pay back of a payment: less what went back, is on its way, or is disputed."""
    if top_up.state != TopUp.State.PAID:
        return 0
    asked = top_up.refund_orders.filter(reference="", refused="").aggregate(all=Sum("amount"))["all"] or 0
    taken = Reversal.objects.filter(payment=top_up.payment, standing=Reversal.Standing.TAKEN)
    return max(top_up.amount - asked - (taken.aggregate(all=Sum("amount"))["all"] or 0), 0)


def order_refund(top_up: TopUp, *, amount: int, why: str, by: User, now: datetime) -> RefundOrder:
    """Write down that `by` pays back `amount`, inside the caller's transaction; Stripe is asked after it.

    Raises `CannotRefund` where less than that is left of the payment.
    """
    locked = _locked(reference=str(top_up.pk))
    if locked is None or not 0 < amount <= refundable(locked[0]):
        raise CannotRefund
    return RefundOrder.objects.create(top_up=locked[0], amount=amount, why=why, by=by, created_at=now)


def _locked(*, reference: str = "", payment: str = "") -> tuple[TopUp, Account] | None:
    """Lock the account of a top-up, then read the top-up; None where there is none."""
    which = Q(payment=payment) if payment else Q(pk=_uuid(reference))
    account_id = TopUp.objects.filter(which).values_list("account", flat=True).first()
    if account_id is None:
        return None
    account = lock(pk__in=[account_id])[account_id]
    return TopUp.objects.select_related("account__user").get(which), account


def _credit(top_up: TopUp, account: Account, paid: Paid, *, now: datetime) -> None:
    top_up.state, top_up.paid_at, top_up.mail_from_at = TopUp.State.PAID, now, now
    top_up.session, top_up.payment = paid.session, paid.payment
    key = f"top_up:{top_up.pk}"
    line = Entry(kind=Entry.Kind.TOP_UP, amount=top_up.amount, key=key, reference=str(top_up.pk), created_at=now)
    _enter(line, account)


def _take_back(reversal: Reversal, top_up: TopUp, account: Account, *, now: datetime) -> None:
    """Take a refund or dispute out of the books; a refund that would exceed the payment waits, and the audit tells."""
    if reversal.kind == Reversal.Kind.REFUND:
        if top_up.refunded + reversal.amount > top_up.amount:
            return
        top_up.refunded += reversal.amount
    kind = Entry.Kind.PAY_BACK if reversal.kind == Reversal.Kind.REFUND else Entry.Kind.DISPUTE
    key = f"taken:{reversal.reference}"[:100]
    _enter(Entry(kind=kind, amount=-reversal.amount, key=key, reference=str(top_up.pk), created_at=now), account)
    _mark(reversal, booked=True)
    _tell_user(reversal, account, now=now)


def _give_back(reversal: Reversal, top_up: TopUp, account: Account, *, now: datetime) -> None:
    if reversal.kind == Reversal.Kind.REFUND:
        top_up.refunded -= reversal.amount
    kind = Entry.Kind.RETURNED if reversal.kind == Reversal.Kind.REFUND else Entry.Kind.WON
    key = f"undone:{reversal.reference}"[:100]
    _enter(Entry(kind=kind, amount=reversal.amount, key=key, reference=str(top_up.pk), created_at=now), account)
    _mark(reversal, booked=False)


def _mark(reversal: Reversal, *, booked: bool) -> None:
    reversal.booked = booked
    reversal.save(update_fields=["booked"])


def _enter(entry: Entry, account: Account) -> None:
    """Move the money of an entry, less what its debt takes of it, and write it."""
    entry.account = account
    entry.amount, entry.debt = move_money(account, entry.amount)
    account.save(update_fields=["balance", "debt"])
    entry.save(force_insert=True)


def _tell_user(reversal: Reversal, account: Account, *, now: datetime) -> None:
    user = User.objects.get(pk=account.user_id)
    with override(user.language):
        words = {"amount": money(reversal.amount), "debt": money(account.debt)}
        if reversal.kind == Reversal.Kind.REFUND:
            text = _("%(amount)s of your top-up goes back to your card and was taken off your balance.") % words
        else:
            text = _("A top-up of yours is disputed with your bank: %(amount)s was taken off your balance.") % words
        if account.debt:
            text += " " + _("You had spent part of it: %(debt)s is owed, and nothing is sent until it is paid.") % words
    notices.tell(notices.News(account.user_id, f"taken:{reversal.reference}"[:100], text, reverse("balance")), now=now)


def _tell_staff_of_doubt(top_up: TopUp, *, now: datetime) -> None:
    log.error("payment_in_doubt", top_up=str(top_up.pk), doubt=top_up.doubt)
    for person in User.objects.filter(is_staff=True, is_active=True):
        with override(person.language):
            text = _("A payment differs from its top-up and was not credited. Compare them: %(id)s (%(what)s).")
            words = text % {"id": top_up.pk, "what": top_up.doubt}
        notices.tell(notices.News(person.pk, f"doubt:{top_up.pk}", words), now=now)


def _uuid(text: str) -> uuid.UUID:
    """Return the id that a reference names; of none of ours where it is no id."""
    try:
        return uuid.UUID(text)
    except ValueError:
        return uuid.UUID(int=0)
