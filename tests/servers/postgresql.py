"""A private PostgreSQL: its own cluster in the run's folder, reached by a Unix socket only."""

import os
import shutil
import signal
import subprocess
from pathlib import Path
from urllib.parse import quote

import psycopg2

from tests.servers import programs

# initdb refuses root; Debian's package makes this user
ACCOUNT = "postgres"
FOLDERS = ("/usr/lib/postgresql/*/bin",)


def start(folder: Path, *, durable: bool = False) -> programs.Server:
    """Return a running PostgreSQL with the superuser "postgres", no password, in `folder`/postgresql.

    Not durable by default: the machine that loses its power in the middle of a test runs the test again. Tests of what
    survives a hard stop ask for `durable`. Raises NotInstalled.
    """
    initdb = programs.find("initdb", folders=FOLDERS, package="postgresql")
    home = folder / "postgresql"
    home.mkdir()
    user = account()
    if user:
        shutil.chown(home, user)
    create_cluster(initdb, home / "data", user=user)
    return start_again(folder, durable=durable)


def start_again(folder: Path, *, durable: bool = False) -> programs.Server:
    """Return the PostgreSQL of `folder`, running again on the data that it has."""
    postgres = programs.find("postgres", folders=FOLDERS, package="postgresql")
    home = folder / "postgresql"
    return serve(postgres, home, settings(home, durable=durable))


def start_standby(folder: Path, *, of: Path, name: str = "standby") -> programs.Server:
    """Return a standby in `folder`/`name`, streaming from the PostgreSQL in `of`/postgresql; it calls itself `name`."""
    home = folder / name
    home.mkdir()
    user = account()
    if user:
        shutil.chown(home, user)
    primary = f"host={of / 'postgresql'} user=postgres application_name={name}"
    copy = [programs.find("pg_basebackup", folders=FOLDERS, package="postgresql"), "--no-sync", "--checkpoint=fast"]
    command = [*copy, "--write-recovery-conf", "--pgdata", str(home / "data"), "--dbname", primary]
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, user=user, cwd="/", env=plain_environment()
    )
    if done.returncode:
        raise programs.CannotStart(done.stdout + done.stderr)
    return serve(programs.find("postgres", folders=FOLDERS, package="postgresql"), home, settings(home, durable=True))


def serve(postgres: str, home: Path, options: list[str]) -> programs.Server:
    """Start the server whose cluster lies in `home`/data and wait until it answers."""
    log = home / "log"
    user = account()
    process = programs.spawn([postgres, "-D", str(home / "data"), *options], log=log, user=user, end=signal.SIGQUIT)
    programs.wait_until(lambda: answers(home), process=process, log=log)
    return programs.Server(
        name="PostgreSQL",
        version=programs.first_line([postgres, "--version"]),
        url=f"postgresql://postgres@{quote(str(home), safe='')}/postgres",
        process=process,
        stop_signal=signal.SIGINT,  # "fast": ends the sessions
    )


def account() -> str | None:
    """The user that PostgreSQL runs as: never root, which it refuses."""
    return ACCOUNT if programs.is_root() else None


def answers(home: Path) -> bool:
    try:
        psycopg2.connect(host=str(home), user="postgres", dbname="postgres").close()
    except psycopg2.OperationalError:
        return False
    return True


def create_cluster(initdb: str, data: Path, *, user: str | None) -> None:
    command = [initdb, "-D", str(data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"]
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, user=user, cwd="/", env=plain_environment()
    )
    if done.returncode:
        raise programs.CannotStart(done.stdout + done.stderr)


def plain_environment() -> dict[str, str]:
    """Without the PG… variables of the person at the keyboard, which would point elsewhere."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")}


def settings(home: Path, *, durable: bool) -> list[str]:
    chosen = {
        "listen_addresses": "",
        "unix_socket_directories": str(home),
        "max_connections": "200",
        "timezone": "UTC",
        "log_min_messages": "warning",
    }
    if not durable:
        chosen |= {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
    return [word for name, value in chosen.items() for word in ("-c", f"{name}={value}")]
