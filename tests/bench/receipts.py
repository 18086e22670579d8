"""Receipts: a request of a provider is one INSERT and its answer."""

import json
from collections.abc import Iterator

from django.test import Client
from django.utils import timezone

from sms import receipts
from sms.gateways.phone import SIGNATURE, default_secret, sign
from tests.bench import raw
from tests.bench.accept import recipient, submit_read, wealthy
from tests.bench.figures import Figure, value
from tests.bench.rows import row
from tests.bench.run import Run, milliseconds, rate
from tests.people import numbers

KEEP = """
    INSERT INTO sms_keptreceipt (gateway, ours, theirs, state, at, "left", refused, came_at, look_at)
    VALUES ('main', %s, 'sink-1', 3, now(), true, '', now(), now())"""
KEEP_ALL = """
    INSERT INTO sms_keptreceipt (gateway, ours, theirs, state, at, "left", refused, came_at, look_at)
    SELECT 'main', id, reference, 3, now(), true, '', now(), now() FROM sms_delivery WHERE receipt = 0"""
CALLS = 50


@row
def receipt(run: Run) -> Iterator[Figure]:
    """A receipt by HTTP, kept and answered; against its bare INSERT. And how many a second are settled."""
    with run.office(main={}), raw.connected() as cursor:
        client = Client()
        calls = run.size(CALLS, tiny=2)

        def bring() -> None:
            said = {
                "reference": "7",
                "gateway_reference": "sink-1",
                "state": "delivered",
                "at": "2026-11-26T10:00:00+00:00",
            }
            body = json.dumps(said)
            answer = client.post(
                "/receipts/main/", body, content_type="application/json",
                headers={SIGNATURE: sign(default_secret(), body.encode())},
            )  # fmt: skip
            assert answer.status_code == 200, answer.content

        def bare() -> None:
            cursor.execute(KEEP, [7])

        yield run.compare(
            "receipt.kept", unit="ms", ours=lambda: milliseconds(lambda: [bring() for _ in range(calls)]) / calls,
            floor=lambda: milliseconds(lambda: [bare() for _ in range(calls)]) / calls, floor_is="its bare INSERT",
        )  # fmt: skip
        yield Figure("receipt.statements", "statements", [len(raw.statements(bring))], goal=value(at_most=1))
    with run.office(main={}), raw.connected() as cursor:
        user, count = wealthy(), run.size(1_000, tiny=5)

        def settle_all() -> float:
            submit_read(user, [recipient(number) for number in numbers(count)])
            raw.take_and_record(cursor)
            cursor.execute(KEEP_ALL)
            return rate(count, lambda: receipts.settle(now=timezone.now()))

        yield run.measure("receipt.settled", unit="receipts/s", once=settle_all)
