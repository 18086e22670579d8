"""Kannel 1.4, a relay that we run ourselves: smsbox takes an SMS by HTTP, bearerbox brings it to the operator.

Out: POST to smsbox's `/cgi-bin/sendsms`, the text as the body, all else as X-Kannel headers, so that neither text nor
password stands in an address. Answers: 202 "0: Accepted for delivery" or "3: Queued for later delivery", which both
say only that our own relay has it (S20); 400, 403 and 404 refuse; 503 "Temporal failure, try again later." has taken
nothing. In: smsbox calls `receipts_url` by GET with our delivery id, its HMAC, and what Kannel fills in: %d the kind of
receipt, %F the operator's id, %I Kannel's own, %T the moment, %A the operator's words.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import ClassVar

from sms.gateways.contract import (
    BadOptions,
    Forged,
    HandOver,
    Receipt,
    ReceiptState,
    Refused,
    Relayed,
    Verdict,
    is_usable,
)
from sms.gateways.http import Answer, Call, HttpGateway

# Kannel would send GSM-7 where it is not told, and write ? for a letter that GSM-7 lacks, without a word.
CODINGS = {"gsm7": "0", "ucs2": "2"}
EVERY_RECEIPT = "31"
STATES = {"1": ReceiptState.DELIVERED, "2": ReceiptState.UNDELIVERED, "4": ReceiptState.BUFFERED}
OPERATOR_TOOK_IT, OPERATOR_REFUSED_IT = "8", "16"

TAKEN = re.compile(rb"(?:0: Accepted for delivery|3: Queued for later delivery)(?:: (\S{1,100}))?\s*")
TAKEN_NOTHING = b"Temporal failure, try again later."
# each from another cause that another gateway may not know: its user, its routes, its address
ELSEWHERE = {b"Authorization failed": "unauthorized", b"Not routable": "not_routable", b"Unknown request": "no_address"}
BARRED = b"Number(s) has/have been denied"


@dataclass(frozen=True, kw_only=True)
class Kannel(HttpGateway):
    """Hands over to the smsbox at `url`, as its sendsms-user `username`; `receipt_secret` signs our ids in receipts.

    `receipts_url` is where smsbox reaches this office; by default BASE_URL/receipts/<alias>/.
    """

    username: str
    password: str = field(repr=False)
    receipt_secret: str = field(repr=False)
    receipts_url: str = ""

    receipts_carry_reference: ClassVar[bool] = True

    def __post_init__(self) -> None:
        for name in ("username", "password", "receipt_secret"):
            value = getattr(self, name)
            if not value or not value.isprintable() or value != value.strip():
                raise BadOptions(name, "must be one line of text, without blanks around it.")
        # Kannel reads a % as the beginning of something to fill in
        if not re.fullmatch(r"https?://[^\s/%?#][^\s%?#]*", self.receipts_url):
            raise BadOptions("receipts_url", "must begin with http:// or https:// and have no %, ? or #.")
        super().__post_init__()

    def request(self, hand_over: HandOver) -> Call:
        """Return the call: the text in UTF-8, in the coding that was counted and paid."""
        headers = {
            "Content-Type": "text/plain; charset=UTF-8",
            "X-Kannel-Username": self.username,
            "X-Kannel-Password": self.password,
            "X-Kannel-From": hand_over.sender,
            "X-Kannel-To": hand_over.number,
            "X-Kannel-Coding": CODINGS[hand_over.encoding],
            "X-Kannel-DLR-Mask": EVERY_RECEIPT,
            "X-Kannel-DLR-URL": self.receipt_address(hand_over.reference),
        }
        return Call(hand_over.text.encode(), headers)

    def receipt_address(self, reference: str) -> str:
        """Return the address to which Kannel brings the receipts of our `reference`, with what it shall fill in."""
        ours = f"id={reference}&proof={self._proof(reference)}"
        return f"{self.receipts_url}?{ours}&kind=%d&operator=%F&relay=%I&at=%T&why=%A"

    def is_throttling(self, answer: Answer) -> bool:
        """Return whether Kannel itself says that it took nothing; any other 503 may be of something before it."""
        return answer.status == 503 and answer.body.strip() == TAKEN_NOTHING

    def verdict(self, answer: Answer) -> Verdict | None:
        """Return what Kannel's documented answers mean."""
        if answer.status == 202 and answer.content_type in {"text/html", "text/plain"}:
            taken = TAKEN.fullmatch(answer.body)
            return Relayed((taken[1] or b"").decode("ascii")) if taken else None
        for words, reason in ELSEWHERE.items():
            if answer.status in {403, 404} and answer.body.startswith(words):
                return Refused(reason, elsewhere=True)
        if answer.status in {400, 403}:
            return Refused("barred" if answer.body.startswith(BARRED) else "refused")
        return None

    def read_receipts(self, *, headers: Mapping[str, str], query: Mapping[str, str], body: bytes) -> Sequence[Receipt]:
        """Return the one receipt in an address of ours that Kannel has filled in; raises `Forged`, ValueError."""
        reference = query.get("id", "")
        if not hmac.compare_digest(self._proof(reference).encode(), query.get("proof", "").encode()):
            raise Forged
        kind = query.get("kind", "")
        if kind not in {*STATES, OPERATOR_TOOK_IT, OPERATOR_REFUSED_IT}:
            raise ValueError("an unknown kind of receipt")
        return [
            Receipt(
                reference=reference,
                gateway_reference=_first_usable(query.get("operator", ""), query.get("relay", "")),
                state=STATES.get(kind),
                at=_moment(query.get("at", "")),
                left=kind != OPERATOR_REFUSED_IT,
                refused=_reason(query.get("why", "")) if kind == OPERATOR_REFUSED_IT else "",
            )
        ]

    def _proof(self, reference: str) -> str:
        """Return the HMAC-SHA256, in hexadecimal digits, that only this office can give to a reference."""
        return hmac.new(self.receipt_secret.encode(), b"receipt " + reference.encode(), hashlib.sha256).hexdigest()


def _first_usable(*references: str) -> str:
    return next((each for each in references if is_usable(each)), "")


def _moment(seconds: str) -> datetime | None:
    """Return the moment that %T gives in seconds since 1970; None where Kannel left it empty."""
    if not seconds:
        return None
    if not re.fullmatch(r"[0-9]{1,10}", seconds):
        raise ValueError("not a moment")
    return datetime.fromtimestamp(int(seconds), UTC)


def _reason(words: str) -> str:
    """Return the operator's no as a code: "NACK/11/Invalid destination" is `nack_11`, "NACK/REJECTED" `nack_rejected`.

    Free words are left out: they may repeat the number or the text.
    """
    code = re.match(r"NACK/(0x[0-9a-f]{1,8}|[0-9]{1,5}|[a-z]{1,30})(?:/|$)", words.strip(), re.IGNORECASE)
    return f"nack_{code[1].lower()}" if code else "nack"
