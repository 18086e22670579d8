"""Time in a run: leases and waits of seconds instead of minutes, and a clock that jumps when the runner says so.

What is shortened keeps its order: a call ends before its row's lease, a slot's lease before both. The clock's jump is
eight bytes in a file that every child maps.
"""

import mmap
import os
import struct
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from django.utils import timezone

# A machine that is busy with other work is slow to answer; what hangs for ever is met by G1 with a shorter patience.
ROW_LEASE = timedelta(seconds=18)
CALL_SECONDS = 5.0
_real_now = timezone.now
_jump: list[mmap.mmap] = []


def shorten() -> None:
    """Shorten the waits of this process."""
    from sms import dispatch, outcomes, slots

    dispatch.LEASE, dispatch.CALL_SECONDS = ROW_LEASE, CALL_SECONDS
    slots.LEASE = timedelta(seconds=1)
    outcomes.BACKOFF = tuple(timedelta(seconds=each) for each in (0.2, 0.4, 0.8, 1.6))
    slots.REST = tuple(timedelta(seconds=each) for each in (0.1, 0.2, 0.4, 0.8))


def lose_patience(seconds: float) -> None:
    """Shorten the adapters' own time-out in this process, for gateways that hang on purpose."""
    from django.conf import settings

    for gateway in settings.SMS_GATEWAYS.values():
        gateway["OPTIONS"]["timeout"] = seconds


def move_clocks(folder: str, name: str) -> None:
    """Have this process read the jump of the clock `name` at each look at its clock."""
    _jump[:] = [_mapped(Path(folder) / f"clock-{name}")]
    timezone.now = now


def move_everything(folder: str, name: str) -> None:
    """Move the database's clock along, where a row needs days and months to pass."""
    from contacts import clock

    move_clocks(folder, name)
    clock.now = now
    clock.Running = lambda: now


def now() -> datetime:
    return _real_now() + timedelta(seconds=struct.unpack("d", _jump[0][:8])[0])


def jump(folder: Path, names: Sequence[str], seconds: float) -> None:
    """Set how far the clocks `names` are off."""
    for name in names:
        _mapped(folder / f"clock-{name}")[:8] = struct.pack("d", seconds)


def _mapped(path: Path) -> mmap.mmap:
    file = os.open(path, os.O_RDWR | os.O_CREAT)
    os.ftruncate(file, 8)
    try:
        return mmap.mmap(file, 8)
    finally:
        os.close(file)
