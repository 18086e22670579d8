"""Every task of Celery is sent by somebody, and none of them is sent with a delay, a retry or a result."""

import re

from django.utils.module_loading import import_string

from office.celery import app
from tests.architecture.test_names import APPS
from tests.servers import PROJECT

SOURCES = {path: path.read_text() for name in APPS for path in (PROJECT / name).rglob("*.py")}
app.loader.import_default_modules()
TASKS = {name for name in app.tasks if name.split(".")[0] in APPS}
SCHEDULED = {entry["task"] for entry in app.conf.beat_schedule.values()}


def is_nudged(task: str) -> bool:
    """Whether some module other than the schedule sends it by name."""
    return any(f'"{task}"' in text for path, text in SOURCES.items() if path.name != "schedule.py")


def test_there_are_tasks() -> None:
    assert TASKS


def test_every_task_is_scheduled_or_nudged() -> None:
    assert {task for task in TASKS - SCHEDULED if not is_nudged(task)} == set()


def test_the_schedule_names_only_tasks_that_exist() -> None:
    assert SCHEDULED <= TASKS
    assert all(callable(import_string(task)) for task in SCHEDULED)


def test_every_task_goes_to_the_queue_that_workers_take() -> None:
    assert app.conf.task_default_queue == "office"
    assert not app.conf.task_routes
    assert [path for path, text in SOURCES.items() if re.search(r"\bqueue=['\"]", text)] == []


def test_no_message_waits_in_the_broker() -> None:
    """On Redis an ETA past the visibility time-out runs again and again: what waits, waits in the database."""
    delayed = re.compile(r"\b(countdown|eta)=|\.retry\(|autoretry_for|AsyncResult")
    assert [path for path, text in SOURCES.items() if delayed.search(text)] == []
