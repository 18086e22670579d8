"""Gunicorn's settings: `gunicorn --config python:office.serving office.wsgi`.

One process with threads: the office is many short requests, and embedded it has one SQLite file. No access log (it
would hold people's addresses and what they searched for): the office logs its own line per request.
"""

import os
import shutil
import tempfile
from typing import Any

from office import environment

bind = f"127.0.0.1:{environment.number('PORT', 8000, at_least=1)}"  # a container says --bind
worker_class = "gthread"
workers = 1
threads = 8
timeout = 60
graceful_timeout = 8
keepalive = 5
limit_request_line = 4094
limit_request_fields = 60
limit_request_field_size = 8190
control_socket_disable = True
accesslog = None
loglevel = "error"


def on_starting(_server: Any) -> None:
    """Give all processes of this server one folder for what they count, before the first of them exists."""
    os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", tempfile.mkdtemp(prefix="office-metrics-"))


def child_exit(_server: Any, worker: Any) -> None:
    """Keep what a process that ended had counted."""
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(worker.pid)


def on_exit(_server: Any) -> None:
    """Leave nothing behind."""
    shutil.rmtree(os.environ.pop("PROMETHEUS_MULTIPROC_DIR", ""), ignore_errors=True)
