"""The adapter whose provider is described by OPTIONS; README "A provider without code" says what each option is."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import aiohttp

from sms.gateways.contract import BadOptions, Forged, HandOver, Receipt, Verdict
from sms.gateways.http import Answer, Call, HttpGateway
from sms.gateways.provider.answers import Answers, Lookup, errors, lookup, yes
from sms.gateways.provider.options import Given
from sms.gateways.provider.reports import Reports, reports
from sms.gateways.provider.requests import Request, authorization, request
from sms.gateways.provider.senders import Brought
from sms.gateways.provider.template import MESSAGE, Scope, placeholders

DIALECTS = Path(__file__).parent / "dialects"
# What a ready dialect may say; the rest is the office's own.
SAID = ("url", "method", "headers", "auth", "body", "encodings", "accepted", "errors", "dedupes", "lookup", "receipts")
ENCODINGS = ("gsm7", "ucs2")

Table = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Dialect:
    """OPTIONS, read once."""

    request: Request
    answers: Answers
    encodings: Mapping[str, Any]
    question: Request | None
    lookup: Lookup | None
    reports: Reports | None


@dataclass(frozen=True, kw_only=True, eq=False)
class Provider(HttpGateway):
    """One provider by HTTP. `dialect` names a ready description, or a file of one's own; options beside it win.

    `receipts_url` is where the provider reaches this office; by default BASE_URL/receipts/<alias>/.
    """

    dialect: str = ""
    values: Table = field(default_factory=dict, repr=False)
    receipts_url: str = ""
    url: str = field(default="", repr=False)
    method: str | None = None
    headers: Table | None = field(default=None, repr=False)
    auth: Table | None = field(default=None, repr=False)
    body: Table | None = field(default=None, repr=False)
    encodings: Table | None = None
    accepted: Table | None = None
    errors: Table | None = None
    dedupes: bool | None = None
    lookup: Table | None = field(default=None, repr=False)
    receipts: Table | None = field(default=None, repr=False)
    spoken: Dialect = field(init=False, repr=False)

    # every status is the dialect's to judge, 429 by default as everywhere
    throttling: ClassVar[frozenset[int]] = frozenset()

    def __post_init__(self) -> None:
        ours = {name: getattr(self, name) for name in SAID}
        said = {**_ready(self.dialect), **{name: each for name, each in ours.items() if each not in (None, "")}}
        given = Given((), said).table(required=("url", "accepted"), optional=SAID)
        scope = _scope(self.values, said)
        spoken = _dialect(given, scope, receipts_url=self._receipts_url(said))
        object.__setattr__(self, "url", str(spoken.request.url))
        object.__setattr__(self, "dedupes", _dedupes(given, said))
        object.__setattr__(self, "spoken", spoken)
        super().__post_init__()

    @property
    def dedupes_by_reference(self) -> bool:  # type: ignore[override]
        """Whether OPTIONS say that the same reference handed over twice becomes one SMS."""
        return bool(self.dedupes)

    @property
    def can_query(self) -> bool:  # type: ignore[override]
        """Whether OPTIONS say how to ask."""
        return self.spoken.lookup is not None

    @property
    def receipts_carry_reference(self) -> bool:  # type: ignore[override]
        """Whether OPTIONS say where our reference stands in a receipt."""
        return self.spoken.reports is not None and self.spoken.reports.where.reference is not None

    def request(self, hand_over: HandOver) -> Call:
        """Return the call; raises ValueError where a header would hold a line break."""
        return self.spoken.request.call(self._said(hand_over))

    def verdict(self, answer: Answer) -> Verdict | None:
        """Return what OPTIONS say that an answer means."""
        return self.spoken.answers.verdict(answer)

    async def query(self, reference: str, session: aiohttp.ClientSession) -> Verdict | None:
        """Return the provider's yes to our `reference`; None where it knows none. Raises aiohttp's errors."""
        if self.spoken.question is None or self.spoken.lookup is None:
            return None
        answer = await self.fetch(self.spoken.question.call({"reference": reference}), session)
        return self.spoken.lookup.verdict(answer, reference=reference)

    def read_receipts(self, *, headers: Mapping[str, str], query: Mapping[str, str], body: bytes) -> Sequence[Receipt]:
        """Return the receipts in a request, as OPTIONS describe them; raises `Forged`, ValueError."""
        if self.spoken.reports is None:
            raise Forged
        return self.spoken.reports.read(Brought(headers, query, body))

    def _said(self, hand_over: HandOver) -> dict[str, Any]:
        sender = _compact(hand_over.sender)
        return {
            "number": hand_over.number,
            "number_digits": hand_over.number.removeprefix("+"),
            "text": hand_over.text,
            "sender": sender,
            "sender_digits": sender.removeprefix("+"),
            "reference": hand_over.reference,
            "receipts_url": self.receipts_url,
            "encoding": self.spoken.encodings.get(hand_over.encoding, hand_over.encoding),
            "parts": hand_over.parts,
        }

    def _receipts_url(self, said: Table) -> str:
        given = Given(("receipts_url",), self.receipts_url)
        if "receipts_url" in placeholders(dict(said)) and not self.receipts_url:
            raise given.bad("is missing: the request has it as a placeholder.")
        return given.address() if self.receipts_url else ""


def _compact(sender: str) -> str:
    """Return a sender's number as E.164, without the blanks that people read it by; a name as it is."""
    return re.sub(r"[\s./()-]", "", sender) if re.fullmatch(r"\+[0-9\s./()-]+", sender) else sender


def _ready(dialect: str) -> dict[str, Any]:
    """Return the ready description of that name, or in that file; raises BadOptions."""
    if not dialect:
        return {}
    path = Path(dialect) if dialect.endswith(".toml") else DIALECTS / f"{dialect}.toml"
    known = sorted(each.stem for each in DIALECTS.glob("*.toml"))
    if not dialect.endswith(".toml") and dialect not in known:
        raise BadOptions("dialect", f"must be one of {', '.join(known)}, or a file whose name ends with .toml.")
    try:
        return tomllib.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise BadOptions("dialect", f"cannot be read: {type(error).__name__}.") from error


def _scope(values: Table, said: Table) -> Scope:
    """Return the values that placeholders stand for; raises BadOptions for one that nothing needs."""
    given, needed = Given(("values",), values), set(placeholders(dict(said)))
    for name, entry in given.entries().items():
        entry.text()
        if name in MESSAGE:
            raise entry.bad("is the name of what each message says.")
        if name not in needed:
            raise entry.bad("is a placeholder nowhere.")
    return Scope(values)


def _dialect(given: Mapping[str, Given], scope: Scope, *, receipts_url: str) -> Dialect:
    auth = authorization(given["auth"], scope) if "auth" in given else {}
    accepted = yes(given["accepted"])
    asked = _question(given["lookup"]) if "lookup" in given else None
    asking = Scope(scope.values, ("reference",))
    return Dialect(
        request=request(given, scope, auth=auth, method="POST"),
        answers=Answers(accepted, errors(given.get("errors"), accepted=accepted.statuses)),
        encodings=_encodings(given["encodings"]) if "encodings" in given else {},
        question=request(asked, asking, auth=auth, method="GET") if asked else None,
        lookup=lookup(asked, asking) if asked else None,
        reports=reports(given["receipts"], scope, receipts_url=receipts_url) if "receipts" in given else None,
    )


def _question(given: Given) -> dict[str, Given]:
    return given.table(
        required=("url", "statuses", "reference", "ours"), optional=("method", "headers", "body", "when")
    )


def _encodings(given: Given) -> dict[str, Any]:
    return {name: entry.value for name, entry in given.table(required=ENCODINGS).items()}


def _dedupes(given: Mapping[str, Given], said: Table) -> bool:
    """Return whether the provider de-duplicates by our reference, which must then be in the request."""
    dedupes = "dedupes" in given and given["dedupes"].flag()
    if dedupes and "reference" not in placeholders([said.get(name) for name in ("url", "headers", "body")]):
        raise given["dedupes"].bad("needs the placeholder {reference} in url, headers or body.")
    return dedupes
