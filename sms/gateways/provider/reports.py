"""How a provider's receipts are read: where they stand, what its words mean, how it writes the time."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

import structlog

from sms.gateways.contract import Forged, Receipt, ReceiptState
from sms.gateways.provider.answers import read_json
from sms.gateways.provider.options import Given
from sms.gateways.provider.places import Heard, Place, place, word
from sms.gateways.provider.senders import Believes, Brought, sender
from sms.gateways.provider.template import Scope

STATES = {"buffered": ReceiptState.BUFFERED, "delivered": ReceiptState.DELIVERED,
          "undelivered": ReceiptState.UNDELIVERED}  # fmt: skip
# "left": the operator has it, which is all that is known; "refused": its no to what our own relay had taken
WORDS = (*STATES, "left", "refused", "ignored")

log = structlog.get_logger(__name__)

Clock = Callable[[str], datetime]


@dataclass(frozen=True, slots=True)
class Where:
    """Where each part of a receipt stands; None where the provider does not tell it."""

    state: Place
    reference: Place | None
    gateway_reference: Place | None
    reason: Place | None
    at: Place | None


@dataclass(frozen=True, slots=True)
class Reports:
    """All that OPTIONS say of receipts. `states` maps the provider's words to WORDS; `items` finds a list of them."""

    believes: Believes
    content: str
    items: Place | None
    where: Where
    states: Mapping[str, str]
    read_time: Clock

    def read(self, brought: Brought) -> Sequence[Receipt]:
        """Return the receipts in a request, as far as they can be read.

        Raises Forged where its sender is not the provider, ValueError where nothing in it can be read.
        """
        if not self.believes(brought):
            raise Forged
        heard, unreadable = self._heard(brought), 0
        receipts: list[Receipt] = []
        for each in heard:
            try:
                receipts += self._receipts(each)
            except ValueError:
                unreadable += 1
        if unreadable and unreadable == len(heard):
            raise ValueError("not a receipt of this dialect")
        if unreadable:
            log.warning("receipts_left_out", receipts=unreadable)
        return receipts

    def _heard(self, brought: Brought) -> list[Heard]:
        whole = Heard(brought.headers, _content(self.content, brought), query=brought.query)
        if self.items is None:
            return [whole]
        items = self.items(whole)
        if not isinstance(items, list):
            raise ValueError("not a list of receipts")
        return [Heard(brought.headers, item, query=brought.query) for item in items]

    def _receipts(self, heard: Heard) -> list[Receipt]:
        """Return the receipt in one item; none where its word is known to say nothing. Raises ValueError."""
        told = self.states.get(word(self.where.state, heard))
        if told is None:
            raise ValueError("an unknown state")
        references = word(self.where.reference, heard), word(self.where.gateway_reference, heard)
        if not any(references):
            raise ValueError("no reference")
        if told == "ignored":
            return []
        refused = (word(self.where.reason, heard) or "refused")[:40] if told == "refused" else ""
        return [Receipt(*references, STATES.get(told), self._time(heard), left=not refused, refused=refused)]

    def _time(self, heard: Heard) -> datetime | None:
        written = word(self.where.at, heard)
        try:
            return self.read_time(written) if written else None
        except (OverflowError, OSError):
            raise ValueError("a time out of range") from None


def reports(given: Given, scope: Scope, *, receipts_url: str) -> Reports:
    """Return how the receipts that OPTIONS describe are verified and read; raises BadOptions."""
    entries = given.table(
        required=("verify", "content", "state", "states"),
        optional=("list", "reference", "gateway_reference", "reason", "time"),
    )
    if "reference" not in entries and "gateway_reference" not in entries:
        raise given.bad("must have a reference or a gateway_reference.")
    time = entries["time"].table(required=("at", "format"), optional=("zone",)) if "time" in entries else {}
    places = {name: place(entries[name]) for name in ("reference", "gateway_reference", "reason") if name in entries}
    return Reports(
        believes=sender(entries["verify"], scope, receipts_url=receipts_url),
        content=entries["content"].choice("json", "form", "query"),
        items=place(entries["list"]) if "list" in entries else None,
        where=Where(
            state=place(entries["state"]),
            reference=places.get("reference"),
            gateway_reference=places.get("gateway_reference"),
            reason=places.get("reason"),
            at=place(time["at"]) if time else None,
        ),
        states={name: entry.choice(*WORDS) for name, entry in entries["states"].entries().items()},
        read_time=_clock(time["format"], zone=_zone(time.get("zone"))) if time else datetime.fromisoformat,
    )


def _content(kind: str, brought: Brought) -> object:
    if kind == "json":
        return read_json(brought.body)
    return dict(parse_qsl(brought.body.decode(), keep_blank_values=True)) if kind == "form" else dict(brought.query)


def _zone(given: Given | None) -> tzinfo:
    if given is None:
        return UTC
    try:
        return ZoneInfo(given.text())
    except (KeyError, ValueError, OSError):
        raise given.bad("must name a time zone such as Europe/Brussels.") from None


def _clock(given: Given, *, zone: tzinfo) -> Clock:
    """Return how a time is read: ISO 8601, seconds or thousandths since 1970, or a pattern of strptime's."""
    pattern = given.text()
    if pattern == "unix":
        return lambda written: datetime.fromtimestamp(float(written), UTC)
    if pattern == "unix_ms":
        return lambda written: datetime.fromtimestamp(float(written) / 1000, UTC)
    if pattern != "iso" and not _is_pattern(pattern):
        raise given.bad("must be iso, unix, unix_ms or a pattern such as %Y-%m-%d %H:%M:%S.")

    def read(written: str) -> datetime:
        at = datetime.fromisoformat(written) if pattern == "iso" else datetime.strptime(written, pattern)  # noqa: DTZ007
        return at if at.tzinfo else at.replace(tzinfo=zone)

    return read


def _is_pattern(pattern: str) -> bool:
    """Return whether strptime understands the pattern, and it has a day: else every receipt would be refused."""
    moment = datetime(2026, 11, 23, 10, 30, 15, tzinfo=UTC)
    try:
        return datetime.strptime(moment.strftime(pattern), pattern).date() == moment.date()  # noqa: DTZ007
    except ValueError:
        return False
