"""The folder of a run: in memory where there is plenty, and gone with the run; if killed, with the next one."""

import fcntl
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import IO

IN_MEMORY = Path("/dev/shm")
ROOM = 4 * 2**30  # bytes: the suite needs 0.23 GB (`df`, 2026-11-27), and leaves the rest to whoever runs beside it
NAME, UNFINISHED = "office-", "new-office-"
OWNER = "owner"  # locked as long as the run lives

_locks: dict[Path, IO[str]] = {}


def make() -> Path:
    """Return a new folder for this run; its name is short, for a socket's path may have 107 characters only."""
    where = place()
    remove_ownerless(where)
    unfinished = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=where))
    lock = (unfinished / OWNER).open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    unfinished.chmod(0o755)  # PostgreSQL runs as another user than root
    folder = unfinished.rename(where / unfinished.name.replace(UNFINISHED, NAME))
    _locks[folder] = lock
    return folder


def remove(folder: Path) -> None:
    """Remove a folder that this process made."""
    shutil.rmtree(folder, ignore_errors=True)
    _locks.pop(folder).close()


def remove_ownerless(where: Path) -> None:
    """Remove the folders in `where` whose run is gone: nobody holds their lock any more."""
    for owner in where.glob(f"{NAME}*/{OWNER}"):
        with suppress(OSError), owner.open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(owner.parent, ignore_errors=True)


def place() -> Path:
    """Return where the files of a run lie: in memory where there is plenty, for each own database is 300 files."""
    roomy = os.access(IN_MEMORY, os.W_OK) and shutil.disk_usage(IN_MEMORY).free > ROOM
    return IN_MEMORY if roomy else Path("/tmp")
