"""docker-compose.yml without Docker: its services send the source's own clicks through Kannel, and outlive restarts.

Real PostgreSQL, Redis, bearerbox, smsbox and operator; web, worker, beat and dispatcher by their very commands.
"""

import json
import shlex
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from django.db import connection
from django.utils import timezone
from playwright.sync_api import Browser

from contacts.models import User
from office import books, tokens
from office.children import end_all
from sms.models import Delivery
from tests.browser import Witness
from tests.compose_file import Services
from tests.databases import Database, connected, one_value
from tests.log_lines import found_in
from tests.people import person
from tests.servers import kannel, postgresql, programs

LASTING = ("web", "worker", "beat", "dispatcher")
PASSWORD = "of the tests, long enough"
TEXT = "Crêpe: 5 €"


class Installed:
    """The whole installation: servers, relay, and the office's services on them."""

    def __init__(self, folder: Path, relay: kannel.Kannel) -> None:
        self.folder, self.relay = folder, relay
        self.postgresql = postgresql.start(folder, durable=True)
        one_value(self.postgresql.url, "CREATE ROLE office SUPERUSER LOGIN")
        one_value(self.postgresql.url, "CREATE DATABASE office OWNER office")
        self.redis_port, port = programs.free_port(), programs.free_port()
        self.url = f"http://127.0.0.1:{port}"
        socket = self.postgresql.url.split("@")[1].rsplit("/", 1)[0]
        hosts = {"postgresql:5432": socket, "redis:6379": f"127.0.0.1:{self.redis_port}", ":8000": f":{port}"}
        self.services = Services(folder / "data", self._given(), hosts)
        self.services.folder.mkdir()
        self.start_redis()

    def _given(self) -> dict[str, str]:
        gateways = {"main": {"BACKEND": "sms.gateways.kannel.Kannel", "OPTIONS": self.relay.options}}
        return {
            "POSTGRES_PASSWORD": "secret", "SECRET_KEY": "k" * 60, "BASE_URL": self.url, "ALLOWED_HOSTS": "localhost",
            "SMS_SENDER": "+32460000000", "SMS_GATEWAYS": json.dumps(gateways), "EMAIL_URL": "console://",
        }  # fmt: skip

    @property
    def database(self) -> Database:
        return Database("postgresql", self.services.environment("web")["DATABASE_URL"])

    def open(self) -> None:
        """Do what `docker compose up` does, in the order of the file's conditions."""
        self.services.run("web", "python", "manage.py", "collectstatic", "--verbosity", "0")  # the image has that
        self.services.run("prepare")
        for name in LASTING:
            self.services.start(name)
        for name in ("web", "worker", "dispatcher"):
            self.services.wait_until_healthy(name)

    def start_redis(self) -> None:
        [program, *options] = shlex.split(self.services.services["redis"]["command"])
        command = [programs.find(program, package="redis-server"), *options, "--port", str(self.redis_port)]
        log = self.folder / "redis.log"
        self.redis = programs.spawn([*command, "--bind", "127.0.0.1", "--dir", "/tmp"], log=log)
        programs.wait_until(lambda: programs.accepts(self.redis_port), process=self.redis, log=log)

    def kill_redis(self) -> None:
        self.redis.kill()
        self.redis.wait()

    def kill_postgresql(self) -> None:
        """End it as a crash would: no check point, no good-bye."""
        self.postgresql.process.send_signal(signal.SIGQUIT)
        self.postgresql.process.wait(20)

    def start_postgresql(self) -> None:
        self.postgresql = postgresql.start_again(self.folder, durable=True)

    def close(self) -> None:
        end_all(list(self.services.running.values()))
        self.kill_redis()
        self.postgresql.stop()


@pytest.fixture
def installed(tmp_path: Path, test_folder: Path, django_db_blocker: Any) -> Iterator[Installed]:
    try:
        kannel.find_all()
        programs.find("redis-server", package="redis-server")
        folder = test_folder / "installed"  # PostgreSQL's user must get in
        folder.mkdir()
        with kannel.running(tmp_path) as relay:
            office = Installed(folder, relay)
            try:
                relay.connect_operator()
                office.open()
                with django_db_blocker.unblock(), connected(office.database):
                    yield office
            finally:
                office.close()
    except programs.NotInstalled as missing:
        pytest.skip(str(missing))


@pytest.fixture
def anna(installed: Installed) -> User:
    return person("anna", parts=30, email="anna@office.example", now=timezone.now())


def left(office: Installed, count: int) -> list[Delivery]:
    """Wait until all deliveries have left and the operator has confirmed them; return them, the last one first."""

    def ready() -> bool:
        found = list(Delivery.objects.values_list("state", "receipt"))
        return found == [("sent", Delivery.Receipt.DELIVERED)] * count

    office.services.wait_until(ready)
    return list(Delivery.objects.order_by("-pk"))


@pytest.mark.row("S16", "S10", "S20")
def test_the_installation_sends_outlives_its_servers_and_ends(
    installed: Installed, anna: User, browser: Browser
) -> None:
    """One test, so that the installation is made once: the workers of a run share out tests, not files."""
    the_sources_own_clicks_reach_the_operator_once(installed, browser)
    no_process_has_to_be_restarted_when_redis_or_postgresql_was(installed, anna)
    asked_to_end_each_of_them_does(installed)


def the_sources_own_clicks_reach_the_operator_once(installed: Installed, browser: Browser) -> None:
    context = browser.new_context(base_url=installed.url, locale="en")
    context.set_default_timeout(20_000)
    witness, page = Witness(context), context.new_page()
    said = installed.services.run("web", "python", "manage.py", "user", "anna", "--country", "BE")
    page.goto(said.split()[-1])
    page.locator("input[name=password1]").fill(PASSWORD)
    page.locator("input[name=password2]").fill(PASSWORD)
    page.locator("main button[type=submit]").click()
    page.goto("/")
    page.locator("input[name=login]").fill("anna")
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("main button[type=submit]").click()
    page.locator("main").get_by_role("link", name="SMS", exact=True).click()
    page.get_by_label("Mobile", exact=True).fill("32 475 123456")
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_label("Message", exact=True).fill(TEXT)
    page.get_by_role("button", name="Send", exact=True).click()
    page.wait_for_url("**/sms/*-*/")
    [delivery] = left(installed, 1)
    page.reload()
    assert "left our system" in page.locator("#sms-live").inner_text()
    context.close()
    assert not witness.complaints
    [arrived] = installed.relay.arrived()
    assert (arrived.sender, arrived.number, arrived.text) == ("+32460000000", "+32475123456", TEXT)
    assert delivery.reference
    assert_the_logs_lead_from_the_click_to_the_operator_and_name_nobody(installed, delivery)
    assert list(books.check(now=timezone.now())) == []


def assert_the_logs_lead_from_the_click_to_the_operator_and_name_nobody(office: Installed, delivery: Delivery) -> None:
    written = {path.stem: path.read_text() for path in office.services.folder.glob("*.log")}
    assert {*LASTING} <= written.keys()
    assert found_in([written], [TEXT, "Crêpe", "475123456", "anna"]) == []
    lines = [json.loads(line) for text in written.values() for line in text.splitlines() if line.startswith("{")]
    [accepted] = [line for line in lines if line["event"] == "sms_accepted"]
    [request] = [line for line in lines if line.get("request_id") == accepted["request_id"] and "request" in line]
    assert request["request"] == "POST sms/"
    [handed_over] = [line for line in lines if line["event"] == "handed_over"]
    assert accepted["messages"] == [str(delivery.message_id)]
    assert handed_over["calls"] == {"relayed": [f"{delivery.message_id}/{delivery.pk}/1"]}


def send(office: Installed, key: str, token: str) -> requests.Response:
    return requests.post(
        f"{office.url}/api/v1/sms/",
        json={"to": ["+32475123456"], "text": f"after {key}", "sign": False},
        headers={"Authorization": f"Token {token}", "Idempotency-Key": key},
        timeout=30,
    )


def no_process_has_to_be_restarted_when_redis_or_postgresql_was(installed: Installed, anna: User) -> None:
    token = tokens.make(anna, name="test", now=timezone.now())
    before = {name: child.process.pid for name, child in installed.services.running.items() if child.process}
    sent = Delivery.objects.count()

    installed.kill_redis()
    assert send(installed, "without Redis", token).status_code == 201
    left(installed, sent + 1)  # by the dispatcher: it needs no broker
    installed.start_redis()

    installed.kill_postgresql()
    assert send(installed, "while PostgreSQL is away", token).status_code == 503
    installed.start_postgresql()
    connection.close()
    installed.services.wait_until(lambda: send(installed, "while PostgreSQL is away", token).status_code in {200, 201})
    left(installed, sent + 2)
    assert [sms.text for sms in installed.relay.arrived()][-2:] == [
        "after without Redis",
        "after while PostgreSQL is away",
    ]

    for name, child in installed.services.running.items():
        assert child.process
        assert child.process.poll() is None, (name, child.last_lines())
        assert child.process.pid == before[name]
    for name in ("web", "worker", "dispatcher"):
        installed.services.wait_until_healthy(name)
    assert list(books.check(now=timezone.now())) == []


def asked_to_end_each_of_them_does(installed: Installed) -> None:
    for name in LASTING:
        process = installed.services.running[name].process
        assert process
        process.terminate()
        assert process.wait(30) == 0, (name, installed.services.running[name].last_lines())
