"""What every gateway adapter must do, cell by cell: a behaviour of its provider, and the one right verdict.

To add an adapter, give `test_contract.py` a bench for it and it is held to every cell that its provider can show:

- over HTTP: a `Words` (see provider.py), five answers in the provider's words, and its line in BENCHES. The double, its
  forty ways to fail and the failures of the network come with it.
- otherwise: a bench of its own, with `shows`, the behaviours that its double can show, and `at`, an asynchronous
  context manager that gives a `Scene` with the double doing so. The double keeps a journal of what reached it.

What the adapter itself must supply: a frozen dataclass whose fields are its OPTIONS (`window` and `rate` among them),
the three capabilities, `prepare`, `send`, `query` and `read_receipts` as sms/gateways/contract.py describes them.
`NotSent` and `Refused` promise that nothing reached the provider; `Accepted` and `Relayed` that it has the SMS once.
"""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from typing import Any, Protocol

import aiohttp

from sms.gateways.contract import Accepted, Gateway, HandOver, NotSent, Refused, Relayed, Unknown, Verdict


@dataclass(frozen=True)
class Cell:
    """The right verdict, and how many SMS the provider's own journal has after it."""

    verdict: type[Verdict]
    arrivals: int


YES = Cell(Accepted, 1)
RELAYED = Cell(Relayed, 1)
NEVER = Cell(NotSent, 0)
NO = Cell(Refused, 0)
DOUBT_TAKEN = Cell(Unknown, 1)
DOUBT = Cell(Unknown, 0)

CELLS: dict[str, Cell] = {
    # the network, before the first byte
    "connection_refused": NEVER,
    "name_unknown": NEVER,
    "name_server_hangs": NEVER,
    "connect_time_out": NEVER,
    "tls_failure": NEVER,
    "tls_time_out": NEVER,
    # documented answers
    "accept": YES,
    "accept_and_close_quietly": YES,
    "accept_until_the_end_of_the_connection": YES,
    "relay": RELAYED,
    "refuse": NO,
    "refuse_elsewhere": NO,
    "throttle": NEVER,
    # after the first byte
    "time_out_before_reading": DOUBT,
    "time_out_after_reading": DOUBT_TAKEN,
    "reset_before_reading": DOUBT,
    "reset_after_reading": DOUBT_TAKEN,
    "close_after_reading": DOUBT_TAKEN,
    "close_within_the_answer": DOUBT_TAKEN,
    "slow_bytes": DOUBT_TAKEN,
    "garbage": DOUBT_TAKEN,
    "speak_first": DOUBT,
    "huge_body": DOUBT_TAKEN,
    "endless_chunks": DOUBT_TAKEN,
    "compressed_bomb": DOUBT_TAKEN,
    "huge_headers": DOUBT_TAKEN,
    "server_error_before": DOUBT,
    "server_error_after": DOUBT_TAKEN,
    "bad_gateway": DOUBT_TAKEN,
    "unavailable_with_retry_after": DOUBT,
    "undocumented_404": DOUBT,
    "undocumented_418_after": DOUBT_TAKEN,
    "undocumented_yes": DOUBT_TAKEN,
    # a yes that cannot be read or kept
    "empty_answer": DOUBT_TAKEN,
    "empty_object": DOUBT_TAKEN,
    "html": DOUBT_TAKEN,
    "html_called_json": DOUBT_TAKEN,
    "wrong_content_type": DOUBT_TAKEN,
    "bad_bytes": DOUBT_TAKEN,
    "cut_json": DOUBT_TAKEN,
    "nested_json": DOUBT_TAKEN,
    "json_list": DOUBT_TAKEN,
    "reference_empty": DOUBT_TAKEN,
    "reference_blank": DOUBT_TAKEN,
    "reference_null": DOUBT_TAKEN,
    "reference_list": DOUBT_TAKEN,
    "reference_too_long": DOUBT_TAKEN,
    "reference_with_nul": DOUBT_TAKEN,
    "redirect_301": DOUBT_TAKEN,
    "redirect_302": DOUBT_TAKEN,
    "redirect_303": DOUBT_TAKEN,
    "redirect_307": DOUBT_TAKEN,
    "redirect_308": DOUBT_TAKEN,
    # faults of the adapter itself
    "raise_in_prepare": NEVER,
    "raise_in_send_before": DOUBT,
    "raise_in_send_after": DOUBT_TAKEN,
}


@dataclass(frozen=True)
class Scene:
    """An adapter with its provider's double behaving as asked. `journal` returns the references that reached it."""

    gateway: Gateway
    session: aiohttp.ClientSession
    journal: Callable[[], list[str]]


class Bench(Protocol):
    """How the suite meets one adapter."""

    shows: frozenset[str]
    relays: bool  # a relay of our own: its yes is `Relayed`, and bears no reference

    def at(self, behaviour: str) -> AbstractAsyncContextManager[Scene]:
        """Set the scene: the provider behaves so."""


def cell(bench: Bench, behaviour: str) -> Cell:
    """Return what is right where the provider of `bench` behaves so."""
    right = CELLS[behaviour]
    return replace(right, verdict=Relayed) if bench.relays and right.verdict is Accepted else right


def an_sms(reference: str = "7", *, number: str = "+32475123456", attempt: int = 1) -> HandOver:
    text = "Tot morgen om 9 u, “Jan” — 5 € 👍\nAnna"
    return HandOver(
        reference=reference, number=number, text=text, encoding="ucs2", parts=1, sender="+32460000000", attempt=attempt
    )


async def handed_over(scene: Scene, hand_over: HandOver) -> Verdict:
    """Hand over as the dispatcher does: what is raised is a verdict too."""
    try:
        prepared: Any = scene.gateway.prepare(hand_over)
    except Exception as error:
        return NotSent(type(error).__name__)
    if isinstance(prepared, Refused):
        return prepared
    try:
        return await scene.gateway.send(prepared, scene.session)
    except Exception as error:
        return Unknown(type(error).__name__)
