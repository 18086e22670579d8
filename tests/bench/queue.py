"""The queue's own statements: claim and record in batches, by one process and by four; looking when nothing is due."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from statistics import median

import psycopg2
from django.db import connection, transaction
from django.utils import timezone

from contacts.models import User
from sms import dispatch, queue_sql, releasing
from tests.bench import raw
from tests.bench.accept import recipient, submit_read, wealthy
from tests.bench.figures import Figure, ratio
from tests.bench.rows import row
from tests.bench.run import Run, dsn, inside, milliseconds, rate
from tests.people import numbers

LEASE = "UPDATE sms_delivery SET claim = 1, lease_until = now() + interval '1 minute'"
LEASE_DUE = f"""
    WITH due AS MATERIALIZED (SELECT id FROM sms_delivery WHERE state = 'queued' AND gateway = 'main'
        AND not_before <= now() AND valid_until > now() AND (lease_until IS NULL OR lease_until <= now())
        ORDER BY lane, turn_at LIMIT {raw.BATCH} FOR UPDATE SKIP LOCKED)
    {LEASE} FROM due WHERE sms_delivery.id = due.id RETURNING sms_delivery.id, number"""
MARK = """
    UPDATE sms_delivery SET state = 'sending', attempt = attempt + 1, handed_at = now(), state_at = now()
    FROM unnest(%s::bigint[]) AS r(id) WHERE sms_delivery.id = r.id AND state = 'queued' AND claim = 1"""


@row
def claim_and_record(run: Run) -> Iterator[Figure]:
    """Claim, mark and record batches of 500, by 1 and 4 processes and beside an old snapshot; against bare SQL."""
    count = run.size(5_000, tiny=20)
    for processes in (1, 4):
        with run.office(main={}) as database:
            user = wealthy()
            turns = run.size(2 * (run.rounds + 1), tiny=2)
            told = run.processes(database, processes, take_turns, user.pk, turns, count)
            rates = [sum(each) for each in zip(*told, strict=True)][0 if run.tiny else 2 :]
            yield Figure(
                f"claim_and_record.{processes}", "rows/s", rates[0::2], rates[1::2], ratio(at_least=0.8),
                floor_is="the same statements, bare",
            )  # fmt: skip
    with run.office(main={}):
        user = wealthy()
        yield run.compare(
            "claim_and_record.old_snapshot", unit="rows/s", ours=lambda: beside_a_snapshot(user, count),
            floor=lambda: put_and_empty(user, count), goal=ratio(at_least=0.8), floor_is="ours without the snapshot",
        )  # fmt: skip


def take_turns(user_id: int, turns: int, count: int) -> list[float]:
    """A worker's process: empty a queue by our functions, then by bare statements, in turns; return the rates."""
    user = User.objects.get(pk=user_id)
    with raw.connected() as cursor:
        works: list[Callable[[], float]] = [
            lambda: put_and_empty(user, count),
            lambda: put_and_empty_bare(user, count, cursor),
        ]
        return [works[turn % 2]() for turn in range(turns)]


def put_and_empty(user: User, count: int) -> float:
    """Return the rows a second at which `count` that were put before are claimed, marked and recorded."""
    submit_read(user, [recipient(number) for number in numbers(count)])
    return rate(count, lambda: empty(count))


def empty(most: int) -> None:
    """Claim, mark and record, batch after batch, until nothing is left or this worker has done its share."""
    done, token = 0, time.time_ns()
    while done < most:
        now = timezone.now()
        with transaction.atomic():
            rows = queue_sql.claim("main", token=token, limit=raw.BATCH, now=now, lease_until=now + dispatch.LEASE)
        ids = [each.id for each in rows]
        if not ids:
            return
        with transaction.atomic():
            marked = queue_sql.mark_sending(ids, token=token, now=now, lease_until=now + dispatch.LEASE)
        with transaction.atomic():
            queue_sql.record_sent([(pk, f"sink-{pk}") for pk in marked], alias="main", now=now)
        done += len(marked)


def put_and_empty_bare(user: User, count: int, cursor: psycopg2.extensions.cursor) -> float:
    cursor.execute(raw.PUT, [raw.message(user, recipients=count, now=timezone.now()), numbers(count)])

    def work() -> None:
        done = 0
        while done < count:
            cursor.execute(LEASE_DUE)
            ids = [each[0] for each in cursor.fetchall()]
            if not ids:
                return
            cursor.execute(MARK, [ids])
            cursor.execute(raw.SENT, [ids, [f"sink-{each}" for each in ids]])
            done += len(ids)

    return rate(count, work)


def beside_a_snapshot(user: User, count: int) -> float:
    """Empty the queue while another session, such as a dump, has looked at the office and goes on looking."""
    with closing(psycopg2.connect(**dsn())) as dump, dump.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        cursor.execute("SELECT count(*) FROM sms_message")
        return put_and_empty(user, count)


@row
def due_scan(run: Run) -> Iterator[Figure]:
    """Looking for what is due, and taking 1,000 that are, beside a million others; against ten thousand."""
    few, due = run.size(10_000, tiny=50), run.size(1_000, tiny=10)
    with run.office(main={}) as small:
        user = wealthy()
        fill(user, few)
        for many in [run.size(1_000_000, tiny=100)] + ([10_000_000] if run.big else []):
            with run.office(main={}) as large:
                of_large = wealthy()
                fill(of_large, many)
                told = f"{many:,}".replace(",", "_")
                yield run.compare(
                    f"due_scan.empty_poll_{told}", unit="ms", ours=inside(large, lambda: polling(run)),
                    floor=inside(small, lambda: polling(run)), goal=ratio(at_most=1.5), floor_is=f"with {few}",
                )  # fmt: skip
                yield run.compare(
                    f"due_scan.{due}_due_{told}", unit="ms", ours=inside(large, lambda of=of_large: claiming(of, due)),
                    floor=inside(small, lambda: claiming(user, due)), goal=ratio(at_most=1.3), floor_is=f"with {few}",
                )  # fmt: skip


def fill(user: User, count: int) -> None:
    """Add `count` deliveries that were sent, and a tenth as many SMS that are planned for tomorrow."""
    now = timezone.now()
    message_id = raw.message(user, recipients=count, now=now)
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO sms_delivery (message_id, position, number, name, state, state_at, gateway, lane, turn_at,
                    not_before, valid_until, attempt, reference, reason, receipt, sent_at, handed_at)
                SELECT %s, n, '+32470' || lpad((n %% 1000000)::text, 6, '0'), '', 'sent', now(), 'main', 1,
                    now(), now(), now(), 1, 'sink-' || n, '', 0, now(), now()
                FROM generate_series(1, %s) AS n""",
            [str(message_id), count],
        )
        cursor.execute(
            """INSERT INTO sms_message (id, user_id, state, text, encoding, parts_each, recipients, price,
                    from_allowance, occasion, occasion_reference, request_key, request_digest, created_at, valid_until,
                    why_not, gateway, release_at, planned_to)
                SELECT gen_random_uuid(), %s, 'planned', 'See you at 9', 'gsm7', 1, 1, 0, 0, 'form', '', 'bench:' || n,
                    '', now(), now() + interval '3 days', '', '', now() + interval '1 day' + n * interval '1 second',
                    '[]'
                FROM generate_series(1, %s) AS n""",
            [user.pk, count // 10],
        )
        cursor.execute("ANALYZE sms_delivery")
        cursor.execute("ANALYZE sms_message")


def polling(run: Run) -> float:
    """Return the median of looks at a queue in which nothing is due, in ms."""

    def look() -> None:
        now = timezone.now()
        assert not queue_sql.due("main", now=now)
        assert not releasing.release_due(now=now)

    look()
    return median(milliseconds(look) for _ in range(run.size(50, tiny=2)))


def claiming(user: User, due: int) -> float:
    """Return how long it takes, in ms, to claim, mark and record `due` that are due now."""
    submit_read(user, [recipient(number) for number in numbers(due)])
    return milliseconds(lambda: empty(due))
