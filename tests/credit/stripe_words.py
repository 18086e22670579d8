"""What Stripe says of one payment, true and false, and what must have come of it in the end, by whatever order."""

import uuid
from dataclasses import dataclass, field

from credit.models import TopUp

AMOUNT = 100_000  # 10.00


def event(kind: str, thing: dict, **more) -> dict:
    return {"id": f"evt_{uuid.uuid4().hex}", "type": kind, "livemode": False, "data": {"object": thing}} | more


def paid(top_up: TopUp, **other) -> dict:
    session = {
        "id": f"cs_{top_up.pk.hex}", "client_reference_id": str(top_up.pk), "payment_status": "paid",
        "status": "complete",
        "payment_intent": f"pi_{top_up.pk.hex}", "amount_total": top_up.amount // 100, "currency": "eur",
        "livemode": False, "metadata": {"account": str(top_up.account_id)},
    }  # fmt: skip
    return event("checkout.session.completed", session | other)


def reversal(top_up: TopUp, kind: str, name: str, status: str, cents: int) -> dict:
    thing = {
        "id": f"{name}_{top_up.pk.hex}", "payment_intent": f"pi_{top_up.pk.hex}", "amount": cents,
        "currency": "eur", "status": status,
    }  # fmt: skip
    return event(kind, thing)


@dataclass
class Story:
    """What Stripe says of one payment, and what must have come of it in the end, by whatever order."""

    top_up: TopUp
    told: list[dict] = field(default_factory=list)

    @property
    def worth(self) -> int:
        kinds = {
            (each["type"], each["data"]["object"]["id"], each["data"]["object"].get("status")) for each in self.told
        }
        key = self.top_up.pk.hex
        if ("checkout.session.completed", f"cs_{key}", "complete") not in kinds:
            return 0
        left = self.top_up.amount
        for name, cents in (("re1", 400), ("re2", 600), ("dp", 1_000)):
            states = {status for _kind, thing, status in kinds if thing == f"{name}_{key}"}
            if states & {"pending", "succeeded", "needs_response", "lost"} and not states & {"failed", "won"}:
                left -= cents * 100
        return left


def words(top_up: TopUp) -> list[dict]:
    """Everything that Stripe, or who pretends to be Stripe, may say of this payment."""
    session = f"cs_{top_up.pk.hex}"

    def other(tail: str, envelope: dict | None = None, **said) -> dict:
        thing = paid(top_up)["data"]["object"] | {"id": f"{session}{tail}"} | said
        return event("checkout.session.completed", thing, **(envelope or {}))

    return [
        paid(top_up),
        event("checkout.session.expired", {"id": session, "client_reference_id": str(top_up.pk), "status": "expired"}),
        other("x", currency="usd"),
        other("y", amount_total=999),
        other("z", metadata={"account": "1e9"}),
        other("l", {"livemode": True}),
        other("a", {"account": "acct_other"}),
        reversal(top_up, "refund.created", "re1", "pending", 400),
        reversal(top_up, "refund.updated", "re1", "succeeded", 400),
        reversal(top_up, "refund.failed", "re1", "failed", 400),
        reversal(top_up, "refund.created", "re2", "succeeded", 600),
        reversal(top_up, "charge.dispute.created", "dp", "needs_response", 1_000),
        reversal(top_up, "charge.dispute.closed", "dp", "won", 1_000),
        reversal(top_up, "charge.dispute.closed", "dp", "lost", 1_000),
    ]  # fmt: skip
