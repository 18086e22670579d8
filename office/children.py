"""The processes of an office on one machine: started, watched, started again where they end, gone with their parent.

Each child is in a session of its own, so that Ctrl-C reaches the parent only and the children end in order. On Linux
the kernel tells a child when its parent dies, even by `kill -9`.
"""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PATIENCE = 10.0  # seconds that a child has to end, once asked
AT_ONCE = 5.0  # seconds; a child that lives shorter never came up
TRIES = 4
LAST_LINES = 20
BIGGEST_LOG = 5_000_000  # bytes; a larger one is begun anew
_PR_SET_PDEATHSIG = 1


class KeepsEnding(Exception):
    """A child that ends as soon as it is started, again and again."""

    def __init__(self, child: "Child") -> None:
        super().__init__(f"The {child.name} process ends as soon as it starts.")
        self.child = child


@dataclass
class Child:
    """One process: its name, its command, and the file that gets what it says."""

    name: str
    command: Sequence[str]
    log: Path
    process: "subprocess.Popen[bytes] | None" = None
    started_at: float = 0.0
    start_again_at: float = 0.0
    failures: int = 0

    def start(self) -> None:
        """Start the process; it follows its parent into death."""
        if self.log.exists() and self.log.stat().st_size > BIGGEST_LOG:
            self.log.unlink()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_follower(os.getpid()),  # noqa: PLW1509 - this process has one thread
            )
        self.started_at = time.monotonic()

    def look_after(self) -> None:
        """Start the process again where it has ended, a little later each time; raise KeepsEnding in the end."""
        if self.process is None:
            if time.monotonic() >= self.start_again_at:
                self.start()
        elif self.process.poll() is not None:
            self._ended()

    def restart(self) -> None:
        """End the process and start it anew."""
        end_all([self])
        self.start()

    def last_lines(self) -> list[str]:
        """Return the last lines that the process said."""
        return self.log.read_text(errors="replace").splitlines()[-LAST_LINES:] if self.log.exists() else []

    def _ended(self) -> None:
        self.kill()
        came_up = time.monotonic() - self.started_at > AT_ONCE
        self.failures = 1 if came_up else self.failures + 1
        if self.failures >= TRIES:
            raise KeepsEnding(self)
        self.start_again_at = time.monotonic() + 0.5 * 2**self.failures

    def kill(self) -> None:
        """Kill what is left of the process and of its own children."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None


def end_all(children: Sequence[Child]) -> None:
    """Ask all to end, wait for them, kill what is left after ten seconds."""
    running = [child.process for child in children if child.process is not None]
    for process in running:
        if process.poll() is None:
            process.terminate()
    until = time.monotonic() + PATIENCE
    while any(process.poll() is None for process in running) and time.monotonic() < until:
        time.sleep(0.05)
    for child in children:
        child.kill()


@dataclass
class Ending:
    """Whether this process was asked to end: by a signal, or by the `make` that started it."""

    asked: bool = False
    _make: int | None = field(default_factory=lambda: os.getppid() if "MAKELEVEL" in os.environ else None)
    _make_can_tell: bool = field(init=False)

    def __post_init__(self) -> None:
        # Not where `make run &` stands in a script: such a make ignores SIGINT from the beginning.
        self._make_can_tell = self._make is not None and _catches_sigint(self._make)

    def listen(self) -> None:
        """Take SIGINT (Ctrl-C), SIGTERM and SIGHUP (a closed terminal) as the wish to end."""
        if self._make:
            _tell_of_death(signal.SIGTERM)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._ask)

    def _ask(self, *_: Any) -> None:
        self.asked = True

    def __bool__(self) -> bool:
        return self.asked or bool(self._make and self._make_gave_up())

    def _make_gave_up(self) -> bool:
        """Return whether `make` was interrupted: then it waits for its child, tells it nothing, catches no SIGINT."""
        return self._make_can_tell and self._make is not None and not _catches_sigint(self._make)


def _catches_sigint(process: int) -> bool:
    """Return whether the process has a handler for SIGINT; where the machine does not say (no Linux), no."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return False
    caught = next(int(line.split()[1], 16) for line in status.splitlines() if line.startswith("SigCgt"))
    return bool(caught & 1 << (signal.SIGINT - 1))


def _follower(parent: int) -> Callable[[], None]:
    """Return what a child does before it becomes its program: ask to be told of its parent's death."""
    prctl = _prctl()

    def follow() -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        if prctl:
            prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
            if os.getppid() != parent:
                os._exit(1)

    return follow


def _tell_of_death(number: int) -> None:
    """Ask the kernel for this signal when the parent of this process dies."""
    prctl = _prctl()
    if prctl:
        prctl(_PR_SET_PDEATHSIG, number)


def _prctl() -> Any:
    return ctypes.CDLL(None).prctl if sys.platform == "linux" else None
