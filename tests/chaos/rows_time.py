"""R4, R8: a worker that stops working, clocks that jump."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos import checker, load, pace
from tests.chaos.load import Load
from tests.chaos.office import World, open_office, wait_for
from tests.chaos.rows_kills import STOCK, judged
from tests.chaos.verdicts import Report
from tests.servers import PROJECT, programs

MOST = 60.0  # seconds in which a worker that consumes nothing must be another one
JUMPS = (-90_000.0, -3_700.0, -61.0, -2.0, 2.0, 61.0, 3_700.0, 90_000.0)
CLOCKS = ("one", "two", "three")


@dataclass
class Household:
    """A whole `make run` in a folder of its own, whose worker is stopped."""

    folder: Path
    process: "subprocess.Popen[bytes]"
    stopped: int = 0
    stopped_at: float = 0.0
    report: Report = field(default_factory=lambda: Report("R4"))

    @property
    def said(self) -> str:
        return (self.folder / "said").read_text(errors="replace")

    def worker(self) -> int:
        """The process id of its Celery worker, 0 where there is none."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        found = [int(pid) for pid in children if b"\0worker\0" in Path(f"/proc/{pid}/cmdline").read_bytes()]
        return found[0] if found else 0

    def stop_worker(self) -> None:
        """SIGSTOP: it lives, and takes nothing any more."""
        wait_for(lambda: "Ctrl-C" in self.said, what="make run", seconds=90, every=0.2)
        time.sleep(3)  # its first ticks
        self.stopped, self.stopped_at = self.worker(), time.monotonic()
        os.kill(self.stopped, signal.SIGSTOP)
        self.report.sometimes["worker stopped"] += 1

    def judge(self) -> Report:
        """Wait until another worker has come."""
        left = MOST + 15 - (time.monotonic() - self.stopped_at)
        wait_for(
            lambda: self.worker() not in (0, self.stopped), what="another worker", seconds=max(left, 1), every=0.05
        )
        born = os.stat(f"/proc/{self.worker()}").st_ctime
        seconds = time.monotonic() - self.stopped_at - (time.time() - born)
        self.report.counts["restarted_after_seconds"] = round(seconds, 1)
        self.report.require(seconds <= MOST, f"another worker only after {seconds:.0f} seconds")
        self.report.happened("worker stopped")
        return self.report


@contextmanager
def household(folder: Path) -> Iterator[Household]:
    """`manage.py run` as `make run` starts it: SQLite, a folder as broker, the demo."""
    home = folder / "household"
    home.mkdir()
    unwanted = ("SMS_", "API_", "DATABASE_URL", "REDIS_URL", "ALLOWED_HOSTS", "SECRET_KEY", "BASE_URL", "EMAIL_URL")
    given = {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
    environ = given | {"DEMO": "1", "PORT": str(programs.free_port()), "OFFICE_DATA": str(home / "data")}
    with (home / "said").open("wb") as said:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "run"],
            cwd=PROJECT, env=environ, stdout=said, stderr=subprocess.STDOUT,
            preexec_fn=programs.follow_parent(signal.SIGTERM),
        )  # fmt: skip
    try:
        yield Household(home, process)
    finally:
        process.terminate()
        try:
            process.wait(25)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def r4(world: World) -> Report:
    """A worker that lives but consumes nothing is noticed by its heartbeat and restarted within a minute."""
    with household(world.folder) as there:
        there.stop_worker()
        return there.judge()


def r8(world: World) -> Report:
    """The clocks of three workers jump by seconds, hours and days while they work: none missed, none doubled."""
    report = Report("R8")
    with open_office(world, "R8") as office:
        sender = Load(load.people(3))
        deliveries = world.figure(6_000, at_least=150)
        pace.jump(office.folder, CLOCKS, 0.0)
        for name in CLOCKS:
            clock = ("tests.chaos.pace.move_clocks", {"folder": str(office.folder), "name": name})
            office.start("run_dispatcher", setup=[clock])
        while sender.sent < deliveries:
            sender.send(min(5, deliveries - sender.sent), via=office.rng.choice(["plain", "dedup", "asked"]))
            name, seconds = office.rng.choice(CLOCKS), office.rng.choice(JUMPS)
            pace.jump(office.folder, [name], seconds)
            report.sometimes["jumped on" if seconds > 0 else "jumped back"] += 1
            time.sleep(office.rng.uniform(0.01, 0.05))
            wait_for(lambda: load.waiting() < STOCK, what="the queue")
        wait_for(lambda: not load.waiting(), what="all of it, whatever the clocks say", seconds=60)
        report.counts = {"deliveries": sender.sent, "states": checker.state_counts()}
        missed = sum(many for state, many in report.counts["states"].items() if state not in {"sent", "unknown"})
        report.require(not missed, f"{missed} missed because of a clock")
        report.ambiguous = checker.unknown() + checker.unknown(dedup=True)
        report.require(not report.ambiguous, f"{report.ambiguous} in doubt because of a clock")
        report.happened("jumped on", "jumped back")
        report.violated(judged(office, accepted=sender.sent))
    return report
