"""The floors: bare statements over a bare connection, on the office's own tables with all their constraints."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import psycopg2.extensions

from contacts.models import User
from sms.models import Message
from tests.bench.run import dsn

BATCH = 500
TEXT = "See you at 9"
PUT = """
    INSERT INTO sms_delivery (message_id, position, number, name, state, state_at, gateway, lane, turn_at, not_before,
        valid_until, attempt, reference, reason, receipt)
    SELECT %s::uuid, n.place - 1, n.number, '', 'queued', now(), 'main', 2, now() + n.place * interval '20 ms', now(),
        now() + interval '1 day', 0, '', '', 0
    FROM unnest(%s::text[]) WITH ORDINALITY AS n(number, place)"""
TAKE = """
    UPDATE sms_delivery SET state = 'sending', attempt = 1, handed_at = now(), state_at = now(), claim = 1,
        lease_until = now() + interval '1 minute'
    WHERE id IN (SELECT id FROM sms_delivery WHERE state = 'queued' AND gateway = 'main' ORDER BY lane, turn_at
        LIMIT 500 FOR UPDATE SKIP LOCKED)
    RETURNING id"""
SENT = """
    UPDATE sms_delivery SET state = 'sent', sent_at = now(), state_at = now(), reference = r.reference, claim = NULL,
        lease_until = NULL
    FROM unnest(%s::bigint[], %s::text[]) AS r(id, reference) WHERE sms_delivery.id = r.id"""


@contextmanager
def connected() -> Iterator[psycopg2.extensions.cursor]:
    """A bare cursor; each statement commits by itself."""
    connection = psycopg2.connect(**dsn())
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            yield cursor
    finally:
        connection.close()


def message(user: User, *, recipients: int, now: datetime) -> uuid.UUID:
    """Make a message without its deliveries and without a charge, for bare rows to belong to."""
    made = Message.objects.create(
        user=user, state="not_accepted", text=TEXT, encoding="gsm7", parts_each=1, recipients=recipients, price=950,
        occasion="form", request_key=uuid.uuid4().hex, request_digest="", created_at=now,
        valid_until=now + timedelta(days=1),
    )  # fmt: skip
    return made.pk


def take_and_record(cursor: psycopg2.extensions.cursor, *, limit: int | None = None) -> int:
    """Take what waits and write it down as sent, batch after batch; return how many."""
    done = 0
    while limit is None or done < limit:
        cursor.execute(TAKE)
        ids = [row[0] for row in cursor.fetchall()]
        if not ids:
            return done
        cursor.execute(SENT, [ids, [f"sink-{each}" for each in ids]])
        done += len(ids)
    return done


def statements(work: Callable[[], object]) -> list[str]:
    """Return what `work` asks the office's database, statement by statement, without BEGIN and COMMIT."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as captured:
        work()
    asked = [query["sql"] for query in captured.captured_queries]
    return [each for each in asked if each not in {"BEGIN", "COMMIT"}]
