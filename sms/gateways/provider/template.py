"""Texts with placeholders: `{number}` and the like are replaced, and nothing else in them means anything."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sms.gateways.contract import BadOptions
from sms.gateways.provider.options import Given

# What a message says. `number_digits` and `sender_digits` are without the plus.
MESSAGE = (
    *("number", "number_digits", "text", "sender", "sender_digits"),
    *("reference", "receipts_url", "encoding", "parts"),
)
PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_]*)\}")


@dataclass(frozen=True, slots=True)
class Template:
    """Literal texts, each followed by a placeholder's name; the last has none ("")."""

    pieces: tuple[tuple[str, str], ...]

    @property
    def only(self) -> str:
        """The placeholder of which this is all, so that its value keeps its kind in JSON; else ""."""
        return self.pieces[0][1] if len(self.pieces) == 2 and not self.pieces[0][0] and not self.pieces[1][0] else ""

    def __str__(self) -> str:
        return "".join(text + (f"{{{name}}}" if name else "") for text, name in self.pieces)

    def fill(self, said: Mapping[str, Any], escape: Callable[[str], str] = str) -> str:
        """Return the text with what is `said` for each placeholder, escaped for its place; raises KeyError."""
        return "".join(text + (escape(str(said[name])) if name else "") for text, name in self.pieces)


@dataclass(frozen=True, slots=True)
class Scope:
    """What placeholders stand for: `values` of OPTIONS, put in now, and `names`, put in for each message."""

    values: Mapping[str, str] = field(repr=False)
    names: Collection[str] = MESSAGE

    def template(self, given: Given) -> Template:
        """Return the template in a text of OPTIONS; raises BadOptions, naming a value that it lacks."""
        if not isinstance(given.value, str):
            raise given.bad("must be text.")
        pieces, literal, end = [], "", 0
        for found in PLACEHOLDER.finditer(given.value):
            literal += given.value[end : found.start()]
            end = found.end()
            if found[1] in self.names:
                pieces.append((literal, found[1]))
                literal = ""
            else:
                literal += self._value(found[1], given)
        return Template((*pieces, (literal + given.value[end:], "")))

    def text(self, given: Given) -> str:
        """Return a text that is the same for every message, such as a secret; raises BadOptions."""
        filled = Scope(self.values, ()).template(given).pieces[0][0]
        if not filled:
            raise given.bad("must not be empty.")
        return filled

    def structure(self, given: Given) -> Any:
        """Return JSON in which each text is a template; raises BadOptions."""
        if isinstance(given.value, dict):
            return {name: self.structure(entry) for name, entry in given.entries().items()}
        if isinstance(given.value, list):
            return [self.structure(given.under(str(place), each)) for place, each in enumerate(given.value)]
        return self.template(given) if isinstance(given.value, str) else given.value

    def _value(self, name: str, given: Given) -> str:
        if name in MESSAGE:
            raise given.bad(f"cannot have the placeholder {{{name}}}: it is not known here.")
        if name not in self.values:
            raise BadOptions(f"values']['{name}", f"is missing: {'.'.join(given.path)} has it as a placeholder.")
        return self.values[name]


def filled(structure: Any, said: Mapping[str, Any]) -> Any:
    """Return JSON with its templates filled; one that is a placeholder and nothing else keeps its value's kind."""
    if isinstance(structure, Template):
        return said[structure.only] if structure.only else structure.fill(said)
    if isinstance(structure, dict):
        return {name: filled(value, said) for name, value in structure.items()}
    if isinstance(structure, list):
        return [filled(each, said) for each in structure]
    return structure


def placeholders(options: Any) -> Iterator[str]:
    """Yield the names of all placeholders in OPTIONS, however deep."""
    if isinstance(options, str):
        yield from (found[1] for found in PLACEHOLDER.finditer(options))
    for each in options.values() if isinstance(options, dict) else options if isinstance(options, list) else ():
        yield from placeholders(each)
