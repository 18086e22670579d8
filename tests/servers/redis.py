"""A private Redis on a free port of this machine; it writes nothing down."""

import signal
from pathlib import Path

from tests.servers import programs

ATTEMPTS = 5  # between choosing a free port and taking it, somebody else may take it


def start(folder: Path) -> programs.Server:
    """Return a running Redis. Raises NotInstalled."""
    program = programs.find("redis-server", package="redis-server")
    for attempt in range(ATTEMPTS):
        try:
            return start_at(programs.free_port(), program=program, log=folder / f"redis-{attempt}.log")
        except programs.CannotStart:
            if attempt == ATTEMPTS - 1:
                raise
    raise AssertionError("unreachable")


def start_at(port: int, *, program: str, log: Path) -> programs.Server:
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", "/tmp"]
    process = programs.spawn([program, *options], log=log)
    programs.wait_until(lambda: programs.accepts(port), process=process, log=log)
    return programs.Server(
        name="Redis",
        version=programs.first_line([program, "--version"]),
        url=f"redis://127.0.0.1:{port}/0",
        process=process,
        stop_signal=signal.SIGTERM,
    )
