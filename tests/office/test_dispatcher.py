"""`manage.py dispatcher`: all that is due, without Celery and with no broker; it ends after the calls under way."""

import json
import signal
import sys
import threading
import time

import pytest
from django.utils import timezone

from office import dispatcher, seen
from office.children import Child
from office.schedule import Entry
from sms import submission, tasks
from sms.models import Delivery
from tests.people import numbers, person
from tests.servers import programs

MEMORY = "sms.gateways.memory.Memory"


@pytest.fixture
def start(database, tmp_path, monkeypatch):
    """Return a function that starts a dispatcher on this test's database, where no broker can be reached."""
    started = []

    def begin(*words: str, **gateways: dict) -> Child:
        given = {alias: {"BACKEND": MEMORY, "OPTIONS": options} for alias, options in gateways.items()}
        nowhere = f"redis://127.0.0.1:{programs.free_port()}/0"
        for name, value in {**database.environment, "REDIS_URL": nowhere, "SMS_GATEWAYS": json.dumps(given)}.items():
            monkeypatch.setenv(name, value)
        command = [sys.executable, "manage.py", "dispatcher", *words]
        started.append(Child("dispatcher", command, tmp_path / f"dispatcher-{len(started)}.log"))
        started[-1].start()
        return started[-1]

    yield begin
    for child in started:
        child.kill()


@pytest.fixture
def gateways(settings):
    """Set this process's gateways, which decide where an SMS is queued."""

    def use(*aliases: str) -> None:
        settings.SMS_GATEWAYS = {alias: {"BACKEND": MEMORY, "OPTIONS": {}} for alias in aliases}

    return use


def submit(count: int = 1, key: str = "k") -> None:
    to = [submission.Recipient(number) for number in numbers(count)]
    wanted = submission.Request(user=person(f"user-{key}"), text="x", to=to, occasion="reminder", request_key=key)
    submission.submit(wanted, now=timezone.now())


def states() -> list[str]:
    return sorted(Delivery.objects.values_list("state", flat=True))


def until(true, child: Child, *, seconds: float = 40) -> None:
    give_up = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < give_up, "\n".join([str(states()), *child.last_lines()])
        time.sleep(0.05)


def test_an_sms_leaves_with_no_broker_and_the_dispatcher_is_seen(start, gateways):
    gateways("memory")
    submit()
    child = start(memory={})
    until(lambda: states() == ["sent"], child)
    until(lambda: seen.lately("dispatcher", now=timezone.now()), child)
    assert not seen.lately("worker", now=timezone.now())
    child.process.terminate()
    assert child.process.wait(20) == 0, child.last_lines()


def test_asked_to_end_it_finishes_the_calls_under_way_and_begins_none(start, gateways, tmp_path):
    gateways("memory")
    submit(10)
    journal = tmp_path / "journal"
    child = start(memory={"window": 2, "latency": 2.0, "journal": str(journal)})
    until(journal.exists, child)
    child.process.send_signal(signal.SIGTERM)
    assert child.process.wait(30) == 0, child.last_lines()
    arrived = len(journal.read_text().splitlines())
    assert states().count("sent") == arrived
    assert states().count("queued") == 10 - arrived
    assert 0 < arrived < 10


def test_one_gateways_own_process_stays_and_minds_that_gateway_only(start, gateways):
    child = start("ours", ours={}, theirs={})
    until(lambda: seen.lately("dispatcher:ours", now=timezone.now()), child)
    assert not seen.anybody(now=timezone.now()), "it sweeps nothing, so the office is not ready by it"
    gateways("theirs", "ours")
    submit(key="other")
    gateways("ours", "theirs")
    submit()
    until(lambda: states() == ["queued", "sent"], child)
    assert Delivery.objects.get(state="sent").gateway == "ours"
    submit(key="again")
    until(lambda: states() == ["queued", "sent", "sent"], child)
    child.process.terminate()
    assert child.process.wait(20) == 0, child.last_lines()


def test_an_alias_that_is_no_gateway_is_named(start):
    child = start("nosuch", ours={})
    assert child.process.wait(30) == 1
    assert "nosuch" in child.last_lines()[-1]


class TestLoops:
    @pytest.fixture(autouse=True)
    def fresh(self, monkeypatch):
        """The threads of these tests end with them."""
        stopping = threading.Event()
        monkeypatch.setattr(tasks, "stopping", stopping)
        monkeypatch.setattr(dispatcher, "stopping", stopping)
        monkeypatch.setattr(dispatcher, "_showing_up", lambda _who: lambda: None)
        yield
        stopping.set()

    def run(self, works: dict[str, object], monkeypatch) -> threading.Thread:
        monkeypatch.setattr(dispatcher, "_task", lambda entry: works[entry.task])
        thread = threading.Thread(target=dispatcher.run, args=([Entry(name, every=0.01) for name in works],))
        thread.start()
        return thread

    def test_one_that_lasts_and_one_that_fails_stop_no_other(self, monkeypatch):
        lasts, done = threading.Event(), threading.Event()
        turns = []

        def work():
            turns.append(1)
            if len(turns) == 5:
                done.set()

        def fail():
            raise ValueError("as told")

        monkeypatch.setattr(dispatcher, "AFTER_FAILURE", 0.01)
        thread = self.run({"lasts": lambda: lasts.wait(20), "fails": fail, "works": work}, monkeypatch)
        assert done.wait(20)
        dispatcher.stop()
        assert thread.is_alive(), "what is under way is waited for"
        lasts.set()
        thread.join(20)
        assert not thread.is_alive()

    def test_one_that_failed_is_tried_again(self, monkeypatch):
        turns, done = [], threading.Event()

        def work():
            turns.append(1)
            if len(turns) == 1:
                raise ValueError("as told")
            done.set()

        monkeypatch.setattr(dispatcher, "AFTER_FAILURE", 0.01)
        thread = self.run({"works": work}, monkeypatch)
        assert done.wait(20)
        dispatcher.stop()
        thread.join(20)
