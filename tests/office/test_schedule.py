"""The page of periodic tasks: complete, and nothing on it that could pile up, wait or repeat itself."""

import inspect
import re

import pytest
from celery import current_app
from django.utils.module_loading import import_string

from office import schedule
from tests.servers import PROJECT

APPS = ("agenda", "contacts", "credit", "messaging", "office", "sms")


@pytest.fixture(autouse=True)
def gateways(settings):
    settings.SMS_GATEWAYS = {alias: {"BACKEND": "sms.gateways.memory.Memory", "OPTIONS": {}} for alias in "ab"}


def own_tasks() -> set[str]:
    current_app.loader.import_default_modules()
    return {name for name in current_app.tasks if name.startswith(APPS)}


def test_every_task_is_on_the_page_and_every_line_is_a_task():
    assert {entry.task for entry in schedule.entries()} == own_tasks()


def test_each_gateway_is_drained_every_second():
    drains = [entry for entry in schedule.entries() if entry.task == "sms.tasks.drain"]
    assert [(entry.args, entry.every) for entry in drains] == [(("a",), 1), (("b",), 1)]


def test_beat_gets_each_line_under_a_name_of_its_own_and_ticks_expire():
    lines = schedule.for_beat()
    assert len(lines) == len(schedule.entries())
    for line in lines.values():
        assert 2 * line["schedule"] <= line["options"]["expires"] or line["options"]["expires"] == 10
        assert set(line["args"]) <= {"a", "b"}


def test_the_app_of_celery_has_the_page_in_memory():
    assert set(current_app.conf.beat_schedule) >= {entry.name for entry in schedule.ENTRIES}
    assert current_app.conf.beat_scheduler == "celery.beat:Scheduler"
    assert current_app.conf.timezone == "UTC"


@pytest.mark.parametrize("name", sorted(own_tasks()))
def test_a_task_takes_at_most_an_alias_and_keeps_no_result(name):
    task = current_app.tasks[name]
    assert import_string(name).name == name
    assert list(inspect.signature(task.run).parameters) in ([], ["alias"])
    assert task.ignore_result


def test_nothing_waits_or_repeats_itself_by_celery():
    source = "\n".join(path.read_text() for app in APPS for path in (PROJECT / app).rglob("*.py"))
    assert "shared_task" in source
    assert not re.findall(r"\beta=|countdown=|\.retry\(|autoretry_for|AsyncResult|result_backend", source)
