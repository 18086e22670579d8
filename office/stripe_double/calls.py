"""The calls that the office makes, answered as Stripe would: who may call, what is refused, what was asked before."""

import hmac
import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from office.stripe_double.records import Records, Thing, fresh_id

LEAST = 50  # of the smallest coin
SHORTEST, LONGEST = 30 * 60, 24 * 60 * 60  # seconds that a payment page may stay open
SLACK = 60


@dataclass(frozen=True)
class Call:
    """One call: verb, path, what was sent as a form, the key and the idempotency key that came with it."""

    verb: str
    path: str
    sent: str
    bearer: str
    idempotency_key: str = ""

    @property
    def fields(self) -> Thing:
        return nested(parse_qsl(self.sent, keep_blank_values=True))


class Refused(Exception):
    """A call that Stripe would refuse: status, its kind of error, its code, the parameter."""

    def __init__(self, status: int, told: str, *, code: str = "", param: str = "") -> None:
        super().__init__(told)
        kind = {409: "idempotency_error"}.get(status, "invalid_request_error")
        self.status = 400 if status == 409 else status
        self.body = {"error": {"type": kind, "message": told, "code": code or None, "param": param or None}}


@dataclass(frozen=True)
class Answer:
    """What goes back."""

    status: int
    body: Thing
    replayed: bool = False


def answer(records: Records, call: Call, *, key: str, pages: str) -> Answer:
    """Answer a call. `key` is the only key that may call, `pages` the address of the payment pages."""
    with records.lock:
        try:
            _let_in(call.bearer, key)
            return _once(records, call, lambda: _do(records, call, pages=pages))
        except Refused as refused:
            return Answer(refused.status, refused.body)
        finally:
            records.save()


def nested(pairs: list[tuple[str, str]]) -> Thing:
    """Return form fields such as line_items[0][quantity]=1 as what they mean; lists by their numbers as keys."""
    found: Thing = {}
    for name, value in pairs:
        first, *inner = re.split(r"[\[\]]+", name.rstrip("]"))
        place, last = found, first
        for step in inner:
            place, last = place.setdefault(last, {}), step
        place[last] = value
    return found


def _let_in(bearer: str, key: str) -> None:
    if "_live_" in bearer[:8]:
        raise Refused(401, "This is a double of Stripe. It takes no live key.", code="api_key_expired")
    if not hmac.compare_digest(bearer.encode(), key.encode()):
        raise Refused(401, "This key may not call here.")


def _once(records: Records, call: Call, do: Callable[[], Thing]) -> Answer:
    """Do what is asked; what was asked under the same key before gets its first answer."""
    if call.verb != "POST" or not call.idempotency_key:
        return Answer(200, do())
    asked = f"{call.path}?{call.sent}"
    before = records.remembered.get(call.idempotency_key)
    if before and before["asked"] != asked:
        raise Refused(409, "This idempotency key was used for another call.")
    if before:
        return Answer(200, before["body"], replayed=True)
    body = json.loads(json.dumps(do()))
    records.remembered[call.idempotency_key] = {"asked": asked, "body": body}
    return Answer(200, body)


def _do(records: Records, call: Call, *, pages: str) -> Thing:
    found = re.fullmatch(r"/v1/checkout/sessions/(\w+)", call.path)
    if found and call.verb == "GET":
        return _there(records.session_now(found[1]), found[1])
    steps: Mapping[tuple[str, str], Callable[[], Thing]] = {
        ("POST", "/v1/checkout/sessions"): lambda: _open(records, call.fields, pages=pages),
        ("POST", "/v1/refunds"): lambda: _refund(records, call.fields),
        ("GET", "/v1/refunds"): lambda: _listed(
            [each for each in records.refunds.values() if each["payment_intent"] == call.fields.get("payment_intent")]
        ),
        ("GET", "/v1/events"): lambda: _listed([each for each in records.events.values() if each["pending_webhooks"]]),
    }
    if (call.verb, call.path) not in steps:
        raise Refused(404, f"Nothing answers {call.verb} {call.path} here.")
    return steps[call.verb, call.path]()


def _open(records: Records, sent: Thing, *, pages: str) -> Thing:
    line = sent.get("line_items", {}).get("0", {})
    price = line.get("price_data", {})
    amount = _number(price.get("unit_amount"), "line_items[0][price_data][unit_amount]") * int(line.get("quantity", 1))
    if amount < LEAST:
        raise Refused(400, "That is less than a card can pay.", code="amount_too_small")
    if sent.get("mode") != "payment" or list(sent.get("payment_method_types", {}).values()) != ["card"]:
        raise Refused(400, "Here only cards pay, once.", param="payment_method_types")
    until = _number(sent.get("expires_at"), "expires_at") - time.time()
    if not SHORTEST - SLACK <= until <= LONGEST + SLACK:
        raise Refused(400, "The page may stay open from half an hour to a day.", param="expires_at")
    if not re.fullmatch(r"[a-z]{3}", price.get("currency", "")) or not sent.get("success_url"):
        raise Refused(400, "A currency and an address to come back to are needed.", param="success_url")
    key = fresh_id("cs")
    records.sessions[key] = {
        "id": key, "object": "checkout.session", "status": "open", "payment_status": "unpaid", "livemode": False,
        "amount_total": amount, "currency": price["currency"], "metadata": sent.get("metadata", {}),
        "client_reference_id": sent.get("client_reference_id"), "expires_at": int(sent["expires_at"]),
        "payment_intent": None, "url": f"{pages}/pay/{key}", "locale": sent.get("locale"),
        "success_url": sent["success_url"], "cancel_url": sent.get("cancel_url"),
        "seller": price.get("product_data", {}).get("name", ""),
    }  # fmt: skip
    return records.sessions[key]


def _refund(records: Records, sent: Thing) -> Thing:
    payment = _there(records.payments.get(sent.get("payment_intent", "")), sent.get("payment_intent", ""))
    left = records.left_of(payment)
    amount = _number(sent.get("amount", left), "amount")
    if not left:
        raise Refused(400, "All of this payment was paid back before.", code="charge_already_refunded")
    if any(each["payment_intent"] == payment["id"] and each["status"] != "won" for each in records.disputes.values()):
        raise Refused(400, "This payment is disputed.", code="charge_disputed")
    if not 0 < amount <= left:
        raise Refused(400, "That is more than is left of this payment.", param="amount")
    return records.refund(payment, amount, sent.get("metadata", {}))


def _listed(found: list[Thing]) -> Thing:
    return {"object": "list", "url": "/v1", "has_more": False, "data": found[::-1]}


def _there(found: Thing | None, key: str) -> Thing:
    if found is None:
        raise Refused(404, f"There is no {key!r}.", code="resource_missing")
    return found


def _number(text: Any, param: str) -> int:
    if not re.fullmatch(r"\d{1,12}", str(text)):
        raise Refused(400, "A whole number is needed.", param=param)
    return int(text)
