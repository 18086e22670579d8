"""The ready dialects, each against a double that speaks its provider's documented words: out, errors, receipts."""

import asyncio
import base64
import hashlib
import hmac
import json
import re
import subprocess
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest
from django.test import Client, override_settings

from sms.gateways import configured
from sms.gateways.contract import Accepted, Forged, NotSent, Receipt, ReceiptState, Refused, Unknown
from sms.gateways.http import Answer, open_session
from sms.gateways.provider import Provider as ByOptions
from sms.gateways.provider.adapter import DIALECTS
from tests.servers import PROJECT
from tests.sms.gateways.contract import an_sms
from tests.sms.gateways.provider import Exchange, Provider
from tests.sms.gateways.provider_benches import RECEIPTS_URL, FormWords, JsonWords, Records, as_json

FORM, JSON = FormWords(), JsonWords()
FORM_GATEWAY, JSON_GATEWAY = FORM.gateway("http://form/sms"), JSON.gateway("http://json/sms")
SIGNATURE = FORM.said["receipts"]["verify"]["hmac"]["header"]
BACKEND = "sms.gateways.provider.Provider"


def judged(gateway, reply):
    return gateway.judge(Answer(reply.status, reply.content_type, reply.headers, reply.body))


def received_by(words):
    """Hand one SMS over; return the request as the provider saw it."""
    requests = []

    async def keep(on: Exchange) -> None:
        requests.append(await on.read())
        await on.answer(words.accepted("theirs-1"))

    async def scenario():
        async with Provider(words, "accept") as provider, open_session(window=1) as session:
            provider.behave = keep
            gateway = words.gateway(provider.url)
            return await gateway.send(gateway.prepare(an_sms("7")), session)

    assert asyncio.run(scenario()) == Accepted("theirs-1")
    return requests[0]


def signed(fields, *, query=None, token="of the tests", url=RECEIPTS_URL):
    """Return a receipt as the provider signs it: the address, then each field's name and value by name."""
    query = {"reference": "7"} if query is None else query
    text = url + (f"?{urlencode(query)}" if query else "") + "".join(f"{name}{fields[name]}" for name in sorted(fields))
    signature = base64.b64encode(hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()).decode()
    return {"headers": {SIGNATURE: signature}, "query": query, "body": urlencode(fields).encode()}


def callback(state, **more):
    return {"MessageSid": "SM0001", "MessageStatus": state, "To": "+32475123456", "AccountSid": "AC0123"} | more


def listed(*results, credentials="office:of the receipts"):
    authorization = f"Basic {base64.b64encode(credentials.encode()).decode()}"
    return {"headers": {"Authorization": authorization}, "query": {}, "body": json.dumps({"results": results}).encode()}


def report(name, reference="7", **more):
    said = {"bulkId": "b-1", "messageId": f"tests-{reference}", "callbackData": reference, "to": "32475123456"}
    done = {"doneAt": "2026-11-23T10:00:00.500+0100", "status": JSON.status("DELIVERED", name)}
    return said | done | more


def test_there_are_two_ready_dialects_of_two_kinds():
    assert len(list(DIALECTS.glob("*.toml"))) == 2
    assert (FORM_GATEWAY.dedupes_by_reference, FORM_GATEWAY.can_query, FORM_GATEWAY.receipts_carry_reference) == (
        False, False, True)  # fmt: skip
    assert (JSON_GATEWAY.dedupes_by_reference, JSON_GATEWAY.can_query, JSON_GATEWAY.receipts_carry_reference) == (
        True, True, True)  # fmt: skip


def test_no_file_names_a_provider_but_its_own():
    tracked = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=PROJECT, check=True, capture_output=True, text=True
    )
    files = [PROJECT / name for name in tracked.stdout.splitlines() if not name.endswith((".png", ".lock"))]
    names = [path.stem for path in DIALECTS.glob("*.toml")]
    found = {
        (name, str(path))
        for path in files
        if path.is_file()
        for name in names
        if re.search(name, path.read_text(errors="ignore"), re.IGNORECASE) and path.stem != name
    }
    assert found == set()


@pytest.mark.parametrize("words", [FORM, JSON], ids=["form", "json"])
@pytest.mark.row("S10")
def test_a_ready_dialect_is_chosen_by_its_name(words):
    unused = {"host"} if words is FORM else set()
    values = {**words.values, **({} if unused else {"host": "api.example"})}
    built = configured.build("main", {"BACKEND": BACKEND, "OPTIONS": {"dialect": words.name, "values": values}})
    assert built.url.startswith("https://")
    assert built.receipts_url.endswith("/receipts/main/")
    assert "of the tests" not in repr(built)


def test_the_form_that_goes_out():
    sms, fields = an_sms("7"), FORM.fields(received_by(FORM))
    assert fields == {
        "To": sms.number, "From": sms.sender, "Body": sms.text, "StatusCallback": f"{RECEIPTS_URL}?reference=7",
    }  # fmt: skip


def test_the_json_that_goes_out():
    sms, message = an_sms("7"), JSON.message(received_by(JSON))
    assert message == {
        "sender": "32460000000",
        "destinations": [{"to": "32475123456", "messageId": "tests-7"}],
        "content": {"text": sms.text},
        "webhooks": {"callbackData": "7", "delivery": {"intermediateReport": True}},
    }


@pytest.mark.parametrize(
    ("status", "code", "verdict"),
    [
        (400, 21211, Refused("not_a_number")),
        (400, 21610, Refused("unsubscribed")),
        (400, 21612, Refused("no_route", elsewhere=True)),
        (401, 20003, Refused("credentials", elsewhere=True)),
        (404, 20404, Refused("account", elsewhere=True)),
        (429, 20429, NotSent("throttled", 12.0)),
        (429, 99999, NotSent("throttled", 12.0)),
        (400, 99999, Unknown("undocumented_400")),
        (409, 21211, Unknown("undocumented_409")),
        (201, 21211, Unknown("unreadable_ValueError")),
        (500, 21211, Unknown("http_500")),
        (503, 20429, Unknown("http_503")),
    ],
)
def test_documented_errors_of_the_form_dialect(status, code, verdict):
    assert judged(FORM_GATEWAY, FORM.error(status, code, Retry_After="12")) == verdict


def test_an_error_says_nothing_of_the_number_or_the_text():
    reply = as_json(400, {"code": "+32475123456", "message": "The number +32475123456 is not valid."})
    assert judged(FORM_GATEWAY, reply) == Unknown("undocumented_400")


@pytest.mark.parametrize(
    ("group", "name", "verdict"),
    [
        ("PENDING", "PENDING_ACCEPTED", Accepted("tests-7")),
        ("PENDING", "PENDING_WAITING_DELIVERY", Accepted("tests-7")),
        ("REJECTED", "REJECTED_DUPLICATE_MESSAGE_ID", Accepted("tests-7")),
        ("REJECTED", "REJECTED_DND", Refused("unsubscribed")),
        ("REJECTED", "REJECTED_NOT_ENOUGH_CREDITS", Refused("credit", elsewhere=True)),
        ("REJECTED", "REJECTED_SYSTEM_ERROR", Unknown("undocumented_200")),
        ("REJECTED", "SOMETHING_NEW", Unknown("undocumented_200")),
        ("SOMETHING_NEW", "SOMETHING_NEW", Unknown("undocumented_200")),
    ],
)
def test_documented_statuses_of_the_json_dialect(group, name, verdict):
    assert judged(JSON_GATEWAY, JSON.answered(group, name)) == verdict


@pytest.mark.parametrize(
    ("reply", "verdict"),
    [
        (as_json(400, {"errorCode": "E400"}), Refused("request", elsewhere=True)),
        (as_json(403, {}), Refused("credentials", elsewhere=True)),
        (as_json(429, {"errorCode": "E429"}), NotSent("throttled")),
        (as_json(404, {}), Unknown("undocumented_404")),
        (as_json(200, {"messages": []}), Unknown("undocumented_200")),
        (as_json(200, {"messages": {"0": 7}}), Unknown("undocumented_200")),
    ],
)
def test_documented_errors_of_the_json_dialect(reply, verdict):
    assert judged(JSON_GATEWAY, reply) == verdict


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        ({"results": [{"messageId": "tests-7", "status": {"groupName": "DELIVERED"}}]}, Accepted("tests-7")),
        ({"results": [{"messageId": "tests-7", "status": {"groupName": "REJECTED"}}]}, None),
        ({"results": [{"messageId": "tests-8", "status": {"groupName": "DELIVERED"}}]}, None),
        ({"results": [{"messageId": "7", "status": {"groupName": "DELIVERED"}}]}, None),
        ({"results": []}, None),
        ({}, None),
    ],
)
def test_only_an_answer_about_our_reference_is_evidence(answer, verdict):
    async def scenario():
        async with Records(lambda received: as_json(200, answer)) as address, open_session(window=1) as session:
            return await JSON.gateway("http://json/sms", records=address).query("7", session)

    assert asyncio.run(scenario()) == verdict


def test_the_signature_is_the_documented_one():
    """The example of the provider's own documents: token 12345, five fields, an address with a query."""
    values, url = {"account": "AC0123", "token": "12345"}, "https://mycompany.com/myapp.php"
    gateway = ByOptions(dialect=FORM.name, values=values, receipts_url=url)
    fields = {"CallSid": "CA1234567890ABCDE", "Caller": "+14158675309", "Digits": "1234", "From": "+14158675309",
              "To": "+18005551212"}  # fmt: skip
    brought = {"headers": {SIGNATURE: "RSOYDt4T1cUTdK1PDd93/VVr8B8="}, "query": {"foo": "1", "bar": "2"}}
    with pytest.raises(ValueError, match="dialect"):  # believed, and no receipt
        gateway.read_receipts(**brought, body=urlencode(fields).encode())
    with pytest.raises(Forged):
        gateway.read_receipts(**brought, body=urlencode(fields | {"Digits": "1235"}).encode())


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("sent", [None]),
        ("delivered", [ReceiptState.DELIVERED]),
        ("undelivered", [ReceiptState.UNDELIVERED]),
        ("failed", [ReceiptState.UNDELIVERED]),
        ("queued", []),
        ("sending", []),
    ],
)
def test_each_state_of_a_signed_receipt(state, expected):
    read = FORM_GATEWAY.read_receipts(**signed(callback(state, ErrorCode="30003")))
    assert read == [Receipt(reference="7", gateway_reference="SM0001", state=each, at=None) for each in expected]


@pytest.mark.parametrize(
    "forged",
    [
        signed(callback("delivered"), token="guessed"),
        signed(callback("delivered"), url="https://office.example/receipts/other/"),
        signed(callback("delivered")) | {"query": {"reference": "8"}},
        signed(callback("delivered")) | {"body": urlencode(callback("failed")).encode()},
        signed(callback("delivered")) | {"body": urlencode(callback("delivered", More="1")).encode()},
        signed(callback("delivered")) | {"headers": {}},
        signed(callback("delivered")) | {"headers": {SIGNATURE: "é"}},
        signed(callback("delivered")) | {"body": b"\xff\xfe"},
    ],
)
def test_a_receipt_signed_by_another_is_forged(forged):
    assert FORM_GATEWAY.read_receipts(**signed(callback("delivered")))
    with pytest.raises(Forged):
        FORM_GATEWAY.read_receipts(**forged)


def test_a_list_of_receipts_is_read():
    read = JSON_GATEWAY.read_receipts(
        **listed(report("DELIVERED_TO_HANDSET"), report("DELIVERED_TO_OPERATOR", "8", doneAt=None),
                 report("REJECTED_DUPLICATE_MESSAGE_ID", "9"), report("EXPIRED_EXPIRED", "10"))
    )  # fmt: skip
    at = datetime(2026, 11, 23, 9, 0, 0, 500_000, tzinfo=UTC)
    assert read == [
        Receipt("7", "tests-7", ReceiptState.DELIVERED, at),
        Receipt("8", "tests-8", None, None),
        Receipt("10", "tests-10", ReceiptState.UNDELIVERED, at),
    ]


def test_what_cannot_be_read_does_not_hide_the_rest_of_the_list():
    strange = [report("SOMETHING_NEW"), {}, [], None, report("DELIVERED_TO_HANDSET", doneAt="yesterday")]
    [read] = JSON_GATEWAY.read_receipts(**listed(*strange, report("DELIVERED_TO_HANDSET", "8")))
    assert read.reference == "8"
    for alone in strange:
        with pytest.raises(ValueError, match=r"."):
            JSON_GATEWAY.read_receipts(**listed(alone))


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"results": 7}', b"[" * 60_000, b"\xff", b"null"])
def test_a_verified_request_without_a_list_is_a_value_error(body):
    with pytest.raises(ValueError, match=r"."):
        JSON_GATEWAY.read_receipts(**listed() | {"body": body})


@pytest.mark.parametrize("credentials", ["office:guessed", "of the receipts", "", "office:of the receipts "])
def test_receipts_with_another_password_are_forged(credentials):
    assert JSON_GATEWAY.read_receipts(**listed()) == []
    with pytest.raises(Forged):
        JSON_GATEWAY.read_receipts(**listed(report("DELIVERED_TO_HANDSET"), credentials=credentials))


@pytest.mark.parametrize("words", [FORM, JSON], ids=["form", "json"])
def test_receipts_come_in_at_the_front_door(database, words):
    values = words.values if words is FORM else words.values | {"host": "api.example"}
    options = {"dialect": words.name, "values": values, "receipts_url": RECEIPTS_URL}
    brought = signed(callback("delivered")) if words is FORM else listed(report("DELIVERED_TO_HANDSET"))
    kind = "application/x-www-form-urlencoded" if words is FORM else "application/json"
    with override_settings(SMS_GATEWAYS={"main": {"BACKEND": BACKEND, "OPTIONS": options}}):
        path = f"/receipts/main/?{urlencode(brought['query'])}"
        client = Client(enforce_csrf_checks=True)
        good = client.post(path, brought["body"], content_type=kind, headers=brought["headers"])
        forged = client.post(path, brought["body"], content_type=kind)
    assert (good.status_code, forged.status_code) == (200, 404)
