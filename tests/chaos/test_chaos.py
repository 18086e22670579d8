"""The fault harness runs whole, in its smallest form: every row, every control, no violation."""

import json
import os
import subprocess
import sys

import pytest

from tests.chaos import rows
from tests.servers import NOWHERE, PROJECT

SECONDS = 900
CONTROLLED = {"R1", "R6", "R7", "R10", "R14", "M1"}


def test_every_row_holds_and_every_control_fails() -> None:
    if os.environ["DATABASE_URL"] == NOWHERE or not os.environ.get("REDIS_URL"):
        pytest.skip("needs PostgreSQL and Redis, which are not installed")
    environ = {name: value for name, value in os.environ.items() if name not in {"SEED", "ROWS", "KEEP"}}
    done = subprocess.run(
        [sys.executable, "-m", "tests.chaos"], cwd=PROJECT, env=environ | {"SCALE": "0.1"}, timeout=SECONDS,
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    told = {line["name"]: line for line in lines if "name" in line}
    assert [line["violations"] for line in told.values() if line["violations"]] == [], done.stderr[-3000:]
    assert lines[-1] == {"violations": 0}
    assert done.returncode == 0
    assert set(told) == set(rows.ROWS)
    assert {name for name, line in told.items() if line["control"].startswith("failed as it should")} == CONTROLLED
