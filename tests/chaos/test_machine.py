"""M8 in its small form: the ledger and the deliveries under random rules, on both databases."""

from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from sms.gateways import configured
from tests.chaos.machine import Ledger
from tests.databases import Database

SMALL = settings(
    max_examples=12, stateful_step_count=25, deadline=None, database=None, derandomize=True,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip


def test_the_books_are_right_after_every_step(database: Database, settings: Any) -> None:
    settings.SMS_GATEWAYS = {"plain": {"BACKEND": "sms.gateways.memory.Memory", "OPTIONS": {}}}
    assert configured.aliases() == ("plain",)
    before = Ledger.steps
    run_state_machine_as_test(Ledger, settings=SMALL)
    assert Ledger.steps - before > 100
