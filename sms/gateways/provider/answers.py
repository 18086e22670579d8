"""What a provider's answers mean: the yes, the table of errors, and the answer to "what became of it?"."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from sms.gateways.contract import Accepted, NotSent, Refused, Relayed, Verdict, is_usable
from sms.gateways.http import LONGEST_REST, Answer
from sms.gateways.provider.options import Given, is_telling
from sms.gateways.provider.places import Heard, Place, place, word
from sms.gateways.provider.template import Scope, Template

MEANINGS = ("refused", "elsewhere", "throttled", "not_sent", "accepted")
RETRY_AFTER = "Retry-After"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What an error is for us: one of MEANINGS, and the code that its owner reads."""

    kind: str
    reason: str


THROTTLED = {429: Meaning("throttled", "throttled")}


@dataclass(frozen=True, slots=True)
class Condition:
    """A place where one of some words must stand."""

    at: Place
    words: frozenset[str]

    def holds(self, heard: Heard) -> bool:
        """Return whether it does; raises ValueError where neither text nor a number stands there."""
        return word(self.at, heard) in self.words


@dataclass(frozen=True, slots=True)
class Yes:
    """Which answers say yes, and where the provider's reference stands. `relayed`: it is software of our own house."""

    statuses: frozenset[int]
    reference: Place
    when: Condition | None = None
    relayed: bool = False

    def verdict(self, status: int, heard: Heard) -> Verdict | None:
        """Return the yes, None for an answer that is none; raises ValueError."""
        if status not in self.statuses or (self.when and not self.when.holds(heard)):
            return None
        return self.taken(heard)

    def taken(self, heard: Heard) -> Verdict:
        """Return the yes with the reference in this answer; raises ValueError."""
        reference = word(self.reference, heard)
        if not reference:
            raise ValueError("a yes without its reference")
        return Relayed(reference) if self.relayed else Accepted(reference)


@dataclass(frozen=True, slots=True)
class Errors:
    """The documented errors: by a code within the answers of some `statuses`, and by the HTTP status alone."""

    by_status: Mapping[int, Meaning] = field(default_factory=lambda: MappingProxyType(THROTTLED))
    statuses: frozenset[int] = frozenset()
    code: Place | None = None
    by_code: Mapping[str, Meaning] = field(default_factory=dict)
    retry_after: str = RETRY_AFTER

    def meaning(self, status: int, heard: Heard | None) -> Meaning | None:
        """Return what a documented error means, None for other answers; raises ValueError."""
        by_code = self.by_code.get(word(self.code, heard)) if heard and status in self.statuses else None
        return by_code or self.by_status.get(status)

    def rest(self, headers: Mapping[str, str]) -> float | None:
        """Return for how many seconds to rest, at most an hour; None where that is not told."""
        told = headers.get(self.retry_after, "")
        return min(float(told), LONGEST_REST) if re.fullmatch(r"[0-9]{1,9}", told) else None


@dataclass(frozen=True, slots=True)
class Answers:
    """All that answers to a hand-over may mean."""

    yes: Yes
    errors: Errors

    def verdict(self, answer: Answer) -> Verdict | None:
        """Return what a documented answer means; None, or ValueError, for everything else."""
        heard = _heard_or_none(answer)
        meaning = self.errors.meaning(answer.status, heard)
        if meaning is None:
            return self.yes.verdict(answer.status, heard) if heard else None
        match meaning.kind:
            case "throttled":
                return NotSent("throttled", self.errors.rest(answer.headers))
            case "not_sent":
                return NotSent(meaning.reason)
            case "accepted":
                return self.yes.taken(heard) if heard else None
            case kind:
                return Refused(meaning.reason, elsewhere=kind == "elsewhere")


@dataclass(frozen=True, slots=True)
class Lookup:
    """How the answer to a question is read: `ours_at` must show `ours`, so that another's SMS is no evidence."""

    yes: Yes
    ours_at: Place
    ours: Template

    def verdict(self, answer: Answer, *, reference: str) -> Verdict | None:
        """Return the yes that an answer shows for our `reference`; None for everything else. Raises ValueError."""
        heard = hear(answer)
        if word(self.ours_at, heard) != self.ours.fill({"reference": reference}):
            return None
        verdict = self.yes.verdict(answer.status, heard)
        return verdict if isinstance(verdict, Accepted) and is_usable(verdict.reference) else None


def hear(answer: Answer) -> Heard:
    """Return an answer as JSON or text, as its type says; raises ValueError where it is not what it says."""
    kind = answer.content_type
    if kind == "application/json" or kind.endswith("+json"):
        return Heard(answer.headers, content=read_json(answer.body))
    readable = kind.startswith("text/") or kind == "application/xml" or kind.endswith("+xml")
    return Heard(answer.headers, text=answer.body.decode() if readable else "")


def read_json(body: bytes) -> Any:
    """Return the JSON in `body`; raises ValueError for anything else, nesting bombs included."""
    try:
        return json.loads(body)
    except RecursionError:
        raise ValueError("nested too deep") from None


def yes(given: Given) -> Yes:
    """Return the yes that `accepted` of OPTIONS describes; raises BadOptions."""
    entries = given.table(required=("statuses", "reference"), optional=("when", "relayed"))
    statuses = entries["statuses"].statuses()
    if not all(status < 400 for status in statuses):
        raise entries["statuses"].bad("must be from 200 to 299.")
    when = _condition(entries["when"]) if "when" in entries else None
    return Yes(statuses, place(entries["reference"]), when, "relayed" in entries and entries["relayed"].flag())


def errors(given: Given | None, *, accepted: frozenset[int]) -> Errors:
    """Return the errors that OPTIONS describe, 429 always among them; raises BadOptions."""
    if given is None:
        return Errors()
    entries = given.table(optional=("statuses", "code", "codes", "retry_after"))
    by_status = _by_status(entries["statuses"]) if "statuses" in entries else {}
    if not accepted.isdisjoint(by_status):
        raise entries["statuses"].bad("must not have a status that is a yes.")
    retry_after = entries["retry_after"].header() if "retry_after" in entries else RETRY_AFTER
    code, statuses, by_code = _codes(given, entries)
    return Errors(THROTTLED | by_status, statuses, code, by_code, retry_after)


def lookup(given: Mapping[str, Given], scope: Scope) -> Lookup:
    """Return how the answers to `lookup` of OPTIONS are read; raises BadOptions."""
    ours = given["ours"].table(required=("at", "is"))
    described = {name: given[name].value for name in ("statuses", "reference", "when") if name in given}
    read = yes(Given(given["statuses"].path[:-1], described))
    return Lookup(read, place(ours["at"]), scope.template(ours["is"]))


def _heard_or_none(answer: Answer) -> Heard | None:
    """Return what was said; None where it cannot be read, and only the HTTP status is left to judge by."""
    try:
        return hear(answer)
    except ValueError:
        return None


def _condition(given: Given) -> Condition:
    entries = given.table(required=("at", "is"))
    return Condition(place(entries["at"]), entries["is"].texts())


def _by_status(given: Given) -> dict[int, Meaning]:
    by_status = {}
    for name, entry in given.entries().items():
        if not name.isdecimal() or not is_telling(int(name)):
            raise entry.bad("must be a status from 200 to 299 or from 400 to 499.")
        by_status[int(name)] = _meaning(entry, told=f"http_{name}")
    return by_status


def _codes(given: Given, entries: Mapping[str, Given]) -> tuple[Place | None, frozenset[int], dict[str, Meaning]]:
    """Return where a code stands, in the answers of which statuses, and what each code means."""
    if "code" not in entries and "codes" not in entries:
        return None, frozenset(), {}
    table = given.table(required=("code", "codes"), optional=("statuses", "retry_after"))
    code = table["code"].table(required=("in", "at"))
    by_code = {name: _meaning(entry, told=name) for name, entry in table["codes"].entries().items()}
    return place(code["at"]), code["in"].statuses(), by_code


def _meaning(given: Given, *, told: str) -> Meaning:
    """Return the meaning written as "refused" or "refused:unsubscribed"; the reason is else the provider's code."""
    kind, _colon, reason = given.text().partition(":")
    if kind not in MEANINGS:
        raise given.bad(f"must be one of {', '.join(MEANINGS)}.")
    reason = reason or re.sub(r"[^a-z0-9]+", "_", told.lower())[:40]
    if not re.fullmatch(r"[a-z0-9_]{1,40}", reason):
        raise given.bad("must have a reason of small letters, digits and _.")
    return Meaning(kind, reason)
