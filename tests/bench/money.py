"""Credit: the statement of an account with 100,000 lines, and an event of Stripe from its bytes to the books."""

import json
import time
from collections.abc import Iterator

from django.db import connection
from django.test import Client, override_settings
from django.utils import timezone

from contacts.models import User
from credit import statement
from credit.charging import account_of
from credit.models import TopUp
from credit.topping_up import OPEN_FOR
from office.stripe_double.events import signature
from tests.bench.accept import wealthy
from tests.bench.figures import Figure, percentile, ratio, value
from tests.bench.pages import pages
from tests.bench.rows import row
from tests.bench.run import Run, inside, milliseconds
from tests.credit.stripe_words import AMOUNT, paid

SECRET = "whsec_bench"


@row
def statement_page(run: Run) -> Iterator[Figure]:
    """The newest page of the statement of an account with 100,000 lines, and of one with 100."""
    with run.office(main={}) as small:
        few = lines(run.size(100, tiny=30))
        with run.office(main={}) as large:
            many = lines(run.size(100_000, tiny=60))

            def p95(user: User) -> float:
                return percentile(pages(run, lambda: statement.page(user, now=timezone.now())), 0.95)

            yield run.compare(
                "statement_page", unit="ms", ours=inside(large, lambda: p95(many)),
                floor=inside(small, lambda: p95(few)), goal=ratio(at_most=1.3), floor_is="with 100 lines",
            )  # fmt: skip


def lines(many: int) -> User:
    """Make an account with so many lines in its statement."""
    user = wealthy()
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO credit_entry
                    (account_id, kind, parts, amount, debt, key, occasion, reference, why, created_at)
                SELECT %s, 'charge', 0, 0, 0, 'bench:' || n, 'form', '', '', now() - n * interval '1 minute'
                FROM generate_series(1, %s) AS n""",
            [account_of(user).pk, many],
        )
        cursor.execute("ANALYZE credit_entry")
    return user


@row
def payment_event(run: Run) -> Iterator[Figure]:
    """An event that says a top-up was paid: signature, comparison with our row, books; the slowest 5 %."""
    told = {"STRIPE_SECRET_KEY": "sk_test_bench", "STRIPE_WEBHOOK_SECRET": SECRET}
    with override_settings(**told), run.office(main={}):
        account, client = account_of(wealthy()), Client()

        def bring() -> None:
            now = timezone.now()
            top_up = TopUp.objects.create(
                account=account, amount=AMOUNT, currency="EUR", livemode=False, vat_rate=2_100, created_at=now,
                expires_at=now + OPEN_FOR,
            )  # fmt: skip
            body = json.dumps(paid(top_up)).encode()
            signed = {"Stripe-Signature": signature(body, SECRET, at=int(time.time()))}
            answer = client.post("/stripe/webhook/", body, content_type="application/json", headers=signed)
            assert answer.status_code == 200, answer.content

        def slowest() -> float:
            return percentile([milliseconds(bring) for _event in range(run.size(100, tiny=3))], 0.95)

        yield run.measure("payment_event", unit="ms", once=slowest, goal=value(at_most=50))
        assert not TopUp.objects.exclude(state="paid").exists()
