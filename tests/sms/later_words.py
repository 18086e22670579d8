"""What gateways say later, for tests: deliveries to say it of, the receipts, and what becomes of them."""

from datetime import datetime, timedelta
from typing import Any

from credit import books as credit_books
from sms import books, dispatch, receipts, submission
from sms.gateways import configured
from sms.gateways.contract import Receipt, ReceiptState
from sms.models import Delivery
from sms.receipts import Settled
from sms.submission import Recipient, Request
from tests.people import NOW, numbers, person

BUFFERED, UNDELIVERED, DELIVERED = ReceiptState.BUFFERED, ReceiptState.UNDELIVERED, ReceiptState.DELIVERED
SOON = NOW + timedelta(minutes=5)
MEMORY = "sms.gateways.memory.Memory"


def set_up(settings: Any, options: dict[str, dict[str, Any]]) -> Any:
    """Set the fakes that are the gateways, by alias; return the adapter of the first."""
    settings.SMS_GATEWAYS = {alias: {"BACKEND": MEMORY, "OPTIONS": each} for alias, each in options.items()}
    return configured.gateway(next(iter(options)))


def sent(
    count: int = 1, *, key: str = "k", alias: str = "memory", now: datetime = NOW, user: Any = None,
    handed_over: bool = True,
) -> list[Delivery]:  # fmt: skip
    """Submit one message to `count` numbers and hand it over; return its deliveries."""
    to = [Recipient(number) for number in numbers(count)]
    wanted = Request(user=user or person(), text="See you at 9", to=to, occasion="form", request_key=key)
    message = submission.submit(wanted, now=now).message
    if handed_over:
        dispatch.drain(alias, clock=lambda: now)
    return list(message.deliveries.order_by("position"))


def ours(delivery: Delivery, state: ReceiptState | None, *, at: datetime | None = SOON, **more: Any) -> Receipt:
    """A receipt that names our reference."""
    return Receipt(**{"reference": str(delivery.pk), "gateway_reference": "", "state": state, "at": at, **more})


def theirs(reference: str, state: ReceiptState | None, *, at: datetime | None = SOON, **more: Any) -> Receipt:
    """A receipt that names the gateway's own reference."""
    return Receipt(reference="", gateway_reference=reference, state=state, at=at, **more)


def no(delivery: Delivery, reason: str = "rejected") -> Receipt:
    """The operator's no."""
    return ours(delivery, None, left=False, refused=reason)


def record(*given: Receipt, alias: str = "memory", now: datetime = SOON) -> Settled:
    """Bring receipts and have them written down; return what became of them."""
    receipts.keep(alias, given, now=now)
    return receipts.settle(now=now)


def fresh(delivery: Delivery) -> Delivery:
    delivery.refresh_from_db()
    return delivery


def assert_books_are_right(now: datetime = SOON) -> None:
    assert [*credit_books.check(), *books.check(now=now)] == []
