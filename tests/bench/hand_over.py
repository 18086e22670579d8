"""Handing over: a list of 10,000 from acceptance to the last reference, the use of a window, what it costs in CPU."""

import asyncio
import json
import time
from collections.abc import Iterator

from django.utils import timezone

from sms import dispatch
from sms.gateways.http import open_session
from sms.models import Delivery
from tests.bench import raw
from tests.bench.accept import recipient, submit_read, wealthy
from tests.bench.figures import Figure, ratio, value
from tests.bench.rows import row
from tests.bench.run import Run, rate
from tests.people import numbers

WINDOW = 50


def drain(count: int) -> None:
    """Empty the queue of the gateway `main`, which holds `count`."""
    made = dispatch.drain("main", clock=timezone.now)
    assert made == count, f"{made} of {count} were handed over"


@row
def list_end_to_end(run: Run) -> Iterator[Figure]:
    """A list of 10,000, accepted and handed over by HTTP at 0 ms; against bare SQL and against a bare client."""
    count = run.size(10_000, tiny=30)
    with run.sink() as sink, run.office(main={"url": f"{sink}0", "window": WINDOW}), raw.connected() as cursor:
        user = wealthy()
        to = [recipient(number) for number in numbers(count)]
        spent: list[float] = []

        def send_all() -> None:
            submit_read(user, to)
            drain(count)

        def ours() -> float:
            begin = time.process_time()
            found = rate(count, send_all)
            spent.append((time.process_time() - begin) * 1_000_000 / count)
            return found

        def bare_sql() -> float:
            message_id = raw.message(user, recipients=count, now=timezone.now())

            def all_of_it() -> None:
                cursor.execute(raw.PUT, [message_id, [each.number for each in to]])
                raw.take_and_record(cursor)

            return rate(count, all_of_it)

        clients = run.compare_many(
            {"ours": ours, "sql": bare_sql}, lambda: bare_client(f"{sink}0", count), unit="SMS/s"
        )
        mine, sql = clients
        yield Figure(
            "list_end_to_end.of_sql", "SMS/s", mine.values, sql.values, ratio(at_least=0.25),
            floor_is="bare SQL: insert, take, record",
        )  # fmt: skip
        yield Figure(
            "list_end_to_end.of_client", "SMS/s", mine.values, mine.floors, ratio(at_least=0.70),
            floor_is="bare aiohttp client, same window",
        )  # fmt: skip
        yield Figure("list_end_to_end.cpu", "ms per 1,000 SMS", spent[-len(mine.values) :], goal=value(at_most=150))
        assert Delivery.objects.exclude(state="sent").count() == 0


def bare_client(url: str, count: int, *, window: int = WINDOW) -> float:
    """Return how many calls a second a client makes that does nothing else."""
    bodies = iter(
        [
            json.dumps(
                {"reference": str(each), "number": "+32470123456", "text": raw.TEXT, "parts": 1, "sender": "+32"}
            ).encode()
            for each in range(count)
        ]
    )

    async def call_all() -> None:
        async with open_session(window=window) as session:

            async def caller() -> None:
                for body in bodies:
                    async with session.post(url, data=body, headers={"Content-Type": "application/json"}) as answer:
                        await answer.read()

            await asyncio.gather(*(caller() for _ in range(window)))

    return rate(count, lambda: asyncio.run(call_all()))


@row
def window_use(run: Run) -> Iterator[Figure]:
    """How full the window is at a round trip of 50 ms; against window ÷ round trip, and against a bare client."""
    for window, goal in ((50, 0.95), (200, 0.85)):
        count = run.size(window * 40, tiny=20)
        with run.sink() as sink, run.office(main={"url": f"{sink}50", "window": window}):
            user = wealthy()
            to = [recipient(number) for number in numbers(count)]

            def ours(user=user, to=to, count=count) -> float:
                submit_read(user, to)
                return rate(count, lambda: drain(count))

            def client(url=f"{sink}50", count=count, window=window) -> float:
                return bare_client(url, count, window=window)

            [mine] = run.compare_many({"ours": ours}, client, unit="SMS/s")
            full = [window / 0.05] * len(mine.values)
            name = f"window_use.{window}"
            yield Figure(name, "SMS/s", mine.values, full, ratio(at_least=goal), floor_is="window / 50 ms")
            yield Figure(f"{name}.of_client", "SMS/s", mine.values, mine.floors, floor_is="bare aiohttp client")


@row
def embedded(run: Run) -> Iterator[Figure]:
    """A list of 2,000 from acceptance to the last reference on SQLite, durable; against PostgreSQL."""
    count = run.size(2_000, tiny=20)
    to = [recipient(number) for number in numbers(count)]

    def end_to_end(vendor: str, sink: str) -> float:
        with run.office(vendor, main={"url": f"{sink}0", "window": WINDOW}):
            user = wealthy()

            def work() -> None:
                submit_read(user, to)
                drain(count)

            return rate(count, work)

    with run.sink() as sink:
        yield run.compare(
            "embedded", unit="SMS/s", ours=lambda: end_to_end("sqlite", sink),
            floor=lambda: end_to_end("postgresql", sink), goal=ratio(at_least=0.8), floor_is="PostgreSQL",
        )  # fmt: skip
