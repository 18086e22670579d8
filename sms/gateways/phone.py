"""The demo's handset: a telephone in the browser, reached by HTTP like any provider.

Out: POST JSON {"reference", "number", "text", "parts", "sender"} with `X-Office-Signature`, the hex HMAC-SHA256 of the
body. Answers: 201 {"reference": "phone-7"} taken; 401 wrong signature; 422 {"error": code} refused.
In: POST JSON {"reference" (ours), "gateway_reference", "state", "at": ISO 8601} with the same signature; the states are
"buffered", "undelivered" and "delivered".
"""

import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.utils.crypto import salted_hmac

from sms.gateways.contract import Accepted, Forged, HandOver, Receipt, ReceiptState, Refused, Verdict
from sms.gateways.http import Answer, Call, HttpGateway, json_object, reason_code

SIGNATURE = "X-Office-Signature"


def default_secret() -> str:
    """Return the secret that office and handset share: made from SECRET_KEY, of use for nothing else."""
    return salted_hmac("sms.gateways.phone", "handset", algorithm="sha256").hexdigest()


def sign(secret: str, body: bytes) -> str:
    """Return the signature of `body` for the header `X-Office-Signature`, 64 hexadecimal digits."""
    return hmac.digest(secret.encode(), body, "sha256").hex()


def is_signed(secret: str, body: bytes, signature: str) -> bool:
    """Return whether `signature` is that of `body`; compared in constant time."""
    return hmac.compare_digest(sign(secret, body).encode(), signature.encode())


@dataclass(frozen=True, kw_only=True)
class Phone(HttpGateway):
    """Hands over to the handset at `url` (default: this office's own); `secret` defaults to `default_secret()`."""

    url: str = ""
    secret: str = field(default="", repr=False)

    receipts_carry_reference: ClassVar[bool] = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "url", self.url or f"{settings.BASE_URL}/phone/")
        object.__setattr__(self, "secret", self.secret or default_secret())
        super().__post_init__()

    def request(self, hand_over: HandOver) -> Call:
        """Return the signed call."""
        said = {
            "reference": hand_over.reference, "number": hand_over.number, "text": hand_over.text,
            "parts": hand_over.parts, "sender": hand_over.sender,
        }  # fmt: skip
        body = json.dumps(said).encode()
        return Call(body, {"Content-Type": "application/json", SIGNATURE: sign(self.secret, body)})

    def verdict(self, answer: Answer) -> Verdict | None:
        """Return what the handset's documented answers mean."""
        if answer.status == 401:
            return Refused("unauthorized", elsewhere=True)
        if answer.status not in {201, 422} or answer.content_type != "application/json":
            return None
        said = json_object(answer.body)
        return Accepted(said["reference"]) if answer.status == 201 else Refused(reason_code(said["error"]))

    def read_receipts(self, *, headers: Mapping[str, str], query: Mapping[str, str], body: bytes) -> Sequence[Receipt]:
        """Return the one receipt in a request of the handset; raises `Forged`, ValueError."""
        if not is_signed(self.secret, body, headers.get(SIGNATURE, "")):
            raise Forged
        said = json_object(body)
        return [
            Receipt(
                reference=_text(said, "reference"),
                gateway_reference=_text(said, "gateway_reference"),
                state=_state(_text(said, "state")),
                at=_moment(_text(said, "at")),
            )
        ]


def _text(said: Mapping[str, object], name: str) -> str:
    value = said.get(name, "")
    if not isinstance(value, str):
        raise ValueError(f"{name} is not text")
    return value


def _state(name: str) -> ReceiptState:
    try:
        return ReceiptState[name.upper()]
    except KeyError:
        raise ValueError("an unknown state") from None


def _moment(written: str) -> datetime:
    moment = datetime.fromisoformat(written)
    if moment.tzinfo is None:
        raise ValueError("a moment without its zone")
    return moment
