"""The simulator in small: some hundred histories without a violation, and each control finds what was taken away."""

from pathlib import Path

import pytest

from tests.chaos.simulator import history, office, run
from tests.chaos.simulator.controls import CONTROLS
from tests.databases import connected, on_sqlite

# Where each control is found soonest. A change of the product or of the odds may move these: the simulator's
# `--without NAME --violations 1` says the new ones.
FOUND_AT = {
    "sending is not written before the call": 0,
}


@pytest.fixture(scope="module")
def opened(tmp_path_factory, django_db_blocker):
    """The simulator's office, opened once for this module, from the migrated SQLite file of this run."""
    with (
        on_sqlite(tmp_path_factory.mktemp("simulator")) as fresh,
        django_db_blocker.unblock(),
        connected(fresh),
        office.opened(Path(fresh.url.removeprefix("sqlite:///"))) as opened,
    ):
        yield opened


def test_some_hundred_histories_end_well(opened):
    summary = run.play(opened, range(200), enough=lambda so_far: bool(so_far.wrong))
    assert summary.wrong == []
    assert summary.histories == 200
    for happened in ("died", "died during a call", "stalled", "clock jumped", "database away", "receipts", "relayed"):
        assert summary.sometimes[happened], happened


def test_the_same_seed_is_the_same_history(opened):
    def played():
        summary = run.play(opened, range(50, 60), enough=lambda _: False)
        return summary.steps, summary.points, summary.sometimes

    assert played() == played()


@pytest.mark.parametrize("name", CONTROLS)
def test_without_this_protection_the_simulator_finds_a_violation(opened, name):
    with CONTROLS[name](opened.store):
        begin = FOUND_AT[name]
        summary = run.play(opened, range(begin, begin + history.GROUP), enough=lambda so_far: bool(so_far.wrong))
    assert summary.wrong, name
