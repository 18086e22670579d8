"""The broker of an office without a server: a folder with one file per message, which the worker takes out.

Celery's own file transport, with two habits changed: a message appears whole or not at all (its own writes into the
file that the worker may already be reading, and a worker that reads half a message ends), and its folders are made
when they are needed. What was read stays in a second folder, because a message that is moved to another file system
can be lost; `prune` empties it.
"""

import time
import uuid
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from kombu.exceptions import ChannelError
from kombu.transport import filesystem
from kombu.utils.json import dumps

KEPT_FOR = timedelta(hours=1)


class Channel(filesystem.Channel):
    """Puts messages into the folder and takes them out."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for folder in (self.data_folder_in, self.processed_folder, self.control_folder):
            Path(folder).mkdir(parents=True, exist_ok=True)

    def _put(self, queue: str, payload: dict[str, Any], **_: Any) -> None:  # type: ignore[override]  # as its own does
        """Write the message under a name that no reader looks at, then give it its own."""
        name = f"{time.time_ns()}_{uuid.uuid4()}.{queue}.msg"
        folder = Path(self.data_folder_out)
        draft = folder / f"new.{name}"
        try:
            draft.write_text(dumps(payload))
            draft.rename(folder / name)
        except OSError as error:
            raise ChannelError("The broker's folder cannot be written.") from error


class Transport(filesystem.Transport):
    """Celery's file transport with our channel."""

    Channel = Channel


def prune(*, now: datetime) -> int:
    """Remove messages older than an hour, read or never read; return how many. They are nudges: nothing is lost."""
    options: dict[str, Any] = settings.CELERY_BROKER_TRANSPORT_OPTIONS
    folders = [Path(options[name]) for name in ("data_folder_in", "processed_folder") if name in options]
    before = (now - KEPT_FOR).timestamp()
    return sum([_prune(folder, before=before) for folder in folders])


def _prune(folder: Path, *, before: float) -> int:
    removed = 0
    for message in folder.glob("*.msg"):
        try:
            if message.stat().st_mtime < before:
                message.unlink()
                removed += 1
        except FileNotFoundError:
            pass  # a worker was first
    return removed
