"""`manage.py run`: everything up from nothing, and nothing left behind, however it ends."""

import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError
from django.utils import timezone

from office import seen
from office.children import Child
from office.management.commands import run
from tests.servers import PROJECT, programs

linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


class Office:
    """A started office in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, programs.free_port()
        self.output = folder.parent / f"{folder.name}.out"
        unwanted = ("DATABASE_URL", "REDIS_URL", "SMS_GATEWAYS", "SMS_SENDER", "ALLOWED_HOSTS", "SECRET_KEY")
        given = {name: value for name, value in os.environ.items() if name not in unwanted}
        self.environment = {**given, "DEMO": "1", "PORT": str(self.port), "OFFICE_DATA": str(folder)}
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "run"],
                cwd=PROJECT, env=self.environment, stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip

    def wait_until_open(self) -> None:
        until(lambda: "Ctrl-C" in self.said or self.process.poll() is not None, seconds=120)
        assert self.process.poll() is None, self.said

    def get(self, path: str) -> tuple[int, str]:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()

    def manage(self, *words: str) -> str:
        command = [sys.executable, "manage.py", *words]
        return subprocess.run(
            command, cwd=PROJECT, env=self.environment, check=True, capture_output=True, text=True
        ).stdout

    @property
    def said(self) -> str:
        return self.output.read_text()

    @property
    def processes(self) -> dict[int, str]:
        """All that live with this folder in their environment, by their command."""
        mark = f"OFFICE_DATA={self.folder}\0".encode()
        found = {}
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                if mark in (entry / "environ").read_bytes():
                    found[int(entry.name)] = (entry / "cmdline").read_text().replace("\0", " ")
            except OSError:
                continue
        return found


def until(true, *, seconds: float = 30) -> None:
    give_up = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < give_up, "it never happened"
        time.sleep(0.1)


@pytest.fixture
def start(tmp_path):
    """Return a function that starts the office; a second time on the same data. Whatever is left is killed."""
    started = []

    def begin() -> Office:
        started.append(Office(tmp_path / "data"))
        return started[-1]

    yield begin
    for office in started:
        for pid in office.processes:
            os.kill(pid, signal.SIGKILL)
        office.process.wait()


@linux
def test_open_closed_opened_again_with_its_data_and_killed(start):
    office = start()
    office.wait_until_open()
    assert f"http://127.0.0.1:{office.port}" in office.said
    assert all(name in office.said for name in ("anna", "ben", "carla", "support", "demo-office"))
    assert office.get("/healthz") == (200, '{"status": "alive"}')
    assert '"status": "ready"' in office.get("/readyz")[1]
    assert office.get("/accounts/login/")[0] == 200
    assert len(office.processes) >= 5, "run, web and its worker, Celery's worker, beat"
    office.manage("user", "anna", "--balance", "1.25")

    worker = next(pid for pid, command in office.processes.items() if " worker " in command)
    os.kill(worker, signal.SIGKILL)
    until(lambda: any(" worker " in command for pid, command in office.processes.items() if pid != worker))

    os.killpg(office.process.pid, signal.SIGINT)
    assert office.process.wait(20) == 0
    assert office.processes == {}
    assert "The office is closed." in office.said

    again = start()
    again.wait_until_open()
    assert "1.25" in again.manage("shell", "--no-imports", "-c", BALANCE)
    again.process.kill()
    until(lambda: again.processes == {})


BALANCE = "from credit.models import Account; print(Account.objects.get(user__username='anna').balance / 10_000)"


@linux
def test_asked_to_end_before_it_is_open_it_ends(start, tmp_path):
    office = start()
    until((tmp_path / "data" / "beat.log").exists, seconds=60)
    office.process.terminate()
    assert office.process.wait(20) == 0
    assert office.processes == {}
    assert "is open" not in office.said


def test_a_process_that_keeps_ending_closes_the_office_with_its_last_words(tmp_path, monkeypatch):
    broken = Child("web", [sys.executable, "-c", "raise SystemExit('no such module')"], tmp_path / "web.log")
    steady = Child("worker", [sys.executable, "-c", "import time; time.sleep(600)"], tmp_path / "worker.log")
    monkeypatch.setattr("office.children.TRIES", 2)
    monkeypatch.setattr(run, "household", lambda: [steady, broken])
    monkeypatch.setattr(run, "check", lambda: None)
    monkeypatch.setattr(run, "prepare", lambda: None)
    monkeypatch.setattr(run, "answers", lambda: False)
    monkeypatch.setattr(run.Ending, "listen", lambda _ending: None)
    with pytest.raises(CommandError, match="web process ends as soon as it starts") as failed:
        run.Command().handle()
    assert "no such module" in str(failed.value)
    assert str(broken.log) in str(failed.value)
    assert (broken.process, steady.process) == (None, None)


class TestWakingTheWorker:
    @pytest.fixture
    def children(self, tmp_path, monkeypatch):
        """Two children that count their restarts; they came up a minute ago."""
        restarted = []
        monkeypatch.setattr(Child, "restart", lambda child: restarted.append(child.name))
        made = [Child(name, [], tmp_path / name) for name in ("web", "worker", "beat")]
        for child in made:
            child.process = object()
            child.started_at = time.monotonic() - 60
        return made, restarted

    @pytest.mark.django_db
    def test_one_that_takes_nothing_any_more_is_restarted_and_beat_too(self, children):
        made, restarted = children
        seen.record("worker", now=timezone.now() - timedelta(seconds=run.WORKER_SILENT_FOR))
        run.wake_worker(made)
        assert restarted == ["worker", "beat"]

    @pytest.mark.django_db
    def test_one_that_was_never_seen_is_restarted(self, children):
        made, restarted = children
        run.wake_worker(made)
        assert restarted == ["worker", "beat"]

    @pytest.mark.django_db
    def test_one_that_works_is_left_alone(self, children):
        made, restarted = children
        seen.record("worker", now=timezone.now())
        run.wake_worker(made)
        assert restarted == []

    @pytest.mark.django_db
    def test_one_that_has_just_come_up_has_its_time(self, children):
        made, restarted = children
        made[1].started_at = time.monotonic()
        run.wake_worker(made)
        assert restarted == []


def test_static_files_are_collected_once_and_again_when_they_change(settings, tmp_path, monkeypatch):
    from office import static_files

    settings.DATA_DIR, settings.STATIC_ROOT = tmp_path, tmp_path / "static"
    collected = []
    monkeypatch.setattr(
        static_files, "call_command", lambda *_, **__: (collected.append(1), settings.STATIC_ROOT.mkdir(exist_ok=True))
    )
    assert [static_files.collect_if_changed(), static_files.collect_if_changed()] == [True, False]
    monkeypatch.setattr(static_files, "_sources", lambda: iter(["shell.css 1 2"]))
    assert static_files.collect_if_changed()
    assert len(collected) == 2


def test_every_static_file_of_a_page_is_collected(settings, tmp_path):
    from django.core.management import call_command

    settings.STATIC_ROOT = tmp_path
    call_command("collectstatic", verbosity=0, interactive=False)
    wanted = {
        found
        for template in (PROJECT / "templates").rglob("*.html")
        for found in re.findall(r"{% static ['\"]([^'\"…]+)['\"]", template.read_text())
    }
    assert wanted
    assert [name for name in sorted(wanted) if not (tmp_path / name).exists()] == []
