"""Every row that is said to be built is named by a test; `make rows` runs those tests and shows them."""

import re

from tests.rows import BUILT, TITLES
from tests.servers import PROJECT


def rows_named() -> set[str]:
    marks = [
        mark
        for path in (PROJECT / "tests").rglob("test_*.py")
        for mark in re.findall(r"mark\.row\(([^)]*)\)", path.read_text())
    ]
    return {row for mark in marks for row in re.findall(r"[SN]\d+", mark)}


def test_every_row_that_is_built_has_a_test() -> None:
    assert BUILT - rows_named() == set()


def test_the_rows_are_those_of_the_specification() -> None:
    assert list(TITLES) == [f"S{number}" for number in range(1, 23)] + [f"N{number}" for number in range(1, 21)]
