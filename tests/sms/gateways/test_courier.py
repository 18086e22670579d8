"""The adapter that was written from README "Add a gateway" alone; test_contract.py holds it to every cell."""

import hashlib
import hmac
import json
from datetime import UTC, datetime

import pytest

from sms.gateways.contract import Forged, Receipt, ReceiptState
from tests.sms.gateways import courier
from tests.sms.gateways.provider_benches import PROVIDERS


def test_an_adapter_written_from_the_text_is_under_eighty_lines():
    with open(courier.__file__) as source:
        assert len(source.readlines()) < 80
    assert "courier" in PROVIDERS  # held to every cell by test_contract.py


def test_it_reads_receipts_as_the_text_says():
    told = courier.Courier(url="http://x/", key="k", secret="s-1")
    body = json.dumps({"id": 7, "parcel": "p-1", "state": "handed", "at": 1_795_428_000}).encode()
    proof = hmac.new(b"s-1", body, hashlib.sha256).hexdigest()
    at = datetime(2026, 11, 23, 10, tzinfo=UTC)
    expected = [Receipt("7", "p-1", ReceiptState.DELIVERED, at)]
    assert told.read_receipts(headers={"X-Proof": proof}, query={}, body=body) == expected
    with pytest.raises(Forged):
        told.read_receipts(headers={"X-Proof": proof}, query={}, body=body + b" ")
