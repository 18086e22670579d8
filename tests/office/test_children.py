"""Processes are started, started again, given up, and never left behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from office import children
from office.children import Child, Ending, KeepsEnding, end_all
from tests.servers import PROJECT

SLEEP = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(600)"]
STUBBORN = [
    sys.executable, "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)",
]  # fmt: skip


@pytest.fixture
def child(tmp_path):
    """Return a function that makes a child, ended with the test."""
    made = []

    def make(command=SLEEP):
        made.append(Child("test", command, tmp_path / "test.log"))
        return made[-1]

    yield make
    for each in made:
        each.kill()


@pytest.fixture
def clock(monkeypatch):
    """The clock of the module; moved by hand, except that naps are as ever."""

    class Clock:
        now = 0.0

    monkeypatch.setattr(children.time, "monotonic", lambda: Clock.now)
    return Clock


def until(true) -> None:
    for _ in range(1000):
        if true():
            return
        time.sleep(0.02)
    raise AssertionError("it never happened")


def is_running(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def up(one: Child) -> int:
    until(lambda: one.log.exists() and "up" in one.log.read_text())
    return one.process.pid


def test_a_child_is_in_a_session_of_its_own(child):
    one = child()
    one.start()
    assert os.getsid(up(one)) == one.process.pid != os.getsid(0)


def test_it_ends_when_asked_and_its_own_children_too(child):
    one = child(["sh", "-c", "sleep 600 & echo $! up; wait"])
    one.start()
    up(one)
    grandchild = int(one.log.read_text().split()[0])
    end_all([one])
    until(lambda: not is_running(grandchild))
    assert one.process is None


def test_who_does_not_listen_is_killed(child, monkeypatch):
    monkeypatch.setattr(children, "PATIENCE", 0.2)
    one = child(STUBBORN)
    one.start()
    pid = up(one)
    end_all([one])
    assert not is_running(pid)


def test_one_that_dies_after_a_while_is_started_again(child, clock):
    one = child()
    one.start()
    first = up(one)
    clock.now = 100.0
    os.kill(first, signal.SIGKILL)
    until(lambda: one.process.poll() is not None)
    one.look_after()
    assert one.process is None
    clock.now = 100.5
    one.look_after()
    assert one.process is None, "not at once"
    clock.now = 102.0
    one.look_after()
    assert one.process.pid != first
    one.look_after()
    assert one.failures == 1


def test_one_that_keeps_ending_is_given_up_with_its_last_words(child, clock):
    one = child([sys.executable, "-c", "print('no such thing'); raise SystemExit(3)"])

    def look_after_for_long():
        for _ in range(1000):
            one.look_after()
            clock.now += 0.5
            time.sleep(0.02)

    with pytest.raises(KeepsEnding) as failed:
        look_after_for_long()
    assert failed.value.child is one
    assert one.last_lines()[-1] == "no such thing"
    assert one.log.read_text().count("no such thing") == children.TRIES


def test_a_log_that_has_grown_is_begun_anew(child, monkeypatch):
    monkeypatch.setattr(children, "BIGGEST_LOG", 10)
    one = child()
    one.log.write_text("an old line\n" * 10)
    one.start()
    up(one)
    assert "old" not in one.log.read_text()


PARENT = """
import sys, time
from pathlib import Path
from office.children import Child
one = Child("test", [sys.executable, "-c", "import time; time.sleep(600)"], Path(sys.argv[1]))
one.start()
print(one.process.pid, flush=True)
time.sleep(600)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's death")
def test_a_parent_killed_hard_leaves_nothing_behind(tmp_path):
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path / "log")], cwd=PROJECT, stdout=subprocess.PIPE, text=True
    )
    pid = int(parent.stdout.readline())
    assert is_running(pid)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    until(lambda: not is_running(pid))


WAITER = """
import time
from office.children import Ending
ending = Ending()
ending.listen()
print("up", flush=True)
while not ending:
    time.sleep(0.05)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_whatever_happens_to_make_happens_to_what_it_started(tmp_path, how):
    (tmp_path / "waiter.py").write_text(WAITER)
    (tmp_path / "Makefile").write_text(f"run:\n\t@exec env PYTHONPATH={PROJECT} {sys.executable} waiter.py\n")
    make = subprocess.Popen(["make", "run"], cwd=tmp_path, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert make.stdout.readline() == "up\n"
    [pid] = [int(each) for each in Path(f"/proc/{make.pid}/task/{make.pid}/children").read_text().split()]
    make.send_signal(how)
    make.wait(20)
    make.stdout.close()
    until(lambda: not is_running(pid))


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_make_in_the_background_of_a_script_is_not_taken_for_interrupted(tmp_path):
    (tmp_path / "waiter.py").write_text(WAITER)
    (tmp_path / "Makefile").write_text(f"run:\n\t@exec env PYTHONPATH={PROJECT} {sys.executable} waiter.py\n")
    # What a shell without job control does for `make run &`: the command ignores SIGINT from the beginning.
    ignoring = "import signal, os; signal.signal(2, signal.SIG_IGN); os.execvp('make', ['make', 'run'])"
    make = subprocess.Popen([sys.executable, "-c", ignoring], cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    assert make.stdout.readline() == "up\n"
    [pid] = [int(each) for each in Path(f"/proc/{make.pid}/task/{make.pid}/children").read_text().split()]
    with pytest.raises(subprocess.TimeoutExpired):
        make.wait(0.5)
    make.terminate()
    make.wait(20)
    make.stdout.close()
    until(lambda: not is_running(pid))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_is_the_wish_to_end(number):
    before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        ending = Ending()
        ending.listen()
        assert not ending
        os.kill(os.getpid(), number)
        until(lambda: bool(ending))
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
