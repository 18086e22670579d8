"""A provider without code: what goes out is escaped for its place, and only what OPTIONS say means anything."""

import asyncio
import json
from dataclasses import replace
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sms.gateways.contract import Accepted, NotSent, Refused, Relayed, Unknown
from sms.gateways.http import Answer, open_session
from sms.gateways.provider import Provider
from tests.sms.gateways.contract import an_sms
from tests.sms.gateways.provider import Exchange, Reply
from tests.sms.gateways.provider import Provider as Double
from tests.sms.gateways.provider_benches import TextWords

YES = {"statuses": [200], "reference": "id"}
ANYTHING = st.text(st.characters(codec="utf-8"), max_size=40)


def provider(**options):
    return Provider(**{"url": "http://api.example/sms", "accepted": YES, **options})


def judged(options, body, *, status=200, kind="application/json", headers=None):
    answer = Answer(status, kind, headers or {}, body if isinstance(body, bytes) else json.dumps(body).encode())
    return provider(**options).judge(answer)


# what goes out


@given(text=ANYTHING)
def test_a_text_stays_one_value_wherever_it_stands(text):
    sms = replace(an_sms("7"), text=text)
    as_json = provider(body={"json": {"a": ["{text}", "<{text}>"], "n": 1, "yes": True, "no": None}}).prepare(sms)
    assert json.loads(as_json.body) == {"a": [text, f"<{text}>"], "n": 1, "yes": True, "no": None}
    as_form = provider(body={"form": {"text": "{text}", "ref": "{reference}"}}).prepare(sms)
    assert dict(parse_qsl(as_form.body.decode(), keep_blank_values=True)) == {"text": text, "ref": "7"}
    as_query = provider(method="GET", body={"query": {"text": "{text}", "ref": "{reference}"}}).prepare(sms)
    assert dict(parse_qsl(urlsplit(as_query.url).query, keep_blank_values=True)) == {"text": text, "ref": "7"}
    assert as_query.body == b""
    in_path = provider(url="http://api.example/{text}/x").prepare(sms)
    assert [unquote(part) for part in in_path.url.split("/")] == ["http:", "", "api.example", text, "x"]


def test_a_text_that_looks_like_a_placeholder_is_a_text():
    sms = replace(an_sms("7"), text='{number} {reference} "}]{values}')
    assert json.loads(provider(body={"json": {"text": "{text}"}}).prepare(sms).body) == {"text": sms.text}


def test_each_placeholder():
    names = ("number", "number_digits", "text", "sender", "sender_digits", "reference", "receipts_url", "encoding",
             "parts")  # fmt: skip
    body = {"json": {name: f"{{{name}}}" for name in names}}
    options = {"body": body, "encodings": {"gsm7": {"dcs": 0}, "ucs2": {"dcs": 8}}, "receipts_url": "https://o/r/"}
    assert json.loads(provider(**options).prepare(an_sms("7")).body) == {
        "number": "+32475123456", "number_digits": "32475123456", "text": an_sms().text, "sender": "+32460000000",
        "sender_digits": "32460000000", "reference": "7", "receipts_url": "https://o/r/", "encoding": {"dcs": 8},
        "parts": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("sender", "written"),
    [("+32 460 00 00 00", "+32460000000"), ("+32 (0)460/00.00-00", "+320460000000"), ("Bakker & Zn", "Bakker & Zn"),
     ("8850", "8850"), ("+ plus", "+ plus"), ("", "")],
)  # fmt: skip
def test_a_sender_that_is_a_number_loses_its_blanks(sender, written):
    sms = replace(an_sms("7"), sender=sender)
    assert json.loads(provider(body={"json": ["{sender}"]}).prepare(sms).body) == [written]


def test_a_header_takes_no_line_break():
    told = provider(headers={"X-Text": "{text}"})
    assert told.prepare(replace(an_sms("7"), text="één")).headers == {"X-Text": "één"}
    with pytest.raises(ValueError, match="line"):
        told.prepare(replace(an_sms("7"), text="a\r\nX-Evil: 1"))


@pytest.mark.parametrize(
    ("auth", "header"),
    [
        ({"basic": {"username": "jan", "password": "gehëim"}}, {"Authorization": "Basic amFuOmdlaMOraW0="}),
        ({"bearer": "t-1"}, {"Authorization": "Bearer t-1"}),
        ({"header": {"name": "X-Api-Key", "value": "t-1"}}, {"X-Api-Key": "t-1"}),
    ],
)
def test_how_we_are_known(auth, header):
    assert provider(auth=auth).prepare(an_sms("7")).headers == header


def test_a_query_joins_one_that_is_there():
    call = provider(url="http://x/?key=1", body={"query": {"to": "{number}"}}).prepare(an_sms("7"))
    assert (call.method, call.url) == ("POST", "http://x/?key=1&to=%2B32475123456")


def test_what_is_in_an_address_arrives_as_it_was_written():
    """The client writes addresses anew in its own way; what the provider reads must still be the text."""
    text, read = "a+b & c=d/ü?%2B#é {text} ~ 👍\n", []

    async def keep(on: Exchange) -> None:
        read.append(await on.read())
        await on.answer(Reply(200, b'{"id": "a-1"}'))

    async def scenario():
        async with Double(TextWords(), "accept") as double, open_session(window=1) as session:
            double.behave = keep
            body = {"query": {"t": "{text}", "n": "{number}"}}
            told = provider(url=f"{double.url}/{{text}}/x", body=body, method="GET")
            return await told.send(told.prepare(replace(an_sms("7"), text=text)), session)

    assert asyncio.run(scenario()) == Accepted("a-1")
    asked = urlsplit(read[0].path)
    assert unquote(asked.path.split("/")[2]) == text
    assert parse_qsl(asked.query) == [("t", text), ("n", "+32475123456")]


# what answers mean


@pytest.mark.parametrize(
    ("reference", "body", "verdict"),
    [
        ("id", {"id": "a-1"}, Accepted("a-1")),
        ("id", {"id": 7}, Accepted("7")),
        ("id", {"id": True}, Unknown("unreadable_ValueError")),
        ("id", {"id": 7.5}, Unknown("unreadable_ValueError")),
        ("0.id", [{"id": "a-1"}], Accepted("a-1")),
        ("m.1.id", {"m": [{}, {"id": "a-1"}]}, Accepted("a-1")),
        ("m.2.id", {"m": [{}, {"id": "a-1"}]}, Unknown("unreadable_ValueError")),
        ("m.-1.id", {"m": [{"id": "a-1"}]}, Unknown("unreadable_ValueError")),
        ("m.id", {"m": "a-1"}, Unknown("unreadable_ValueError")),
        ("m.id", {"m.id": "a-1"}, Accepted("a-1")),
        ({"header": "X-Id"}, {}, Accepted("h-1")),
    ],
)
def test_where_a_reference_is_found(reference, body, verdict):
    options = {"accepted": {"statuses": [200], "reference": reference}}
    assert judged(options, body, headers={"X-Id": "h-1"}) == verdict


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        (b"OK: a-1\nmore", Accepted("a-1")),
        (b"x OK: a-1\n", Accepted("a-1")),
        (b"OK: a-1", Unknown("unreadable_ValueError")),
        (b"ERR: 7\n", Unknown("unreadable_ValueError")),
        (b"OK: a 1\n", Unknown("undocumented_200")),
        (b"OK: <b>a</b>\n", Unknown("undocumented_200")),
        (b"OK: \xff\n", Unknown("undocumented_200")),
        (b"OK: " * 15_000 + b"\n", Unknown("undocumented_200")),
    ],
)
def test_a_reference_in_a_text_stands_between_two_others(text, verdict):
    options = {"accepted": {"statuses": [200], "reference": {"after": "OK: ", "until": "\n"}}}
    found = judged(options, text, kind="text/plain")
    assert type(found) is type(verdict)
    assert found == verdict or isinstance(verdict, Unknown)


ERRORS = {
    "statuses": {"401": "elsewhere", "402": "elsewhere:credit", "409": "accepted", "420": "throttled"},
    "code": {"in": [200, 400], "at": "error.code"},
    "codes": {"1": "throttled", "2": "not_sent", "Bad-Number!": "refused", "4": "refused:barred", "5": "accepted"},
    "retry_after": "X-Wait",
}


@pytest.mark.parametrize(
    ("status", "body", "verdict"),
    [
        (200, {"id": "a-1", "error": {"code": 1}}, NotSent("throttled", 9.0)),
        (200, {"id": "a-1", "error": {"code": "2"}}, NotSent("2")),
        (400, {"error": {"code": "Bad-Number!"}}, Refused("bad_number_")),
        (400, {"error": {"code": 4}}, Refused("barred")),
        (400, {"id": "a-1", "error": {"code": 5}}, Accepted("a-1")),
        (400, {"error": {"code": 5}}, Unknown("unreadable_ValueError")),
        (400, {"error": {"code": 6}}, Unknown("undocumented_400")),
        (400, {"error": {"code": [4]}}, Unknown("unreadable_ValueError")),
        (200, {"id": "a-1", "error": {"code": 6}}, Accepted("a-1")),
        (403, {"error": {"code": 4}}, Unknown("undocumented_403")),
        (401, b"<html>", Refused("http_401", elsewhere=True)),
        (402, {}, Refused("credit", elsewhere=True)),
        (409, {"id": "a-1"}, Accepted("a-1")),
        (409, b"<html>", Unknown("undocumented_409")),
        (420, {}, NotSent("throttled", 9.0)),
        (429, {}, NotSent("throttled", 9.0)),
        (201, {"id": "a-1"}, Unknown("undocumented_201")),
        (302, {"id": "a-1"}, Unknown("http_302")),
        (500, {"id": "a-1", "error": {"code": 4}}, Unknown("http_500")),
    ],
)
def test_the_table_of_errors(status, body, verdict):
    assert judged({"errors": ERRORS}, body, status=status, headers={"X-Wait": "9", "Retry-After": "1"}) == verdict


@pytest.mark.parametrize(
    ("told", "seconds"), [("7", 7.0), ("99999", 3600.0), ("-1", None), ("soon", None), ("9" * 40, None)]
)
def test_how_long_to_rest(told, seconds):
    assert judged({}, b"", status=429, headers={"Retry-After": told}) == NotSent("throttled", seconds)


def test_software_of_our_own_house_relays():
    assert judged({"accepted": YES | {"relayed": True}}, {"id": "a-1"}) == Relayed("a-1")
    assert judged({"accepted": YES | {"relayed": True}}, {}) == Unknown("unreadable_ValueError")


def test_a_yes_only_where_the_answer_says_so():
    accepted = YES | {"when": {"at": "state", "is": ["0", "queued"]}}
    for state, verdict in ((0, Accepted("a-1")), ("queued", Accepted("a-1")), ("no", Unknown("undocumented_200"))):
        assert judged({"accepted": accepted}, {"id": "a-1", "state": state}) == verdict
    assert judged({"accepted": accepted}, {"id": "a-1"}) == Unknown("undocumented_200")
