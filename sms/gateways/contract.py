"""What a gateway adapter is: it knows its provider's words and nothing of ours.

An adapter is a frozen dataclass whose fields are its OPTIONS, made once per process by `configured`. `prepare` turns a
hand-over into what the provider wants and may refuse before anything happens; `send` makes one call and answers with
one of five verdicts. It never retries, and it never raises on purpose: an exception out of `prepare` counts as
`NotSent`, one out of `send` as `Unknown`, because the call may have reached the provider.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Any, Protocol

import aiohttp

CALL_SECONDS = 20.0
CONNECT_SECONDS = 5.0
WINDOW = 10
REFERENCE_LENGTH = 100


class BadOptions(Exception):
    """An option that this adapter cannot use. Stops the start.

    `option` is its name in OPTIONS; `problem` ends the sentence that begins with its settings path, and never repeats
    the value, which may be a secret: "must begin with http:// or https://."
    """

    def __init__(self, option: str, problem: str) -> None:
        super().__init__(f"{option} {problem}")
        self.option = option
        self.problem = problem


class Forged(Exception):
    """A receipt whose sender could not be verified."""


@dataclass(frozen=True, slots=True)
class HandOver:
    """One SMS: `reference` is our delivery id, `number` E.164, `text` normalised, `sender` as configured."""

    reference: str
    number: str
    text: str
    encoding: str
    parts: int
    sender: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Accepted:
    """The operator (or a provider outside our house) said yes; `reference` is its own, at most 100 characters."""

    reference: str


@dataclass(frozen=True, slots=True)
class Relayed:
    """Software of our own house has it; the operator has not said yes (S20). `reference` is "" where it gives none."""

    reference: str


@dataclass(frozen=True, slots=True)
class NotSent:
    """Proved not sent: connection refused, DNS, TLS, documented throttling. `retry_after` in seconds, where told."""

    why: str
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """A documented, permanent no. `elsewhere`: another gateway may try. `reason` is a code of at most 40 characters."""

    reason: str
    elsewhere: bool = False


@dataclass(frozen=True, slots=True)
class Unknown:
    """It may have been sent: read time-out, reset after write, 5xx, an answer that cannot be read."""

    why: str


Verdict = Accepted | Relayed | NotSent | Refused | Unknown


class ReceiptState(IntEnum):
    """A receipt only moves forward; the numbers are those of `Delivery.Receipt`."""

    BUFFERED = 1
    UNDELIVERED = 2
    DELIVERED = 3


@dataclass(frozen=True, slots=True)
class Receipt:
    """The provider's later word. One of `reference` (ours: the delivery id) and `gateway_reference` is given.

    `left` is evidence that the operator took the SMS; `refused` is the code of its no (only after `Relayed`), and then
    `left` is false. `at` is aware, or None where the provider does not tell.
    """

    reference: str
    gateway_reference: str
    state: ReceiptState | None
    at: datetime | None
    left: bool = True
    refused: str = ""


def is_usable(reference: object) -> bool:
    """Return whether a gateway's reference can be kept: 1 to 100 printable characters."""
    return isinstance(reference, str) and reference.isprintable() and 0 < len(reference.strip()) <= REFERENCE_LENGTH


class Gateway(Protocol):
    """An adapter. The first five say what the provider can do and bear; see ARCHITECTURE "A gateway"."""

    @property
    def dedupes_by_reference(self) -> bool:
        """Whether the same reference handed over twice becomes one SMS."""

    @property
    def can_query(self) -> bool:
        """Whether the provider can be asked what became of a reference of ours."""

    @property
    def receipts_carry_reference(self) -> bool:
        """Whether receipts name our reference; else they name the gateway's own."""

    @property
    def window(self) -> int:
        """How many calls may be under way at once."""

    @property
    def rate(self) -> float | None:
        """How many calls may begin in a second; None: as many as the window allows."""

    def prepare(self, hand_over: HandOver) -> Any:
        """Return what `send` needs, without any call; may raise, or return `Refused`."""

    async def send(self, prepared: Any, session: aiohttp.ClientSession) -> Verdict:
        """Make one call and say how it ended. `session` comes from `http.open_session`; others than HTTP ignore it."""

    async def query(self, reference: str, session: aiohttp.ClientSession) -> Verdict | None:
        """Ask what became of our `reference`; None where the provider cannot tell. Only called if `can_query`."""

    def read_receipts(self, *, headers: Mapping[str, str], query: Mapping[str, str], body: bytes) -> Sequence[Receipt]:
        """Return the receipts in a request of the provider, once its sender is verified; `headers` ignores case.

        Raises `Forged` where the sender cannot be verified, whatever else is wrong; ValueError where a verified
        request cannot be read.
        """
