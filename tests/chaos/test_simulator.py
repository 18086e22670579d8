"""The simulator in small: some hundred histories without a violation, and controls that find what was taken away."""

from pathlib import Path

import pytest

from tests.chaos.simulator import office, remembered, run
from tests.chaos.simulator.controls import CONTROLS
from tests.databases import on_sqlite

SLOW = {"the slot is given to everybody"}  # takes some hundred histories: `--without` by hand


@pytest.fixture(scope="module")
def opened(test_folder, django_db_blocker):
    """The simulator's office, opened once for this module, from the migrated SQLite file of this run."""
    with on_sqlite(test_folder) as fresh, django_db_blocker.unblock():
        path = Path(fresh.url.removeprefix("sqlite:///"))
        with office.opened(path) as opened:
            yield opened


def test_some_hundred_histories_end_well(opened):
    summary = run.play(opened, range(150), enough=lambda so_far: bool(so_far.wrong))
    assert summary.wrong == []
    assert summary.histories == 150
    for happened in ("died", "died during a call", "stalled", "clock jumped", "database away", "receipts", "relayed"):
        assert summary.sometimes[happened], happened


def test_the_same_seed_is_the_same_history(opened):
    def played():
        summary = run.play(opened, range(50, 60), enough=lambda _: False)
        return summary.steps, summary.points, summary.sometimes

    assert played() == played()


def test_what_is_remembered_of_querysets_changes_no_history(opened, monkeypatch):
    def played():
        summary = run.play(opened, range(60, 90), enough=lambda _: False)
        return summary.steps, summary.points, summary.sometimes

    quickly = played()
    monkeypatch.setattr(remembered, "PLAIN", ())
    assert played() == quickly


@pytest.mark.parametrize("name", sorted(set(CONTROLS) - SLOW))
def test_without_this_protection_the_simulator_finds_a_violation(opened, name):
    with CONTROLS[name](opened.store):
        summary = run.play(opened, range(600), enough=lambda so_far: bool(so_far.wrong))
    assert summary.wrong
