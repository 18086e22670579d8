"""The arithmetic of the bench: a figure, its floor, the goal, and what many rounds say together."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any


@dataclass(frozen=True, slots=True)
class Goal:
    """What a figure should reach: `of` its "ratio" to the floor, or its "value"."""

    of: str
    at_most: float | None = None
    at_least: float | None = None

    def reached(self, found: float) -> bool:
        """Return whether `found` is within the goal."""
        return (self.at_most is None or found <= self.at_most) and (self.at_least is None or found >= self.at_least)

    def __str__(self) -> str:
        bounds = (("≤", self.at_most), ("≥", self.at_least))
        return " and ".join(f"{self.of} {sign} {bound:g}" for sign, bound in bounds if bound is not None)


def ratio(*, at_most: float | None = None, at_least: float | None = None) -> Goal:
    """Return a goal for the ratio to the floor."""
    return Goal("ratio", at_most, at_least)


def value(*, at_most: float | None = None, at_least: float | None = None) -> Goal:
    """Return a goal for the value itself."""
    return Goal("value", at_most, at_least)


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the bench: the `values` of its rounds, those of the floor beside them (or none), and the goal.

    `floor_is` says what the floor is; `more` is told in the line as it is.
    """

    name: str
    unit: str
    values: Sequence[float]
    floors: Sequence[float] = ()
    goal: Goal | None = None
    floor_is: str = ""
    more: dict[str, Any] | None = None

    @property
    def ratios(self) -> list[float]:
        """The ratio of each round to its own floor."""
        if not self.floors:
            return []
        return [each / floor for each, floor in zip(self.values, self.floors, strict=True)]

    def line(self) -> dict[str, Any]:
        """Return what is printed of it, in the shape of CONTRACT.md."""
        compared = self.ratios
        judged = compared if self.goal is None or self.goal.of == "ratio" else list(self.values)
        told: dict[str, Any] = {
            "name": self.name,
            "value": short(median(self.values)),
            "unit": self.unit,
            "floor": short(median(self.floors)) if self.floors else None,
            "ratio": short(median(compared)) if compared else None,
            "spread": [short(min(judged or self.values)), short(max(judged or self.values))],
            "rounds": len(self.values),
        }
        if self.floor_is:
            told["floor_is"] = self.floor_is
        if self.goal:
            told |= {"goal": str(self.goal), "reached": self.goal.reached(median(judged))}
        return told | (self.more or {})


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that `share` (0 to 1) of the values do not exceed: the nearest rank."""
    ordered = sorted(values)
    return ordered[max(math.ceil(share * len(ordered)), 1) - 1]


def short(number: float) -> float:
    """Return the number with four digits that count."""
    return float(f"{number:.4g}")
