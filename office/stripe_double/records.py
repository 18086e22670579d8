"""What the double holds: payment pages, payments, refunds, disputes, and the events that tell of them."""

import json
import secrets
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Thing = dict[str, Any]
TABLES = ("sessions", "payments", "refunds", "disputes", "events", "remembered")


@dataclass
class Records:
    """All of it by id, kept in `file` where there is one. Whoever reads or writes holds `lock`."""

    file: Path | None = None
    sessions: dict[str, Thing] = field(default_factory=dict)
    payments: dict[str, Thing] = field(default_factory=dict)
    refunds: dict[str, Thing] = field(default_factory=dict)
    disputes: dict[str, Thing] = field(default_factory=dict)
    events: dict[str, Thing] = field(default_factory=dict)
    remembered: dict[str, Any] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        if self.file and self.file.exists():
            for name, things in json.loads(self.file.read_text()).items():
                getattr(self, name).update(things)

    def save(self) -> None:
        """Write everything down; a crash leaves the file before or the file after."""
        if self.file:
            fresh = self.file.with_suffix(".new")
            fresh.write_text(json.dumps({name: getattr(self, name) for name in TABLES}))
            fresh.replace(self.file)

    def tell(self, kind: str, about: Thing) -> None:
        """Write an event that tells how `about` is now."""
        event: Thing = {
            "id": fresh_id("evt"), "object": "event", "type": kind, "created": int(time.time()), "livemode": False,
            "data": {"object": json.loads(json.dumps(about))}, "pending_webhooks": 1,
        }  # fmt: skip
        self.events[event["id"]] = event

    def session_now(self, key: str) -> Thing | None:
        """Return a payment page as it stands; one whose time is over has expired."""
        session = self.sessions.get(key)
        if session and session["status"] == "open" and session["expires_at"] <= time.time():
            session.update(status="expired", url=None)
            self.tell("checkout.session.expired", session)
        return session

    def pay(self, session: Thing) -> None:
        """Let a card pay an open page."""
        payment = {
            "id": fresh_id("pi"), "object": "payment_intent", "amount": session["amount_total"], "livemode": False,
            "currency": session["currency"], "metadata": session["metadata"], "status": "succeeded",
        }  # fmt: skip
        self.payments[payment["id"]] = payment
        session.update(status="complete", payment_status="paid", payment_intent=payment["id"], url=None)
        self.tell("checkout.session.completed", session)

    def left_of(self, payment: Thing) -> int:
        """Return what can still be paid back of a payment."""
        gone = [each for each in self.refunds.values() if each["payment_intent"] == payment["id"]]
        return int(payment["amount"]) - sum(int(each["amount"]) for each in gone if each["status"] == "succeeded")

    def refund(self, payment: Thing, amount: int, metadata: Thing) -> Thing:
        """Pay back a part of a payment."""
        made = {
            "id": fresh_id("re"), "object": "refund", "amount": amount, "currency": payment["currency"],
            "payment_intent": payment["id"], "metadata": metadata, "status": "succeeded", "created": int(time.time()),
        }  # fmt: skip
        self.refunds[made["id"]] = made
        self.tell("refund.created", made)
        return made

    def fail_refund(self, refund: Thing) -> None:
        """Let the card's bank send a refund back."""
        refund["status"] = "failed"
        self.tell("refund.failed", refund)

    def dispute(self, payment: Thing) -> Thing:
        """Let the card's owner dispute a payment: the money is taken at once."""
        made = {
            "id": fresh_id("dp"), "object": "dispute", "amount": payment["amount"], "currency": payment["currency"],
            "payment_intent": payment["id"], "status": "needs_response", "livemode": False,
        }  # fmt: skip
        self.disputes[made["id"]] = made
        self.tell("charge.dispute.created", made)
        return made

    def end_dispute(self, dispute: Thing, *, won: bool) -> None:
        """Let the bank decide."""
        dispute["status"] = "won" if won else "lost"
        self.tell("charge.dispute.closed", dispute)


def fresh_id(kind: str) -> str:
    """Return an id in Stripe's manner."""
    return f"{kind}_{'test_' if kind == 'cs' else ''}{secrets.token_hex(12)}"
