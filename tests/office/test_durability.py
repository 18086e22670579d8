"""R6 of FAULTS, on a durable PostgreSQL with real standbys: no start where an accepted SMS could be forgotten."""

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone

from office import durability, environment, start_up
from office.start_up import CannotStart
from tests.databases import Database, connected, one_value
from tests.servers import postgresql
from tests.servers.folder import place
from tests.servers.programs import NotInstalled

STREAMING = "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'"


@contextmanager
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="office-", dir=place()))  # a socket's path may have 107 characters only
    made.chmod(0o755)
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


@pytest.fixture(scope="module")
def primary():
    with folder() as home:
        try:
            server = postgresql.start(home, durable=True)
        except NotInstalled as missing:
            pytest.skip(str(missing))
        one_value(server.url, "CREATE ROLE office LOGIN")
        yield server, home
        server.stop()


@pytest.fixture(autouse=True)
def nothing_allowed(settings):
    settings.DATABASE_ALLOW = []


@pytest.fixture
def office(primary, django_db_blocker):
    """Be the office on the durable server, as a role without rights over it; every setting is reset afterwards."""
    url = primary[0].url
    with django_db_blocker.unblock(), connected(Database("postgresql", url.replace("postgres@", "office@"))):
        yield url
    one_value(url, "ALTER SYSTEM RESET ALL")
    reload(url)  # before the next commit, which may wait for a standby that never comes
    one_value(url, "ALTER ROLE office RESET ALL")
    one_value(url, "REVOKE pg_monitor FROM office")


def reload(url: str, **settings: str) -> None:
    for name, value in settings.items():
        one_value(url, f"ALTER SYSTEM SET {name} = '{value}'")
    one_value(url, "SELECT pg_reload_conf()")
    time.sleep(0.3)  # the signal reaches the sessions a moment later, and nothing tells when
    connection.close()


def said() -> str:
    with pytest.raises(CannotStart) as refused:
        start_up.require_durability()
    return str(refused.value)


def test_a_durable_server_without_a_standby_is_fine(office):
    start_up.require_durability()


@pytest.mark.parametrize("name", ["full_page_writes", "synchronous_commit"])
def test_what_a_role_or_the_server_switched_off_is_named_with_its_cure(office, settings, name):
    if name == "synchronous_commit":
        one_value(office, "ALTER ROLE office SET synchronous_commit = off")
    else:
        # on the command line of the private server stands nothing of these when it is durable
        reload(office, **{name: "off"})
    connection.close()
    sentence = said()
    assert f"{name} = off" in sentence
    assert f"Set {name} = on" in sentence
    assert f"DATABASE_ALLOW={name}_off" in sentence
    settings.DATABASE_ALLOW = [f"{name}_off"]
    start_up.require_durability()


@pytest.mark.django_db
def test_the_hasty_server_of_the_tests_is_refused_for_each_of_its_shortcuts():
    sentence = said()
    for name in ("fsync", "full_page_writes", "synchronous_commit"):
        assert f"DATABASE_ALLOW={name}_off" in sentence


def test_another_isolation_is_refused_whatever_is_allowed(office, settings):
    one_value(office, "ALTER ROLE office SET default_transaction_isolation = 'repeatable read'")
    connection.close()
    settings.DATABASE_ALLOW = [*environment.DATABASE_DOUBTS]
    assert "read committed" in said()


def test_clocks_far_apart_are_refused(office):
    start_up.require_durability(clock=lambda: timezone.now() + timedelta(seconds=2))
    for seconds in (-60, 60):
        with pytest.raises(CannotStart, match=r"clocks .* 60 s apart"):
            start_up.require_durability(clock=lambda seconds=seconds: timezone.now() + timedelta(seconds=seconds))


class TestStandby:
    @pytest.fixture
    def standby(self, primary):
        with folder() as home:
            server = postgresql.start_standby(home, of=primary[1])
            wait(lambda: one_value(primary[0].url, STREAMING))
            yield server
            server.stop()
        wait(lambda: not one_value(primary[0].url, "SELECT count(*) FROM pg_stat_replication"))

    @pytest.mark.parametrize("sees", [True, False])
    def test_one_that_confirms_nothing_is_refused_unless_allowed_by_name(self, standby, office, settings, sees):
        if sees:
            one_value(office, "GRANT pg_monitor TO office")
        sentence = said()
        assert "synchronous_standby_names" in sentence
        assert ("GRANT pg_monitor" in sentence) is not sees
        assert "DATABASE_ALLOW=asynchronous_standby" in sentence
        settings.DATABASE_ALLOW = ["asynchronous_standby"]
        start_up.require_durability()

    @pytest.mark.parametrize("sees", [True, False])
    def test_one_that_confirms_is_fine(self, standby, office, sees):
        if sees:
            one_value(office, "GRANT pg_monitor TO office")
        reload(office, synchronous_standby_names="standby")
        start_up.require_durability()

    def test_a_name_that_no_standby_bears_confirms_nothing(self, standby, office):
        one_value(office, "GRANT pg_monitor TO office")
        reload(office, synchronous_standby_names="another")
        assert "confirms nothing" in said()

    def test_a_commit_that_waits_for_nobody_confirms_nothing(self, standby, office):
        reload(office, synchronous_standby_names="standby")
        one_value(office, "ALTER ROLE office SET synchronous_commit = 'local'")
        connection.close()
        assert "DATABASE_ALLOW=asynchronous_standby" in said()

    def test_the_standby_itself_is_no_place_to_work(self, standby, django_db_blocker):
        with django_db_blocker.unblock(), connected(Database("postgresql", standby.url)):
            assert "primary" in said()


class TestFailOver:
    """What the refusal is for: with a standby that confirms nothing is forgotten; the control forgets."""

    @pytest.mark.parametrize(("confirms", "kept"), [(True, 20), (False, 0)])
    def test_what_was_committed_is_there_after_the_fail_over(self, confirms, kept):
        with folder() as home:
            primary = postgresql.start(home, durable=True)
            one_value(primary.url, "CREATE TABLE accepted (id int)")
            standby = postgresql.start_standby(home, of=home)
            try:
                self.commit(primary.url, confirms=confirms)
                os.kill(primary.process.pid, signal.SIGKILL)
                primary.process.wait()
                one_value(standby.url, "SELECT pg_promote()")
                assert one_value(standby.url, "SELECT count(*) FROM accepted") == kept
            finally:
                standby.stop()
                primary.stop()

    def commit(self, url: str, *, confirms: bool) -> None:
        wait(lambda: one_value(url, STREAMING))
        if confirms:
            one_value(url, "ALTER SYSTEM SET synchronous_standby_names = 'standby'")
            one_value(url, "SELECT pg_reload_conf()")
            wait(lambda: one_value(url, "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'"))
        else:
            # the line to the standby is slow at the wrong moment
            os.kill(one_value(url, "SELECT pid FROM pg_stat_replication"), signal.SIGSTOP)
        for each in range(20):
            one_value(url, f"INSERT INTO accepted VALUES ({each})")


def wait(ready) -> None:
    end_at = time.monotonic() + 20
    while not ready():
        assert time.monotonic() < end_at
        time.sleep(0.05)


def test_every_doubt_can_be_allowed_by_a_name_that_the_settings_know():
    everything_off = dict.fromkeys(("fsync", "full_page_writes", "synchronous_commit"), "off")
    told = everything_off | {"transaction_isolation": "serializable", "synchronous_standby_names": ""}
    server = durability.Server(told, is_standby=True, standbys=("async",))
    names = {doubt.name for doubt in (*durability._settings(server), *durability._standbys(server))}
    assert names - {""} == set(environment.DATABASE_DOUBTS)
