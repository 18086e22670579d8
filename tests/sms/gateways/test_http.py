"""What every HTTP adapter shares: never twice, never a redirect, never more than an answer needs."""

import asyncio
from dataclasses import dataclass
from typing import Any, ClassVar

import aiohttp
import pytest

from sms.gateways.contract import Accepted, BadOptions, HandOver, NotSent, Refused, Relayed, Unknown
from sms.gateways.http import Answer, Call, HttpGateway, json_object, open_session, reason_code
from tests.sms.gateways.benches import HttpBench, PhoneWords
from tests.sms.gateways.contract import Scene, an_sms, handed_over
from tests.sms.gateways.provider import Provider, Received, Reply


@dataclass(frozen=True, kw_only=True)
class Getting(HttpGateway):
    """A provider of the old kind: everything in the address, by GET."""

    receipts_carry_reference: ClassVar[bool] = False

    def request(self, hand_over: HandOver) -> Call:
        return Call(method="GET", url=f"{self.url}?id={hand_over.reference}")

    def verdict(self, answer: Answer) -> Accepted | None:
        return Accepted(answer.body.decode()) if answer.status == 200 else None


class GettingWords(PhoneWords):
    def gateway(self, url: str, **options: Any) -> Getting:  # type: ignore[override]
        return Getting(url=url, **options)

    def reference(self, received: Received) -> str:
        return received.path.partition("?id=")[2]

    def accepted(self, reference: object) -> Reply:
        return Reply(200, str(reference).encode(), "text/plain")


@dataclass(frozen=True, kw_only=True)
class Saying(HttpGateway):
    """A dialect that says whatever the test wants."""

    said: Any = None

    def request(self, hand_over: HandOver) -> Call:
        return Call(b"{}")

    def verdict(self, answer: Answer) -> Any:
        if isinstance(self.said, Exception):
            raise self.said
        return self.said


def journal_of(words: Any, behaviour: str, *references: str) -> tuple[list[Any], list[str], int]:
    """Hand over one after the other; return the verdicts, the journal, and how many connections were made."""

    async def scenario():
        async with Provider(words, behaviour) as provider, open_session(window=10) as session:
            scene = Scene(words.gateway(provider.url), session, lambda: provider.journal)
            verdicts = []
            for reference in references:
                verdicts.append(await handed_over(scene, an_sms(reference)))
                for _turn in range(
                    50
                ):  # of the loop: what the provider did to the connection is seen between two calls
                    await asyncio.sleep(0)
            return verdicts, provider.journal, provider.connections

    return asyncio.run(scenario())


@pytest.mark.parametrize("words", [PhoneWords(), GettingWords()], ids=["POST", "GET"])
@pytest.mark.parametrize("behaviour", ["close_after_reading", "reset_after_reading"])
def test_a_call_whose_connection_ends_is_never_repeated(words, behaviour):
    [verdict], journal, _connections = journal_of(words, behaviour, "7")
    assert journal == ["7"]
    assert verdict == Unknown("Lost")


@pytest.mark.parametrize(
    ("behaviour", "why"),
    [
        ("connection_refused", "ClientConnectorError"),
        ("name_unknown", "ClientConnectorDNSError"),
        ("tls_failure", "ClientConnectorSSLError"),
        ("name_server_hangs", "ConnectionTimeoutError"),
        ("connect_time_out", "ConnectionTimeoutError"),
        ("tls_time_out", "ConnectionTimeoutError"),
    ],
)
def test_what_broke_before_the_first_byte_is_told_apart(behaviour, why):
    async def scenario():
        async with HttpBench(PhoneWords()).at(behaviour) as scene:
            return await handed_over(scene, an_sms("7"))

    assert asyncio.run(scenario()) == NotSent(why)


def test_control_without_us_the_client_repeats_a_get():
    async def scenario():
        async with Provider(GettingWords(), "close_after_reading") as provider, open_session(window=10) as session:
            with pytest.raises(aiohttp.ServerDisconnectedError):
                await session.get(f"{provider.url}?id=7")
            return provider.journal

    assert asyncio.run(scenario()) == ["7", "7"]


@pytest.mark.parametrize("words", [PhoneWords(), GettingWords()], ids=["POST", "GET"])
def test_a_connection_that_was_closed_between_two_calls_costs_nothing(words):
    verdicts, journal, connections = journal_of(words, "accept_and_close_quietly", "7", "8")
    assert verdicts == [Accepted("theirs-1"), Accepted("theirs-2")]
    assert (journal, connections) == (["7", "8"], 2)


@pytest.mark.parametrize("words", [PhoneWords(), GettingWords()], ids=["POST", "GET"])
def test_a_connection_that_is_closed_under_a_call_leaves_it_in_doubt(words):
    verdicts, journal, connections = journal_of(words, "accept_once_then_close_under_the_next", "7", "8")
    assert verdicts == [Accepted("theirs-1"), Unknown("Lost")]
    assert (journal, connections) == (["7"], 1)


def test_a_living_connection_is_used_again():
    verdicts, journal, connections = journal_of(PhoneWords(), "accept", "7", "8", "9")
    assert [type(each) for each in verdicts] == [Accepted] * 3
    assert (journal, connections) == (["7", "8", "9"], 1)


def test_a_session_keeps_no_cookies():
    async def scenario():
        async with open_session(window=1) as session:
            session.cookie_jar.update_cookies({"tracked": "yes"})
            return len(session.cookie_jar)

    assert asyncio.run(scenario()) == 0


@pytest.mark.parametrize(
    ("said", "verdict"),
    [
        (Accepted("a-1"), Accepted("a-1")),
        (Relayed("a-1"), Relayed("a-1")),
        (Relayed(""), Relayed("")),
        (Relayed("a\x00"), Unknown("no_usable_reference")),
        (Accepted(""), Unknown("no_usable_reference")),
        (Accepted("x" * 101), Unknown("no_usable_reference")),
        (Accepted("x" * 100), Accepted("x" * 100)),
        (Refused("barred"), Refused("barred")),
        (Refused("Number +32475123456 is barred", elsewhere=True), Refused("refused", elsewhere=True)),
        (NotSent("full", 3.0), NotSent("full", 3.0)),
        (None, Unknown("undocumented_200")),
        (KeyError("reference"), Unknown("unreadable_KeyError")),
        (RecursionError(), Unknown("unreadable_RecursionError")),
    ],
)
def test_what_a_dialect_says_becomes_what_our_rows_can_hold(said, verdict):
    assert Saying(url="http://x/", said=said).judge(Answer(200, "text/plain", {}, b"")) == verdict


@pytest.mark.parametrize("status", [300, 301, 304, 399, 500, 503, 599])
def test_some_answers_are_in_doubt_whatever_a_dialect_says(status):
    answer = Answer(status, "text/plain", {"Retry-After": "5"}, b"")
    assert Saying(url="http://x/", said=Accepted("a-1")).judge(answer) == Unknown(f"http_{status}")


@pytest.mark.parametrize(
    ("told", "seconds"),
    [("7", 7.0), ("0", 0.0), ("999999999", 3600.0), ("9" * 40, None), ("-1", None), ("٧", None), ("", None),
     ("Wed, 21 Oct 2026 07:28:00 GMT", None)],
)  # fmt: skip
def test_retry_after_is_read_in_seconds_and_capped(told, seconds):
    headers = {"Retry-After": told} if told else {}
    assert Saying(url="http://x/").judge(Answer(429, "", headers, b"")) == NotSent("throttled", seconds)


@pytest.mark.parametrize(
    ("options", "option"),
    [
        ({"url": ""}, "url"),
        ({"url": "ftp://x/"}, "url"),
        ({"url": "http:///sms"}, "url"),
        ({"url": "http://x /"}, "url"),
        ({"url": "http://x/", "timeout": 0}, "timeout"),
        ({"url": "http://x/", "timeout": 20.1}, "timeout"),
        ({"url": "http://x/", "timeout": float("nan")}, "timeout"),
        ({"url": "http://x/", "timeout": 3, "connect_timeout": 3}, "connect_timeout"),
        ({"url": "http://x/", "connect_timeout": -1}, "connect_timeout"),
    ],
)
def test_options_that_cannot_be_meant_are_refused(options, option):
    with pytest.raises(BadOptions) as refused:
        Saying(**options)
    assert refused.value.option == option


def test_connecting_ends_before_the_whole_does():
    for options, connect in (({}, 5.0), ({"timeout": 0.3}, 0.15), ({"timeout": 8.0, "connect_timeout": 6.0}, 6.0)):
        timeout = Saying(url="http://x/", **options)._timeout
        assert (timeout.connect, timeout.total) == (connect, options.get("timeout", 20.0))


@pytest.mark.parametrize("body", [b"", b"[]", b"7", b'"x"', b"null", b"{", b"\xff", b"[" * 60_000, b'{"a":' * 60_000])
def test_what_is_no_json_object_is_one_kind_of_error(body):
    with pytest.raises(ValueError, match=r"."):
        json_object(body)


@pytest.mark.parametrize("told", ["", "Has Capitals", "x" * 41, "a b", "é", None, 7, ["a"], "a\n"])
def test_an_error_that_is_no_code_becomes_one(told):
    assert reason_code(told) == "refused"
    assert reason_code("no_route_7") == "no_route_7"
