"""OPTIONS as they were given, each with its settings path: what cannot be is refused by naming where it stands."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from sms.gateways.contract import BadOptions


@dataclass(frozen=True, slots=True)
class Given:
    """A value of OPTIONS and the names that lead to it: `("receipts", "state")`."""

    path: tuple[str, ...]
    value: object = field(repr=False)

    def bad(self, problem: str) -> BadOptions:
        """Return the refusal of this value; `configured` puts the settings path before `problem`."""
        return BadOptions("']['".join(self.path), problem)

    def under(self, name: str, value: object) -> "Given":
        """Return what stands under `name` in this value."""
        return Given((*self.path, name), value)

    def entries(self) -> dict[str, "Given"]:
        """Return what stands in this table by name, whatever the names; raises BadOptions."""
        if not isinstance(self.value, dict) or not all(isinstance(name, str) for name in self.value):
            raise self.bad("must be a table.")
        return {name: self.under(name, value) for name, value in self.value.items()}

    def table(self, *, required: Iterable[str] = (), optional: Iterable[str] = ()) -> dict[str, "Given"]:
        """Return what stands in this table; raises BadOptions for a name that is missing or means nothing."""
        entries, required = self.entries(), tuple(required)
        known = (*required, *optional)
        for name, entry in entries.items():
            if name not in known:
                raise entry.bad(f"means nothing here. Known: {', '.join(known)}.")
        for name in required:
            if name not in entries:
                raise self.under(name, None).bad("is missing.")
        return entries

    def one_of(self, *known: str) -> tuple[str, "Given"]:
        """Return the one entry of this table, its name being one of `known`; raises BadOptions."""
        entries = self.table(optional=known)
        if len(entries) != 1:
            raise self.bad(f"must have one of {', '.join(known)}.")
        return next(iter(entries.items()))

    def text(self) -> str:
        """Return this text, which may not be empty; raises BadOptions."""
        if not isinstance(self.value, str) or not self.value:
            raise self.bad("must be text.")
        return self.value

    def texts(self) -> frozenset[str]:
        """Return the texts of this list, of which there is one at least; raises BadOptions."""
        if not isinstance(self.value, list) or not self.value or not all(isinstance(each, str) for each in self.value):
            raise self.bad("must be a list of texts.")
        return frozenset(self.value)

    def flag(self) -> bool:
        """Return this true or false; raises BadOptions."""
        if not isinstance(self.value, bool):
            raise self.bad("must be true or false.")
        return self.value

    def choice(self, *known: str) -> str:
        """Return this text, which is one of `known`; raises BadOptions."""
        if self.value not in known or not isinstance(self.value, str):
            raise self.bad(f"must be one of {', '.join(known)}.")
        return self.value

    def statuses(self) -> frozenset[int]:
        """Return the HTTP statuses of this list, each 2xx or 4xx: others are in doubt always; raises BadOptions."""
        if not isinstance(self.value, list) or not self.value or not all(map(is_telling, self.value)):
            raise self.bad("must be a list of statuses from 200 to 299 or from 400 to 499.")
        return frozenset(self.value)

    def header(self) -> str:
        """Return this name of a header (RFC 9110, 5.6.2); raises BadOptions."""
        if not isinstance(self.value, str) or not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", self.value):
            raise self.bad("must be the name of a header.")
        return self.value

    def address(self) -> str:
        """Return this address; raises BadOptions."""
        if not isinstance(self.value, str) or not re.fullmatch(r"https?://[^\s/]\S*", self.value):
            raise self.bad("must begin with http:// or https://.")
        return self.value


def is_telling(status: object) -> bool:
    """Return whether an HTTP status can decide anything: a redirect and a server's own failure never do."""
    return isinstance(status, int) and (200 <= status <= 299 or 400 <= status <= 499)
