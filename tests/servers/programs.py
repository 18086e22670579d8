"""Programs of this machine as children of a test run: found, started, waited for, and gone when the run is gone."""

import ctypes
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

PR_SET_PDEATHSIG = 1  # Linux: the signal that a child gets when its parent dies, even by kill -9


class NotInstalled(Exception):
    """A program is not on this machine; the text names it and the package that has it."""


class CannotStart(Exception):
    """A program ended before it was ready; the text is what it said."""


@dataclass(frozen=True)
class Server:
    """A running server: `url` for Django's or Celery's settings, `stop_signal` ends it at once and clean."""

    name: str
    version: str
    url: str
    process: subprocess.Popen[bytes]
    stop_signal: int

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(self.stop_signal)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def find(program: str, *, folders: tuple[str, ...] = (), package: str) -> str:
    """Path of a program, the newest of `folders` (glob patterns) before PATH. Raises NotInstalled."""
    found = sorted(path for pattern in folders for path in Path("/").glob(f"{pattern.lstrip('/')}/{program}"))
    path = str(found[-1]) if found else shutil.which(program)
    if path is None:
        raise NotInstalled(f"{program} is not installed (Debian: apt-get install {package})")
    return path


def spawn(
    command: list[str], *, log: Path, user: str | None = None, end: int = signal.SIGTERM
) -> subprocess.Popen[bytes]:
    """Start a child in a session of its own, so that Ctrl-C reaches the tests only; it gets `end` when they die.

    With `user` the child runs as that user; only root may ask.
    """
    ids = {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []} if user else {}
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=follow_parent(end),
            **ids,
        )


def follow_parent(end: int = signal.SIGKILL) -> Callable[[], None]:
    """What a child runs before its program, so that it gets the signal `end` when its parent dies (on Linux)."""
    libc = ctypes.CDLL(None)

    def follow() -> None:
        if hasattr(libc, "prctl"):
            libc.prctl(PR_SET_PDEATHSIG, end)

    return follow


def wait_until(ready: Callable[[], bool], *, process: subprocess.Popen[bytes], log: Path, seconds: float = 20) -> None:
    """Return when `ready()` is true. Raises CannotStart with the log where the process ends or the time is up."""
    end_at = time.monotonic() + seconds
    while not ready():
        if process.poll() is not None or time.monotonic() > end_at:
            process.kill()
            process.wait()
            raise CannotStart(f"{process.args!r} did not start:\n{log.read_text(errors='replace')}")
        time.sleep(0.02)


def accepts(port: int) -> bool:
    """Whether something listens at a port of this machine."""
    with socket.socket() as attempt:
        attempt.settimeout(1)
        return attempt.connect_ex(("127.0.0.1", port)) == 0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def first_line(command: list[str]) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip().splitlines()[0]


def is_root() -> bool:
    return os.geteuid() == 0
