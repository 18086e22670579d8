"""Real processes for `Database.start`, forked in milliseconds from one that has set Django up, which takes seconds.

`Zygote` and `Process` are for the tests. `python -m tests.process 7` is the zygote: by its socket, descriptor 7, comes
what a child shall do, with one end of the talk between the child and who started it, and the file for what it prints.
The zygote connects to nothing; a child opens its own connections. Between the two stands a keeper, who waits for the
child and tells how it ended. Each dies with the one above it.
"""

import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from contextlib import suppress
from typing import IO, Any

import django
from django.db import connections
from django.utils.module_loading import import_string

from office import environment
from tests.servers import PROJECT, programs


class ProcessFailed(AssertionError):
    """A child process raised; the text is its traceback."""


class Process:
    """A child at the starting line: `go` lets it run, `result` waits for what the function returned."""

    def __init__(self, talk: socket.socket, printed: IO[bytes]) -> None:
        self._talk, self._lines, self._printed = talk, talk.makefile("rw"), printed
        self._answer: list[str] = []
        self._exit_code: int | None = None
        self.pid = int(self._lines.readline())

    def wait_until_ready(self) -> None:
        if self._lines.readline() != "ready\n":
            self.result(seconds=10)

    def go(self) -> None:
        self._lines.write("go\n")
        self._lines.flush()

    def is_at_work(self) -> bool:
        """Whether it has neither answered nor ended since `go`."""
        return not select.select([self._talk], [], [], 0)[0]

    def wait(self, *, seconds: float = 60) -> int:
        """Return its exit code once it has ended: minus a signal's number where a signal ended it."""
        if self._exit_code is None:
            self._talk.settimeout(seconds)
            *self._answer, exit_code = self._lines.read().splitlines()
            self._exit_code = int(exit_code)
            self._lines.close()
            self._talk.close()
        return self._exit_code

    def result(self, *, seconds: float = 60) -> Any:
        """Return the function's answer. Raises ProcessFailed where it raised or was killed."""
        exit_code = self.wait(seconds=seconds)
        if exit_code:
            self._printed.seek(0)
            raise ProcessFailed(f"exit code {exit_code}\n{self._printed.read().decode()}")
        return json.loads(self._answer[-1])

    def kill(self) -> None:
        """`kill -9`, and wait until it is gone."""
        if self._exit_code is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            self.wait()


class Zygote:
    """A process that has set Django up in an environment; it starts children on any database of the same vendor.

    It ends with the thread that made it.
    """

    def __init__(self, surroundings: dict[str, str]) -> None:
        self._requests, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            subprocess.Popen(
                [sys.executable, "-m", "tests.process", str(theirs.fileno())], cwd=PROJECT, env=surroundings,
                stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()], start_new_session=True,
                preexec_fn=programs.follow_parent(),
            )  # fmt: skip

    def start(self, url: str, function: str, arguments: Any) -> Process:
        """Return a child that stands ready to call `function` with `arguments` on the database at `url`."""
        ours, theirs = socket.socketpair()
        printed = tempfile.TemporaryFile()  # noqa: SIM115 (the process keeps it)
        with theirs:
            request = json.dumps([url, function, arguments]).encode()
            socket.send_fds(self._requests, [request], [theirs.fileno(), printed.fileno()])
        return Process(ours, printed)


# --- what runs in the zygote, the keepers and the children -----------------------------------------------------------


def serve(requests: socket.socket) -> None:
    """Be the zygote: fork a keeper for each request, until nobody is left to ask."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for keepers
    while True:
        request, (*descriptors,), _flags, _address = socket.recv_fds(requests, 2**20, 2)
        if not request:
            return
        url, function, arguments = json.loads(request)
        with suppress(Exception):  # imported once for all its children; what it raises is theirs to tell
            import_string(function)
        if os.fork() == 0:
            requests.close()
            keep(url, function, arguments, *descriptors)
        for each in descriptors:
            os.close(each)


def keep(url: str, function: str, arguments: Any, talk: int, printed: int) -> None:
    """Be a keeper: fork the child, wait for it, and say how it ended. Never returns."""
    programs.follow_parent()()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    child = os.fork()
    if child == 0:
        live(url, function, arguments, talk, printed)
    _child, status = os.waitpid(child, 0)
    with suppress(BrokenPipeError):
        os.write(talk, f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


def live(url: str, function: str, arguments: Any, talk: int, printed: int) -> None:
    """Be a child: say one's number and "ready", wait for the start, call one function, say JSON. Never returns."""
    programs.follow_parent()()
    # what the function prints goes to a file; the talk is for the starter alone
    os.dup2(printed, 1)
    os.dup2(printed, 2)
    try:
        with socket.socket(fileno=talk).makefile("rw") as lines:
            print(os.getpid(), file=lines, flush=True)
            use_database(url)
            called = import_string(function)
            print("ready", file=lines, flush=True)
            lines.readline()
            print(json.dumps(called(*arguments)), file=lines, flush=True)
        connections.close_all()
    except BaseException:
        traceback.print_exc()
        end(1)
    end(0)


def end(exit_code: int) -> None:
    """End a child without the exit handlers of the zygote."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(exit_code)


def use_database(url: str) -> None:
    """Make `url` the default database of this process, which has not connected yet."""
    os.environ["DATABASE_URL"] = url
    connections.settings.update(connections.configure_settings({"default": environment.database(url)}))
    with suppress(AttributeError):
        del connections["default"]


if __name__ == "__main__":
    django.setup()
    serve(socket.socket(fileno=int(sys.argv[1])))
