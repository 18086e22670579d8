"""Receipts of a provider without code: whose are believed, and how they are read."""

import hashlib
import hmac
import json
from base64 import b64encode
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sms.gateways.contract import Forged, Receipt, ReceiptState
from sms.gateways.provider import Provider

ANYTHING = st.text(st.characters(codec="utf-8"), max_size=40)
YES = {"statuses": [200], "reference": "id"}

# whose receipts are believed

RECEIPTS = {
    "content": "json", "reference": "ours", "gateway_reference": "id", "state": "state", "reason": "why",
    "states": {"b": "buffered", "d": "delivered", "u": "undelivered", "l": "left", "r": "refused", "i": "ignored"},
}  # fmt: skip
BY_KEY = {"secret": {"at": {"query": "key"}, "value": "s-1"}}
KEY = {"key": "s-1"}


def read(body=b"", *, query=KEY, headers=None, verify=BY_KEY, **receipts):
    options = {"url": "http://api.example/sms", "accepted": YES, "receipts_url": "https://office.example/r/"}
    told = Provider(**options, receipts=RECEIPTS | {"verify": verify} | receipts)
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    return told.read_receipts(headers=headers or {}, query=query, body=body)


SAID = {"ours": "7", "id": "a-1", "state": "d"}
BODY = json.dumps(SAID).encode()


@pytest.mark.parametrize(
    ("how", "signature"),
    [
        ({}, hmac.new(b"s-1", BODY, hashlib.sha256).hexdigest()),
        ({"algorithm": "sha1"}, hmac.new(b"s-1", BODY, hashlib.sha1).hexdigest()),
        ({"algorithm": "sha512"}, hmac.new(b"s-1", BODY, hashlib.sha512).hexdigest()),
        ({"encoding": "base64"}, b64encode(hmac.new(b"s-1", BODY, hashlib.sha256).digest()).decode()),
        ({"prefix": "sha256="}, f"sha256={hmac.new(b's-1', BODY, hashlib.sha256).hexdigest()}"),
    ],
)
def test_a_signature_over_the_body(how, signature):
    verify = {"hmac": {"over": "body", "header": "X-Signature", "secret": "s-1", **how}}
    [receipt] = read(BODY, headers={"X-Signature": signature}, verify=verify)
    assert receipt == Receipt("7", "a-1", ReceiptState.DELIVERED, None)
    for headers in ({}, {"X-Signature": ""}, {"X-Signature": signature[:-1]}, {"X-Signature": "é"}):
        with pytest.raises(Forged):
            read(BODY, headers=headers, verify=verify)
    with pytest.raises(Forged):
        read(BODY + b" ", headers={"X-Signature": signature}, verify=verify)


def test_the_known_signature():
    # RFC 4231, test case 2
    verify = {"hmac": {"over": "body", "header": "X-Signature", "secret": "Jefe"}}
    signature = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    with pytest.raises(ValueError, match=r"."):  # believed, and no JSON
        read(b"what do ya want for nothing?", headers={"X-Signature": signature}, verify=verify)


@pytest.mark.parametrize("at", [{"header": "X-Key"}, {"query": "key"}])
def test_a_shared_secret(at):
    verify = {"secret": {"at": at, "value": "s-1"}}
    for told, believed in (("s-1", True), ("s-2", False), ("", False), ("é", False)):
        brought = {"headers": {"X-Key": told}} if "header" in at else {"query": {"key": told}}
        if believed:
            assert read(BODY, verify=verify, **brought)
        else:
            with pytest.raises(Forged):
                read(BODY, verify=verify, **brought)
    with pytest.raises(Forged):
        read(BODY, verify=verify, query={}, headers={})


def test_name_and_password():
    verify = {"basic": {"username": "jan", "password": "s-1"}}
    for told in ("Basic amFuOnMtMQ==", "basic amFuOnMtMQ=="):
        assert read(BODY, headers={"Authorization": told}, verify=verify)
    for told in ("Bearer amFuOnMtMQ==", "amFuOnMtMQ==", "Basic", "Basic amFuOnMtMg=="):
        with pytest.raises(Forged):
            read(BODY, headers={"Authorization": told}, verify=verify)


def test_without_receipts_in_options_nobody_is_believed():
    with pytest.raises(Forged):
        Provider(url="http://api.example/sms", accepted=YES).read_receipts(headers={}, query={}, body=BODY)


# how receipts are read


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("b", Receipt("7", "a-1", ReceiptState.BUFFERED, None)),
        ("d", Receipt("7", "a-1", ReceiptState.DELIVERED, None)),
        ("u", Receipt("7", "a-1", ReceiptState.UNDELIVERED, None)),
        ("l", Receipt("7", "a-1", None, None)),
        ("r", Receipt("7", "a-1", None, None, left=False, refused="nack_11")),
    ],
)
@pytest.mark.row("S20")
def test_each_state(state, expected):
    assert read(SAID | {"state": state, "why": "nack_11"}) == [expected]
    assert read(SAID | {"state": "i"}) == []


def test_a_refusal_without_a_reason_has_one():
    [receipt] = read(SAID | {"state": "r"})
    assert (receipt.left, receipt.refused) == (False, "refused")


@pytest.mark.parametrize(
    "said",
    [
        *({"state": "d"}, {"ours": "7"}, {"ours": "7", "state": "x"}, {"ours": "7", "state": []}),
        *({"ours": ["7"], "state": "d"}, {"ours": True, "state": "d"}, [], 7, None),
    ],
)
def test_what_cannot_be_read_is_a_value_error(said):
    with pytest.raises(ValueError, match=r"."):
        read(said)


def test_receipts_in_a_form_in_an_address_and_in_lists():
    assert read(b"ours=7&id=a-1&state=d", content="form") == read(SAID)
    assert read(content="query", query=KEY | SAID) == read(SAID)
    assert read({"events": {"all": [SAID, SAID]}}, list="events.all") == read(SAID) * 2
    assert read({"events": []}, list="events") == []
    assert read(SAID | {"ours": None}, reference={"query": "ref"}, query=KEY | {"ref": "9"})[0].reference == "9"
    assert read(SAID, reference={"header": "X-Ref"}, headers={"X-Ref": "9"})[0].reference == "9"


@pytest.mark.parametrize(
    ("time", "written", "at"),
    [
        ({"format": "iso"}, "2026-11-23T10:00:00+01:00", datetime(2026, 11, 23, 9, tzinfo=UTC)),
        ({"format": "iso"}, "2026-11-23T10:00:00Z", datetime(2026, 11, 23, 10, tzinfo=UTC)),
        ({"format": "iso"}, "2026-11-23 10:00:00", datetime(2026, 11, 23, 10, tzinfo=UTC)),
        ({"format": "iso", "zone": "Europe/Brussels"}, "2026-07-01T10:00:00", datetime(2026, 7, 1, 8, tzinfo=UTC)),
        ({"format": "unix"}, 1_795_428_000, datetime(2026, 11, 23, 10, tzinfo=UTC)),
        ({"format": "unix"}, "1795428000.5", datetime(2026, 11, 23, 10, 0, 0, 500_000, tzinfo=UTC)),
        ({"format": "unix_ms"}, 1_795_428_000_500, datetime(2026, 11, 23, 10, 0, 0, 500_000, tzinfo=UTC)),
        ({"format": "%y%m%d%H%M"}, "2611231000", datetime(2026, 11, 23, 10, tzinfo=UTC)),
        ({"format": "%d/%m/%Y %H:%M:%S", "zone": "Europe/Brussels"}, "23/11/2026 11:00:00",
         datetime(2026, 11, 23, 10, tzinfo=UTC)),
        ({"format": "%Y-%m-%dT%H:%M:%S%z"}, "2026-11-23T11:00:00+0100", datetime(2026, 11, 23, 10, tzinfo=UTC)),
        ({"format": "iso"}, "", None),
        ({"format": "iso"}, None, None),
    ],
)  # fmt: skip
def test_how_a_time_is_written(time, written, at):
    [receipt] = read(SAID | {"at": written}, time={"at": "at", **time})
    assert receipt.at == at
    assert at is None or receipt.at.utcoffset() is not None


@pytest.mark.parametrize(
    ("format_", "written"),
    [("iso", "yesterday"), ("iso", 7), ("iso", {}), ("unix", "nan"), ("unix", "inf"), ("unix", "9" * 30),
     ("unix", "x"), ("unix_ms", -(10**30)), ("%Y-%m-%d", "2026-13-01")],
)  # fmt: skip
def test_a_time_that_is_none_is_a_value_error(format_, written):
    with pytest.raises(ValueError, match=r"."):
        read(SAID | {"at": written}, time={"at": "at", "format": format_})


@given(body=st.binary(max_size=200) | st.recursive(st.none() | ANYTHING, st.lists).map(json.dumps).map(str.encode))
def test_no_body_breaks_it(body):
    for content in ("json", "form", "query"):
        for more in ({}, {"list": "events"}):
            try:
                assert isinstance(read(body, content=content, **more), list)
            except ValueError:
                continue


def test_sixty_four_kilobytes_are_read_in_no_time():
    began = datetime.now(UTC)
    for content, body in (("json", b"[" * 65_536), ("form", b"a&" * 32_768), ("form", b"%" * 65_536)):
        with pytest.raises(ValueError, match=r"."):
            read(body, content=content)
    assert datetime.now(UTC) - began < timedelta(seconds=2)
