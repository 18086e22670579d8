"""An adapter written from README "Add a gateway" alone, for an imaginary provider, to prove that the text is enough.

Out: POST a form (to, text, id) with the header X-Key. Answers: 202 {"parcel": "p-1"}; 409 {"reason": code}; 403.
In: POST JSON {"id", "parcel", "state", "at": seconds since 1970} with X-Proof, the hex HMAC-SHA256 of the body.
"""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import ClassVar
from urllib.parse import urlencode

from sms.gateways.contract import Accepted, BadOptions, Forged, HandOver, Receipt, ReceiptState, Refused, Verdict
from sms.gateways.http import Answer, Call, HttpGateway, json_object

STATES = {"waiting": ReceiptState.BUFFERED, "handed": ReceiptState.DELIVERED, "lost": ReceiptState.UNDELIVERED}


@dataclass(frozen=True, kw_only=True)
class Courier(HttpGateway):
    """Hands over to the courier at `url`; `key` lets us in, `secret` proves its receipts."""

    key: str = field(repr=False)
    secret: str = field(repr=False)

    receipts_carry_reference: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not self.secret:
            raise BadOptions("secret", "must not be empty.")
        super().__post_init__()

    def request(self, hand_over: HandOver) -> Call:
        """Return the form and the key."""
        form = {"to": hand_over.number, "text": hand_over.text, "id": hand_over.reference}
        headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Key": self.key}
        return Call(urlencode(form).encode(), headers)

    def verdict(self, answer: Answer) -> Verdict | None:
        """Return what the courier's documented answers mean."""
        if answer.status == 403:
            return Refused("key", elsewhere=True)
        if answer.status not in {202, 409} or answer.content_type != "application/json":
            return None
        said = json_object(answer.body)
        return Accepted(said["parcel"]) if answer.status == 202 else Refused(said["reason"])

    def read_receipts(self, *, headers: Mapping[str, str], query: Mapping[str, str], body: bytes) -> Sequence[Receipt]:
        """Return the one receipt in a request that bears its proof."""
        proof = hmac.new(self.secret.encode(), body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(proof.encode(), headers.get("X-Proof", "").encode()):
            raise Forged
        said = json_object(body)
        try:
            at = datetime.fromtimestamp(said["at"], UTC)
            return [Receipt(str(said["id"]), str(said["parcel"]), STATES[said["state"]], at)]
        except (KeyError, TypeError, OverflowError, OSError):
            raise ValueError("not a receipt") from None
