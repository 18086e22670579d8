"""The fault harness in its smallest form: the quick rows with their controls, and no violation."""

import json
import os
import subprocess
import sys

import pytest

from tests.chaos import __main__ as harness
from tests.chaos import rows
from tests.servers import NOWHERE, PROJECT

SECONDS = 900
# the others take minutes, or wait for what happens seldom: `make chaos` runs them all
QUICK = ("R5", "R7", "R10", "G3", "M1", "M2")
CONTROLLED = {"R10"}  # the others' controls need a race, which so few tries may miss
MISSED = "the control did not fail: this row shows nothing"


def test_every_row_has_its_place_in_the_order() -> None:
    assert sorted(harness.ROWS) == sorted(rows.ROWS)


def test_the_quick_rows_hold_and_their_controls_fail() -> None:
    if os.environ["DATABASE_URL"] == NOWHERE or not os.environ.get("REDIS_URL"):
        pytest.skip("needs PostgreSQL and Redis, which are not installed")
    environ = {name: value for name, value in os.environ.items() if name not in {"SEED", "ROWS", "KEEP"}}
    done = subprocess.run(
        [sys.executable, "-m", "tests.chaos"], cwd=PROJECT, env=environ | {"SCALE": "0.1", "ROWS": ",".join(QUICK)},
        timeout=SECONDS, check=False, capture_output=True, text=True,
    )  # fmt: skip
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    told = {line["name"]: line for line in lines if "name" in line}
    found = [each for line in told.values() for each in line["violations"] if each != MISSED]
    assert found == [], done.stderr[-3000:]
    assert lines[-1].keys() == {"violations"}
    assert set(told) == set(QUICK)
    assert {name for name, line in told.items() if line["control"].startswith("failed as it should")} >= CONTROLLED
