"""Kannel as a gateway: what goes out, what its answers mean, whose receipts are believed; by a real smsbox as well."""

import asyncio
import re
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.core.exceptions import ImproperlyConfigured

from sms.gateways import configured
from sms.gateways.contract import BadOptions, Forged, NotSent, Receipt, ReceiptState, Refused, Relayed, Unknown
from sms.gateways.http import Answer, open_session
from sms.gateways.kannel import Kannel
from tests.sms.gateways.benches import KannelWords
from tests.sms.gateways.contract import an_sms
from tests.sms.gateways.provider import Exchange, Provider

OPTIONS = {
    "url": "http://127.0.0.1:13013/cgi-bin/sendsms", "username": "office", "password": "of the tests",
    "receipt_secret": "of the receipts",
}  # fmt: skip
KANNEL = Kannel(**OPTIONS, receipts_url="http://office.test/receipts/main/")


def filled_in(reference="7", **more):
    """The query of a receipt's address, after Kannel has filled it in."""
    given = dict(parse_qsl(urlsplit(KANNEL.receipt_address(reference)).query))
    kannels = {"kind": "8", "operator": "abc-1", "relay": "5e16a661", "at": "1795403475", "why": "ACK/"}
    return given | kannels | more


def read(**more):
    [receipt] = KANNEL.read_receipts(headers={}, query=filled_in(**more), body=b"")
    return receipt


# what goes out


@pytest.mark.parametrize(("encoding", "coding"), [("gsm7", "0"), ("ucs2", "2")])
def test_what_goes_out_is_the_text_and_all_else_in_headers(encoding, coding):
    received = []

    async def keep(on: Exchange) -> None:
        received.append(await on.read())
        await on.answer(on.words.accepted(""))

    async def scenario():
        async with Provider(KannelWords(), "accept") as provider, open_session(window=1) as session:
            provider.behave = keep
            kannel = replace(KANNEL, url=provider.url)
            return await kannel.send(kannel.prepare(replace(an_sms("7"), encoding=encoding)), session)

    assert asyncio.run(scenario()) == Relayed("")
    [request] = received
    sms = an_sms("7")
    assert (request.method, request.path) == ("POST", "/sms")  # neither password, nor number, nor text
    assert request.body.decode() == sms.text
    assert request.headers["content-type"] == "text/plain; charset=UTF-8"
    said = {name.removeprefix("x-kannel-"): value for name, value in request.headers.items() if "kannel" in name}
    assert said == {
        "username": "office", "password": "of the tests", "from": sms.sender, "to": sms.number, "coding": coding,
        "dlr-mask": "31", "dlr-url": KANNEL.receipt_address("7"),
    }  # fmt: skip


def test_the_address_of_receipts_bears_our_id_its_proof_and_what_kannel_fills_in():
    base, _, query = KANNEL.receipt_address("7").partition("?")
    assert base == "http://office.test/receipts/main/"
    assert re.match("id=7&proof=[0-9a-f]{64}&", query)
    assert query.endswith("&kind=%d&operator=%F&relay=%I&at=%T&why=%A")


def test_another_secret_gives_another_proof():
    assert replace(KANNEL, receipt_secret="other").receipt_address("7") != KANNEL.receipt_address("7")
    assert KANNEL.receipt_address("8") != KANNEL.receipt_address("7")


# what comes back


@pytest.mark.parametrize(
    ("status", "body", "verdict"),
    [
        (202, b"0: Accepted for delivery", Relayed("")),
        (202, b"3: Queued for later delivery", Relayed("")),
        (202, b"0: Accepted for delivery: 8b355508-e929", Relayed("8b355508-e929")),
        (202, b"0: Accepted for delivery\n", Relayed("")),
        (202, b"Sent.", Unknown("undocumented_202")),
        (202, b"1: Accepted for delivery", Unknown("undocumented_202")),
        (200, b"0: Accepted for delivery", Unknown("undocumented_200")),
        (403, b"Authorization failed for sendsms", Refused("unauthorized", elsewhere=True)),
        (403, b"Not routable. Do not try again.", Refused("not_routable", elsewhere=True)),
        (404, b"Unknown request.", Refused("no_address", elsewhere=True)),
        (404, b"<html>no such page</html>", Unknown("undocumented_404")),
        (400, b"Number(s) has/have been denied by white- and/or black-lists.", Refused("barred")),
        (400, b"Missing receiver(s) number(s), rejected", Refused("refused")),
        (503, b"Temporal failure, try again later.", NotSent("throttled")),
        (503, b"upstream timed out", Unknown("http_503")),
        (500, b"Sending failed.", Unknown("http_500")),
    ],
)
def test_documented_answers(status, body, verdict):
    assert KANNEL.judge(Answer(status, "text/html", {}, body)) == verdict


# receipts


@pytest.mark.parametrize(
    ("kind", "state"), [("1", ReceiptState.DELIVERED), ("2", ReceiptState.UNDELIVERED), ("4", ReceiptState.BUFFERED)]
)
def test_a_telephones_receipt_is_a_state_and_shows_that_it_left(kind, state):
    at = datetime.fromtimestamp(1795403475, UTC)
    expected = Receipt(reference="7", gateway_reference="abc-1", state=state, at=at, left=True)
    assert read(kind=kind) == expected


@pytest.mark.row("S20")
def test_the_operators_yes_is_no_state_but_shows_that_it_left():
    assert (read(kind="8").state, read(kind="8").left, read(kind="8").refused) == (None, True, "")


@pytest.mark.row("S20")
@pytest.mark.parametrize(
    ("why", "reason"),
    [
        ("NACK/REJECTED", "nack_rejected"),
        ("NACK/11/Invalid Destination Address", "nack_11"),
        ("NACK/0x0000000b/Invalid Destination Address", "nack_0x0000000b"),
        ("NACK/", "nack"),
        ("NACK/the number +32475123456 is barred", "nack"),
        ("NACK/32475123456", "nack"),
        ("", "nack"),
    ],
)
def test_the_operators_no_is_a_refusal_with_its_code(why, reason):
    receipt = read(kind="16", why=why)
    assert (receipt.state, receipt.left, receipt.refused) == (None, False, reason)


def test_where_the_operator_gave_no_id_kannels_own_is_the_reference():
    assert read(operator="").gateway_reference == "5e16a661"
    assert read(operator="", relay="").gateway_reference == ""
    assert read(operator="x" * 101).gateway_reference == "5e16a661"


def test_a_receipt_without_a_moment_has_none():
    assert read(at="").at is None


@pytest.mark.parametrize(
    "changed",
    [
        {"proof": ""}, {"proof": "0" * 64}, {"proof": "é"}, {"id": "8"}, {"id": ""}, {"id": "07"}, {"id": "7 "},
        {"kind": "99", "proof": "0" * 64}, {"at": "x", "proof": "guessed"},
    ],
)  # fmt: skip
def test_a_receipt_without_our_proof_is_forged_whatever_else_is_wrong(changed):
    with pytest.raises(Forged):
        KANNEL.read_receipts(headers={}, query=filled_in() | changed, body=b"")


def test_the_proof_of_one_reference_is_none_for_another():
    with pytest.raises(Forged):
        KANNEL.read_receipts(headers={}, query=filled_in("8") | {"id": "7"}, body=b"")


@pytest.mark.parametrize(
    "changed",
    [{"kind": ""}, {"kind": "%d"}, {"kind": "3"}, {"kind": "32"}, {"at": "%T"}, {"at": "-1"}, {"at": "9" * 11}],
)
def test_a_verified_receipt_that_cannot_be_read_is_a_value_error(changed):
    with pytest.raises(ValueError, match=r"."):
        KANNEL.read_receipts(headers={}, query=filled_in() | changed, body=b"")


# options


def test_the_options_of_the_contract_are_enough(settings):
    settings.BASE_URL = "https://office.example"
    settings.SMS_GATEWAYS = {"main": {"BACKEND": "sms.gateways.kannel.Kannel", "OPTIONS": OPTIONS}}
    gateway = configured.gateway("main")
    assert gateway.receipts_url == "https://office.example/receipts/main/"
    assert (gateway.window, gateway.rate) == (10, None)
    capabilities = (gateway.dedupes_by_reference, gateway.can_query, gateway.receipts_carry_reference)
    assert capabilities == (False, False, True)
    inside = {**OPTIONS, "receipts_url": "http://web:8000/receipts/main/", "window": 50, "rate": 100, "timeout": 5}
    assert configured.build("main", {"BACKEND": "sms.gateways.kannel.Kannel", "OPTIONS": inside}).rate == 100


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("username", ""), ("password", ""), ("receipt_secret", ""), ("password", "two\r\nlines"), ("username", " x"),
        ("url", "smsbox:13013"), ("receipts_url", "office.test"), ("receipts_url", "http://office.test/a%20b/"),
        ("receipts_url", "http://office.test/?a=1"),
    ],
)  # fmt: skip
def test_options_that_cannot_be_meant_are_refused_without_repeating_them(option, value):
    given = {"BACKEND": "sms.gateways.kannel.Kannel", "OPTIONS": {**OPTIONS, option: value}}
    with pytest.raises(ImproperlyConfigured) as refused:
        configured.build("main", given)
    assert f"SMS_GATEWAYS['main']['OPTIONS']['{option}']" in str(refused.value)
    assert not value or value not in str(refused.value)


def test_built_without_an_address_for_receipts_it_says_so():
    with pytest.raises(BadOptions, match="receipts_url"):
        Kannel(**OPTIONS)


def test_the_secrets_are_not_shown():
    assert "of the tests" not in repr(KANNEL)
    assert "of the receipts" not in repr(KANNEL)


# a real smsbox


def test_the_double_speaks_as_a_real_smsbox_does(private_kannel):
    async def scenario():
        words, given = KannelWords(), {**private_kannel.options, "receipts_url": KANNEL.receipts_url}
        kannel = Kannel(**given)
        async with open_session(window=1) as session:

            async def heard(adapter, **more):
                answer = await adapter.fetch(adapter.prepare(replace(an_sms("7"), **more)), session)
                return answer.status, answer.content_type, answer.body

            def doubled(reply):
                return reply.status, reply.content_type, reply.body

            assert await heard(kannel) == (202, "text/html", b"3: Queued for later delivery")
            private_kannel.connect_operator()
            assert await heard(kannel) == doubled(words.accepted(""))
            assert await heard(kannel, number="abc") == doubled(words.refused())
            assert await heard(replace(kannel, password="guessed")) == doubled(words.refused_elsewhere())
            assert await heard(kannel, number="+491701234567") == (403, "text/html", b"Not routable. Do not try again.")
            elsewhere = replace(kannel, url=kannel.url.replace("sendsms", "other"))
            assert await heard(elsewhere) == (404, "text/html", b"Unknown request.")

    asyncio.run(scenario())
    private_kannel.wait_until(lambda: len(private_kannel.arrived()) == 2)
    assert {sms.text for sms in private_kannel.arrived()} == {an_sms().text}
