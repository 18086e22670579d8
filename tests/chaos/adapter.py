"""Adapters of the gateway double: one dialect, switchable capabilities. All else is the product's own `HttpGateway`.

Out: POST JSON {"id", "to", "text"}. Answers: 200 {"ref": "…"}; 409 refused; 410 refused here, try elsewhere.
In: POST JSON [{"id", "ref", "state", "at"}, …] with X-Proof, the hex HMAC-SHA256 of the body.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar

import aiohttp

from sms.gateways.contract import Accepted, Forged, HandOver, Receipt, ReceiptState, Refused, Verdict
from sms.gateways.http import Answer, Call, HttpGateway, json_object

SECRET = b"only the double knows it"
RAISES_IN_PREPARE, RAISES_IN_SEND = "raises in prepare", "raises in send"


class OnPurpose(Exception):
    """What a broken adapter raises."""


@dataclass(frozen=True, kw_only=True)
class Plain(HttpGateway):
    """A provider that can nothing but take an SMS and send receipts that carry our reference."""

    receipts_carry_reference: ClassVar[bool] = True

    def request(self, hand_over: HandOver) -> Call:
        if hand_over.text == RAISES_IN_PREPARE:
            raise OnPurpose
        body = {"id": hand_over.reference, "to": hand_over.number, "text": hand_over.text}
        return Call(json.dumps(body).encode(), {"Content-Type": "application/json"})

    async def send(self, prepared: Call, session: aiohttp.ClientSession) -> Verdict:
        if json.loads(prepared.body)["text"] == RAISES_IN_SEND:
            raise OnPurpose
        return await super().send(prepared, session)

    def verdict(self, answer: Answer) -> Verdict | None:
        if answer.status in {409, 410}:
            return Refused("blocked", elsewhere=answer.status == 410)
        if answer.status != 200 or answer.content_type != "application/json":
            return None
        return Accepted(json_object(answer.body)["ref"])

    def read_receipts(self, *, headers: Mapping[str, str], query: Mapping[str, str], body: bytes) -> Sequence[Receipt]:
        if not hmac.compare_digest(proof(body).encode(), headers.get("X-Proof", "").encode()):
            raise Forged
        return [_receipt(each) for each in json.loads(body)]


@dataclass(frozen=True, kw_only=True)
class Deduping(Plain):
    """A provider that makes one SMS of the same reference handed over twice."""

    dedupes_by_reference: ClassVar[bool] = True


@dataclass(frozen=True, kw_only=True)
class Asked(Plain):
    """A provider that can be asked, at `ask_url`, what became of a reference; its receipts carry its own only."""

    ask_url: str = ""
    can_query: ClassVar[bool] = True
    receipts_carry_reference: ClassVar[bool] = False

    async def query(self, reference: str, session: aiohttp.ClientSession) -> Verdict | None:
        answer = await self.fetch(Call(method="GET", url=f"{self.ask_url}/asked?id={reference}"), session)
        found = json_object(answer.body).get("ref")
        return Accepted(found) if found else None


def proof(body: bytes) -> str:
    return hmac.new(SECRET, body, hashlib.sha256).hexdigest()


def _receipt(said: dict[str, Any]) -> Receipt:
    return Receipt(
        said.get("id", ""), said.get("ref", ""), ReceiptState(said["state"]), datetime.fromtimestamp(said["at"], UTC)
    )
