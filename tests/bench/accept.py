"""Accepting: a list of 10,000, by the front door and through the API; a single SMS, by one client and by eight."""

import itertools
import json
import os
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

from django.test import Client, override_settings
from django.utils import timezone

from contacts.models import User
from credit.limit_models import Limit
from office import tokens
from sms import submission
from sms.submission import Recipient, Request
from tests.bench import raw
from tests.bench.figures import Figure, ratio, value
from tests.bench.rows import row
from tests.bench.run import Run, milliseconds
from tests.people import numbers, person

PLENTY = 10**12


def wealthy(name: str = "anna") -> User:
    """Make a user who can pay for all that a bench sends, in an office whose limits count and let it all through."""
    Limit.objects.exclude(kind=Limit.Kind.NUMBER).update(most=10**9)
    joined = timezone.now() - timedelta(days=30)
    return person(name, parts=30, balance=PLENTY, now=timezone.now(), date_joined=joined)


def send(user: User, to: list[str], **more: Any) -> submission.Submitted:
    """Submit one text to these numbers, as a form or a list does."""
    wanted = Request(
        user=user,
        text=raw.TEXT,
        to=[Recipient(each) for each in to],
        occasion="form",
        request_key=uuid.uuid4().hex,
        **more,
    )
    return submission.submit(wanted, now=timezone.now())


@row
def submit_list(run: Run) -> Iterator[Figure]:
    """A list of 10,000 in one transaction: charge, entry, message, rows; against the bare INSERT of the same rows."""
    to = numbers(run.size(10_000, tiny=20))
    with run.office(main={}), raw.connected() as cursor:
        user = wealthy()
        readings = [recipient(each) for each in to]

        def ours() -> float:
            return milliseconds(lambda: submit_read(user, readings))

        def floor() -> float:
            message_id = raw.message(user, recipients=len(to), now=timezone.now())
            took = milliseconds(lambda: cursor.execute(raw.PUT, [message_id, to]))
            cursor.execute("DELETE FROM sms_delivery WHERE message_id = %s::uuid", [message_id])
            return took

        few, many = (
            len(raw.statements(lambda rows=rows: submit_read(user, rows))) for rows in (readings[:2], readings)
        )
        yield run.compare(
            "submit_list", unit="ms", ours=ours, floor=floor, goal=ratio(at_most=1.5), floor_is="bare INSERT … SELECT",
            recipients=len(to),
        )  # fmt: skip
        yield Figure("submit_list.statements", "statements", [many], [few], value(at_most=8), floor_is="the same for 2")


def recipient(number: str) -> Recipient:
    """Return a recipient whose number was read before, as the form and the API have it."""
    from contacts.phone_numbers import read

    return Recipient(number, reading=read(number, country="BE"))


def submit_read(user: User, to: list[Recipient]) -> None:
    wanted = Request(user=user, text=raw.TEXT, to=to, occasion="form", request_key=uuid.uuid4().hex)
    submission.submit(wanted, now=timezone.now())


@row
def submit_list_api(run: Run) -> Iterator[Figure]:
    """A list of 10,000 through the API, from the request's bytes to the answer's, numbers read and all."""
    to = numbers(run.size(10_000, tiny=20))
    limits = {"calls_per_minute": 10_000, "sends_per_minute": 10_000}
    with run.office(main={}), override_settings(API_LIMITS=limits):
        client = Client(headers={"Authorization": f"Token {tokens.make(wealthy(), name='bench', now=timezone.now())}"})
        body = json.dumps({"to": to, "text": raw.TEXT})

        def call() -> None:
            answer = client.post(
                "/api/v1/sms/", body, content_type="application/json", headers={"Idempotency-Key": uuid.uuid4().hex}
            )
            assert answer.status_code == 201, answer.content

        yield run.measure(
            "submit_list_api", unit="ms", once=lambda: milliseconds(call), goal=value(at_most=300), recipients=len(to)
        )


@row
def submit_single(run: Run) -> Iterator[Figure]:
    """One SMS, durable and paid, by 1 and 8 clients, on one account and spread; against the same statements, bare."""
    for clients, spread in ((1, False), (8, False), (8, True)):
        with run.office(main={}) as database:
            users = [wealthy(f"user-{index}").pk for index in range(clients if spread else 1)]
            turns = 2 * (1 if run.tiny else run.rounds)
            length = run.seconds(0.7, tiny=0.05)
            told = run.processes(database, clients, take_turns, users, turns, length)
            made = [sum(rates) for rates in zip(*told, strict=True)]
            yield Figure(
                f"submit_single.{clients}_{'spread' if spread else 'one_account'}", "SMS/s", made[0::2], made[1::2],
                ratio(at_least=0.5), floor_is="the same statements, bare",
            )  # fmt: skip


def take_turns(user_ids: list[int], turns: int, length: float) -> list[float]:
    """A client's process: submit, then the bare statements, in turns of `length` seconds; return each turn's rate."""
    user = User.objects.get(pk=user_ids[os.getpid() % len(user_ids)])  # ids of processes follow each other
    number = itertools.cycle(numbers(1000))
    with raw.connected() as cursor:
        works: list[Callable[[], object]] = [lambda: send(user, [next(number)]), bare_submit(cursor, user.pk)]
        for work in works:
            work()
        begin = time.monotonic() + 0.2
        return [_rate_until(begin + (turn + 1) * length, works[turn % 2]) for turn in range(turns)]


def _rate_until(end: float, work: Callable[[], object]) -> float:
    begin, count = time.monotonic(), 0
    while not count or time.monotonic() < end:
        work()
        count += 1
    return count / (time.monotonic() - begin)


def bare_submit(cursor: Any, user_id: int) -> Callable[[], None]:
    """Return one accepted, paid SMS as bare statements in one transaction, the same rows as ours."""
    script = """
        SELECT id FROM sms_message WHERE user_id = %(user)s AND request_key = %(key)s;
        INSERT INTO sms_delivery (message_id, position, number, name, state, state_at, gateway, lane, turn_at,
                not_before, valid_until, attempt, reference, reason, receipt)
            VALUES (%(message)s, 0, '+32470123456', '', 'queued', now(), 'main', 1, now(), now(),
                now() + interval '1 day', 0, '', '', 0);
        SELECT * FROM credit_account WHERE user_id = %(user)s FOR UPDATE;
        SELECT * FROM credit_allowance WHERE account_id = (SELECT id FROM credit_account WHERE user_id = %(user)s);
        UPDATE credit_account SET balance = balance - 950 WHERE user_id = %(user)s;
        INSERT INTO credit_entry (account_id, kind, parts, amount, debt, key, occasion, reference, why, created_at)
            SELECT id, 'charge', 0, -950, 0, %(key)s, 'form', %(key)s, '', now() FROM credit_account
            WHERE user_id = %(user)s;
        INSERT INTO sms_message (id, user_id, state, text, encoding, parts_each, recipients, price, from_allowance,
                charge_id, occasion, occasion_reference, request_key, request_digest, created_at, accepted_at,
                valid_until, why_not, gateway)
            VALUES (%(message)s, %(user)s, 'accepted', %(text)s, 'gsm7', 1, 1, 950, 0,
                currval(pg_get_serial_sequence('credit_entry', 'id')), 'form', '', %(key)s, '', now(), now(),
                now() + interval '1 day', '', '')"""
    each = [f"{statement}" for statement in script.split(";")]

    def submit() -> None:
        key = uuid.uuid4()
        values = {"user": user_id, "key": key.hex, "message": str(key), "text": raw.TEXT}
        cursor.execute("BEGIN")
        for statement in each:
            cursor.execute(statement, values)
        cursor.execute("COMMIT")

    return submit
