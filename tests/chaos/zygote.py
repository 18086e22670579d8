"""Real processes that start in milliseconds: forks of one process that has imported everything and opened nothing.

Starting Django costs a second and a half; a run kills hundreds of processes. `Zygote` is forked from the runner before
it has a connection or a thread. It forks twice for each child, so that the runner, who is the children's subreaper,
waits for them itself. A child dies with the runner.
"""

import ctypes
import faulthandler
import json
import os
import signal
import socket
import sys
import time
import traceback
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import connections
from django.utils.module_loading import import_string

from office import environment
from tests.chaos import pace

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36


class ChildFailed(AssertionError):
    """A child raised, or did not end in time; the text is what it said."""


@dataclass
class Child:
    """One forked process; `status` is what waitpid said of it once it has ended."""

    pid: int
    answer: Path
    name: str
    status: int | None = None

    def lives(self) -> bool:
        if self.status is None:
            ended, status = os.waitpid(self.pid, os.WNOHANG)
            self.status = status if ended else None
        return self.status is None

    def signal(self, number: int) -> None:
        if self.lives():
            os.kill(self.pid, number)

    def kill(self) -> None:
        """`kill -9`, and wait until it is gone."""
        self.signal(signal.SIGKILL)
        self.wait()

    def end(self, *, seconds: float = 15) -> None:
        """Ask it to end as a supervisor does, and kill it where it does not."""
        self.signal(signal.SIGTERM)
        with suppress(ChildFailed):
            self.wait(seconds=seconds)
        self.kill()

    def wait(self, *, seconds: float = 120) -> int:
        until = time.monotonic() + seconds
        while self.lives():
            if time.monotonic() > until:
                raise ChildFailed(f"{self.name} ({self.pid}) does not end")
            time.sleep(0.002)
        assert self.status is not None
        return self.status

    def was_killed(self) -> bool:
        return os.WIFSIGNALED(self.wait()) and os.WTERMSIG(self.wait()) == signal.SIGKILL

    def result(self, *, seconds: float = 300) -> Any:
        """Return what the function returned; raises ChildFailed with its traceback."""
        status = self.wait(seconds=seconds)
        if status or not self.answer.exists():
            said = self.answer.with_suffix(".error")
            raise ChildFailed(f"{self.name}: {said.read_text() if said.exists() else status}")
        return json.loads(self.answer.read_text())


class Zygote:
    """Starts children: `start("dotted.function", argument=…)` returns at once, `call` waits for the answer."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "children"
        self.folder.mkdir()
        self.database = ""
        _prctl(PR_SET_CHILD_SUBREAPER, 1)
        ours, theirs = socket.socketpair()
        if os.fork() == 0:
            ours.close()
            _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            _serve(theirs.makefile("rw"), self.folder)
            os._exit(0)
        theirs.close()
        self._channel = ours.makefile("rw")

    def start(self, function: str, *, setup: Sequence[Any] = (), shortened: bool = True, **arguments: Any) -> Child:
        """Start a child that calls `function`; `setup` holds (dotted function, arguments) to call in it before."""
        spec = {"function": function, "arguments": arguments, "setup": list(setup), "shortened": shortened}
        self._channel.write(json.dumps(spec | {"database": self.database}) + "\n")
        self._channel.flush()
        pid = int(self._channel.readline())
        self._channel.readline()  # from here on it is ours to wait for
        return Child(pid, self.folder / f"{pid}.json", function.rpartition(".")[2])

    def call(self, function: str, **arguments: Any) -> Any:
        return self.start(function, **arguments).result()


def _serve(channel: Any, folder: Path) -> None:
    runner = os.getppid()
    for line in channel:
        first = os.fork()
        if first == 0:
            second = os.fork()
            if second == 0:
                channel.detach()
                _live(json.loads(line) | {"runner": runner}, folder)
            channel.write(f"{second}\n")
            channel.flush()
            os._exit(0)
        os.waitpid(first, 0)
        channel.write("yours\n")
        channel.flush()


def _live(spec: dict[str, Any], folder: Path) -> None:
    """Be a child: never returns, and runs no exit handlers of the runner."""
    answer = folder / f"{os.getpid()}.json"
    try:
        _settle_in(spec, folder)
        result = import_string(spec["function"])(**spec["arguments"])
        unfinished = answer.with_suffix(".part")
        unfinished.write_text(json.dumps(result))
        unfinished.rename(answer)
    except SystemExit as end:
        os._exit(int(end.code or 0) if not isinstance(end.code, str) else 1)
    except BaseException:
        answer.with_suffix(".error").write_text(traceback.format_exc())
        os._exit(1)
    os._exit(0)


def _settle_in(spec: dict[str, Any], folder: Path) -> None:
    while os.getppid() != spec["runner"]:  # until the process between us is gone, whose death would be ours
        time.sleep(0.001)
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    os.setsid()
    log = os.open(folder / f"{spec['function']}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
    faulthandler.register(signal.SIGUSR1)  # for whoever wonders what a child is doing
    if spec["database"]:
        use_database(spec["database"])
    if spec["shortened"]:
        pace.shorten()
    for function, arguments in spec["setup"]:
        import_string(function)(**arguments)


def use_database(url: str) -> None:
    """Make `url` Django's default database in this process, which has not connected yet."""
    configured = connections.configure_settings({"default": environment.database(url)})
    connections.settings.update(configured)
    with suppress(AttributeError):
        del connections["default"]


def _prctl(option: int, value: int) -> None:
    ctypes.CDLL(None).prctl(option, value)
