"""The servers of a run: they are the ones that Django and Celery use, and they end with the run however it ends."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import redis as redis_client
from django.conf import settings
from django.db import connection

from tests.servers import PROJECT, folder, needs_postgresql, programs, required

PARENT = """
import sys, time
from pathlib import Path
from tests.servers import programs
print(programs.spawn(["sleep", "600"], log=Path(sys.argv[1])).pid, flush=True)
time.sleep(600)
"""


@pytest.mark.django_db
def test_django_is_on_the_private_postgresql(test_folder: Path) -> None:
    assert connection.vendor == "postgresql"
    assert settings.DATABASES["default"]["HOST"] == str(test_folder / "postgresql")


def test_celery_is_on_the_private_redis(redis_url: str) -> None:
    assert redis_url == settings.CELERY_BROKER_URL
    assert redis_client.Redis.from_url(redis_url).ping()


def test_no_setting_of_the_person_s_own_is_left() -> None:
    assert not settings.DEMO
    assert list(settings.SMS_GATEWAYS) == ["memory"]


def is_running(pid: int) -> bool:
    """Whether a process lives; one that ended and was not waited for does not."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent died")
def test_a_server_ends_with_its_run_even_by_kill_9(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PARENT, str(tmp_path / "log")]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert is_running(child)
        parent.send_signal(signal.SIGKILL)
    end_at = time.monotonic() + 5
    while is_running(child) and time.monotonic() < end_at:
        time.sleep(0.02)
    assert not is_running(child)


OWNER = """
import sys, time
from pathlib import Path
from tests.servers import folder
folder.place = lambda: Path(sys.argv[1])
print(folder.make(), flush=True)
time.sleep(600)
"""


def test_the_folder_of_a_killed_run_goes_with_the_next_one_and_no_other(tmp_path: Path) -> None:
    command = [sys.executable, "-c", OWNER, str(tmp_path)]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        made = Path(run.stdout.readline().strip())
        (made / "a file").write_text("of this run")
        folder.remove_ownerless(tmp_path)
        assert (made / "a file").exists(), "its run lives"
        run.send_signal(signal.SIGKILL)
    folder.remove_ownerless(tmp_path)
    assert not made.exists()


def test_what_is_not_installed_says_which_package_has_it() -> None:
    with pytest.raises(programs.NotInstalled, match="apt-get install some-package"):
        programs.find("no-such-program", package="some-package")


def test_a_server_that_does_not_start_says_why(tmp_path: Path) -> None:
    log = tmp_path / "log"
    process = programs.spawn([sys.executable, "-c", "raise SystemExit('no room')"], log=log)
    with pytest.raises(programs.CannotStart, match="no room"):
        programs.wait_until(lambda: False, process=process, log=log)


def report(outcome: str) -> pytest.TestReport:
    return pytest.TestReport(
        nodeid="a", location=("a", 1, "a"), keywords={}, outcome=outcome, longrepr=("a", 1, "needs Redis"), when="call"
    )


def test_a_skip_is_a_failure_where_everything_is_required(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUIRE_ALL", "1")
    told = required(report("skipped"))
    assert told.failed
    assert "needs Redis" in str(told.longrepr)
    assert required(report("passed")).passed


def test_a_skip_stays_one_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REQUIRE_ALL", raising=False)
    assert required(report("skipped")).skipped


@pytest.mark.django_db
def test_a_test_with_the_mark_is_known_to_need_postgresql(request: pytest.FixtureRequest) -> None:
    assert needs_postgresql(request.node)


def test_a_test_without_is_known_not_to(request: pytest.FixtureRequest) -> None:
    assert not needs_postgresql(request.node)
