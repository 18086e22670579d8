"""A nudge never keeps its caller waiting, whatever the broker does; a lost one costs a tick."""

import os
import socket
import threading
import time
from types import SimpleNamespace

import pytest
from celery import current_app
from django.db import transaction

from sms import nudge
from tests.servers import programs

ENDLESS = 60  # seconds: what a hung broker costs whoever waits for it


@pytest.fixture
def nudger():
    return nudge.Nudger()


@pytest.fixture
def published(monkeypatch):
    """Take what would be published; the returned event holds the publisher up until it is set."""
    taken, go_on = [], threading.Event()

    def take(alias, _connection):
        taken.append(alias)
        go_on.wait(ENDLESS)

    monkeypatch.setattr(nudge, "publish", take)
    yield taken, go_on
    go_on.set()


@pytest.fixture
def hung_broker():
    """A port that takes connections and never says a word."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(8)
        yield f"redis://127.0.0.1:{listening.getsockname()[1]}/0"


@pytest.fixture
def broker_at(monkeypatch, redis_url):
    """Return a function that lets Celery, set up for Redis, look for its broker elsewhere."""

    def move(url):
        original = current_app.connection_for_write
        monkeypatch.setattr(
            current_app._get_current_object(), "connection_for_write", lambda **how: original(url, **how)
        )

    return move


def until(true) -> None:
    give_up = time.monotonic() + 20
    while not true():
        assert time.monotonic() < give_up, "it never happened"
        time.sleep(0.01)


def test_a_busy_publisher_keeps_nobody_waiting_and_the_queue_stays_small(nudger, published):
    taken, go_on = published
    nudger.add(["first"])
    until(lambda: taken == ["first"])
    for each in range(3 * nudge.WAITING):
        nudger.add([f"gateway-{each}"])
    assert nudger._waiting.qsize() == nudge.WAITING
    go_on.set()
    until(lambda: len(taken) == 1 + nudge.WAITING)


def test_one_nudge_serves_all_that_come_while_the_thread_pauses(nudger, published, monkeypatch):
    taken, go_on = published
    pauses, over = [], threading.Semaphore(0)

    def pause(seconds):
        pauses.append(seconds)
        assert over.acquire(timeout=ENDLESS)

    monkeypatch.setattr(nudge, "time", SimpleNamespace(sleep=pause))
    go_on.set()
    nudger.add(["a"])
    until(lambda: pauses == [nudge.PAUSE])
    for _submit in range(5):
        nudger.add(["a"])
    assert taken == ["a"], "the first went at once, these wait"
    over.release()
    until(lambda: len(pauses) == 2)
    assert taken == ["a", "a"]
    over.release()


def test_nudges_that_wait_for_one_gateway_become_one(nudger, published):
    taken, go_on = published
    nudger.add(["a"])
    until(lambda: taken == ["a"])
    for _ in range(20):
        nudger.add(["b", "a"])
    go_on.set()
    until(lambda: len(taken) == 3)
    assert taken == ["a", "b", "a"]


def test_a_process_that_may_start_no_thread_goes_on_without(nudger, monkeypatch):
    def refuse(_thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    nudger.add(["a"])


def test_a_hung_broker_delays_the_nudge_and_not_the_caller(nudger, hung_broker, broker_at):
    broker_at(hung_broker)
    begun = time.monotonic()
    for _ in range(100):
        nudger.add(["a"])
    caller = time.monotonic() - begun
    assert nudge.publish("a", nudge.impatient_connection()) is False
    publisher = time.monotonic() - begun
    assert caller < publisher / 2
    assert publisher < ENDLESS / 4


def test_a_refused_broker_is_given_up_at_once(broker_at):
    broker_at(f"redis://127.0.0.1:{programs.free_port()}/0")
    begun = time.monotonic()
    assert nudge.publish("a", nudge.impatient_connection()) is False
    assert time.monotonic() - begun < ENDLESS / 4


def test_a_nudge_reaches_the_broker_with_nothing_but_the_alias(redis_url, broker_at):
    broker_at(f"{redis_url.rsplit('/', 1)[0]}/7")  # a Redis of its own, as other tests nudge too
    with nudge.impatient_connection() as connection:
        assert nudge.publish("a", connection) is True
        with connection.SimpleQueue("office") as taken:
            message = taken.get(timeout=5)
            message.ack()
    args, kwargs, _embedded = message.payload
    assert (args, kwargs) == (["a"], {})
    assert message.headers["task"] == nudge.TASK
    assert message.headers["retries"] == 0
    assert message.headers["expires"]
    assert message.headers["eta"] is None


def test_the_broker_comes_back_and_so_do_the_nudges(redis_url, broker_at):
    with nudge.impatient_connection() as connection:
        assert nudge.publish("a", connection) is True
        connection.default_channel.client.connection_pool.disconnect()
        assert nudge.publish("a", connection) or nudge.publish("a", connection)


@pytest.mark.django_db(transaction=True)
def test_only_what_is_committed_is_nudged_and_each_gateway_once(monkeypatch):
    nudged = []
    monkeypatch.setattr(nudge, "nudge", nudged.append)
    with transaction.atomic():
        nudge.on_commit(iter(["b", "a", "b"]))
        assert nudged == []
    with transaction.atomic():
        nudge.on_commit(["c"])
        transaction.set_rollback(True)
    assert nudged == [["a", "b"]]


def test_a_fork_has_a_queue_and_a_thread_of_its_own(published):
    taken, go_on = published
    go_on.set()
    nudge.nudge(["before"])
    until(lambda: "before" in taken)
    answer, tell = os.pipe()
    child = os.fork()
    if not child:
        nudge.nudge(["in the child"])
        give_up = time.monotonic() + 5
        while "in the child" not in taken and time.monotonic() < give_up:
            time.sleep(0.01)
        os.write(tell, b"1" if "in the child" in taken else b"0")
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(answer, 1) == b"1"
    assert "in the child" not in taken
