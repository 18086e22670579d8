"""What a row reports: one JSON object a line, and whether anything was violated."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

MOST_TOLD = 8


@dataclass
class Report:
    """A row's outcome. `counts` are figures, `sometimes` proves that the faults happened, `control` the ◆ run."""

    name: str
    counts: dict[str, Any] = field(default_factory=dict)
    sometimes: "Counter[str]" = field(default_factory=Counter)
    ambiguous: int = 0
    violations: list[str] = field(default_factory=list)
    control: str = "none"

    def violated(self, found: Iterable[str]) -> None:
        self.violations += found

    def require(self, holds: bool, sentence: str) -> None:
        if not holds:
            self.violations.append(sentence)

    def happened(self, *names: str) -> None:
        """Each of these must have happened at least once, else the row attacked nothing."""
        for name in names:
            self.require(self.sometimes[name] > 0, f"never happened: {name}")

    def control_failed(self, violations: Iterable[str]) -> None:
        """Note what the run without the protection found; it must find something."""
        found = list(violations)
        self.control = f"failed as it should: {found[0]}" if found else "did not fail"
        self.require(bool(found), "the control did not fail: this row shows nothing")

    def line(self) -> dict[str, Any]:
        told = self.violations[:MOST_TOLD]
        more = {"more_violations": len(self.violations) - MOST_TOLD} if len(self.violations) > MOST_TOLD else {}
        return {
            "name": self.name, "counts": self.counts, "sometimes": dict(self.sometimes), "ambiguous": self.ambiguous,
            "violations": told, **more, "control": self.control,
        }  # fmt: skip
