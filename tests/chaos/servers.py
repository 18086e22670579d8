"""The private servers of a run, which the run itself stops hard and starts again."""

import os
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg2

from tests.servers import postgresql, programs, redis

SETTINGS = ("-c", "fsync=off", "-c", "max_wal_senders=4", "-c", "checkpoint_timeout=1h")


@dataclass
class Postgres:
    """A cluster in a folder: started, crashed and started again at the same address.

    Durable against the death of every process of ours (not against the machine's: there is no fsync, so that the run
    measures faults and not this machine's disk): what is committed is with the kernel.
    """

    home: Path
    address: Path
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        return f"postgresql://postgres@{quote(str(self.address), safe='')}/postgres"

    @property
    def data(self) -> Path:
        return self.home / "data"

    def create(self) -> None:
        self.home.mkdir()
        if user():
            shutil.chown(self.home, user())
        postgresql.create_cluster(program("initdb"), self.data, user=user())

    def start(self, *, wait: bool = True) -> None:
        settings = [*postgresql.settings(self.home, durable=True), *SETTINGS]
        log = self.home / "log"
        command = [program("postgres"), "-D", str(self.data), *settings]
        self.process = programs.spawn(command, log=log, user=user(), end=signal.SIGQUIT)
        if wait:
            programs.wait_until(lambda: postgresql.answers(self.home), process=self.process, log=log)

    def crash(self) -> None:
        """Kill every process of it, as the kernel does where memory ends."""
        assert self.process
        self.process.send_signal(signal.SIGSTOP)  # a backend forked now would outlive it, and keep its shared memory
        children = self.children()
        for pid in [self.process.pid, *children]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        until = time.monotonic() + 10
        while any(Path(f"/proc/{pid}").exists() and not _is_zombie(pid) for pid in children):
            if time.monotonic() > until:
                raise programs.CannotStart("PostgreSQL does not die")
            time.sleep(0.01)
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def children(self) -> list[int]:
        assert self.process
        return _children_of(self.process.pid)

    def stop(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(10)
            self.process.kill()
            self.process.wait()

    def sql(self, statement: str, *, database: str = "postgres") -> list[tuple[object, ...]]:
        connection = psycopg2.connect(host=str(self.home), user="postgres", dbname=database)
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return list(cursor.fetchall()) if cursor.description else []
        finally:
            connection.close()


@dataclass
class Servers:
    """PostgreSQL and Redis of one run."""

    postgres: Postgres
    redis: programs.Server

    @property
    def redis_url(self) -> str:
        return self.redis.url

    def redis_gone(self) -> None:
        self.redis.process.kill()
        self.redis.process.wait()

    def redis_back(self) -> None:
        port = int(self.redis.url.rpartition(":")[2].partition("/")[0])
        log = self.postgres.home.parent / "redis-again.log"
        self.redis = redis.start_at(port, program=programs.find("redis-server", package="redis-server"), log=log)

    def stop(self) -> None:
        self.postgres.stop()
        self.redis.stop()


def start(folder: Path) -> Servers:
    postgres = Postgres(folder / "postgresql", address=folder / "address")
    postgres.create()
    postgres.start()
    address_of(postgres)
    return Servers(postgres, redis.start(folder))


def address_of(postgres: Postgres) -> None:
    """Have the address that the office knows lead to this server, as a name does after a fail-over."""
    postgres.address.unlink(missing_ok=True)
    postgres.address.symlink_to(postgres.home)


def user() -> str | None:
    return postgresql.ACCOUNT if programs.is_root() else None


def program(name: str) -> str:
    return programs.find(name, folders=postgresql.FOLDERS, package="postgresql")


def _children_of(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(each) for each in found.read_text().split()]


def _is_zombie(pid: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    return True
