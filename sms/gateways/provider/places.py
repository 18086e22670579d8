"""Where something is found in what a provider says: by a path, in a header or the address, between two texts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sms.gateways.provider.options import Given


@dataclass(frozen=True, slots=True)
class Heard:
    """What a provider said: `content` is JSON or a form's fields, `text` the same unread, `query` the address's."""

    headers: Mapping[str, str]
    content: object = None
    text: str = ""
    query: Mapping[str, str] = field(default_factory=dict)


Place = Callable[[Heard], object]


def place(given: Given) -> Place:
    """Return how to find what OPTIONS point at, None where it is not there; raises BadOptions.

    "messages.0.id" is a path in JSON or a form's field; {"header": "X-Id"}, {"query": "id"} and, in texts and XML,
    {"after": "<id>", "until": "</id>"} are the others.
    """
    if isinstance(given.value, str):
        return by_path(given.text())
    name = next(iter(given.entries()), "")
    if name in {"header", "query"}:
        return outside(given)
    between = given.table(required=("after", "until"))
    return _between(between["after"].text(), between["until"].text())


def by_path(path: str) -> Place:
    """Return how to follow names and positions, joined by dots; a field of that very name comes first."""

    def find(heard: Heard) -> object:
        if isinstance(heard.content, dict) and path in heard.content:
            return heard.content[path]
        found = heard.content
        for step in path.split("."):
            found = _step(found, step)
        return found

    return find


def outside(given: Given) -> Place:
    """Return how to find what stands in a header or in the address's query; raises BadOptions."""
    kind, name = given.one_of("header", "query")
    if kind == "header":
        header = name.header()
        return lambda heard: heard.headers.get(header)
    parameter = name.text()
    return lambda heard: heard.query.get(parameter)


def word(where: Place | None, heard: Heard) -> str:
    """Return the text or whole number at a place, as text; "" where there is none. Raises ValueError for the rest."""
    found = where(heard) if where else None
    if found is None:
        return ""
    if isinstance(found, bool) or not isinstance(found, str | int):
        raise ValueError("neither text nor a number")
    return str(found)


def _step(found: object, step: str) -> object:
    if isinstance(found, dict):
        return found.get(step)
    if isinstance(found, list) and step.isdecimal():
        return found[int(step)] if int(step) < len(found) else None
    return None


def _between(after: str, until: str) -> Place:
    """Return how to find what stands between two texts. Both must be there: half an answer tells nothing."""

    def find(heard: Heard) -> object:
        _before, opened, rest = heard.text.partition(after)
        found, closed, _after = rest.partition(until)
        if not opened or not closed:
            return None
        if any(letter.isspace() or letter in "<>&\"'" for letter in found):
            raise ValueError("markup where a plain word was expected")
        return found

    return find
