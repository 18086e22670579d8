"""M3: what Stripe tells, true and false, twice, late, crossed and from several processes at once."""

from collections.abc import Iterator
from typing import Any

from django.db import connection
from django.utils import timezone

from credit import charging, topping_up
from credit.models import TopUp
from tests.chaos import checker, load
from tests.chaos.office import Office, World, open_office
from tests.chaos.verdicts import Report
from tests.credit.stripe_words import AMOUNT

TELLERS = 4
KINDS = (
    "paid", "never paid", "forged", "a refund before its payment", "disputed", "told twice", "taken back",
)  # fmt: skip
OF_EACH = 15  # payments of one account


def m3(world: World) -> Report:
    """Four processes tell each payment's facts, each in an order of its own: credited once, and the books exact."""
    report = Report("M3")
    with open_office(world, "M3") as office:
        told = _tell(office, world.figure(100_000 // TELLERS, at_least=60))
        report.counts = {"orders": told["payments"] * TELLERS, "words": told["words"]}
        report.sometimes.update(told["sometimes"])
        report.happened(*KINDS)
        report.violated(told["violations"])
    with open_office(world, "M3-control") as office:
        setup = [("tests.chaos.controls.credit_whenever_told", {})]
        report.control_failed(_tell(office, 60, setup=setup)["violations"])
    return report


def _tell(office: Office, payments: int, *, setup: Any = ()) -> dict[str, Any]:
    accounts = [charging.account_of(each) for each in load.people(payments // OF_EACH + 1, balance=0)]
    now = timezone.now()
    begun = TopUp.objects.bulk_create(
        TopUp(
            account=accounts[turn // OF_EACH], amount=AMOUNT, currency="EUR", livemode=False, vat_rate=2_100,
            created_at=now, expires_at=now + topping_up.OPEN_FOR,
        )
        for turn in range(payments)
    )  # fmt: skip
    ids = [str(each.pk) for each in begun]
    tellers = [
        office.start("tests.chaos.payment_words.tell", top_ups=ids, seed=office.world.seed, teller=place, setup=setup)
        for place in range(TELLERS)
    ]
    answers = [each.result(seconds=1500) for each in tellers]
    office.call("tests.chaos.payment_words.sweep")
    sometimes: dict[str, int] = answers[0]["sometimes"]
    violations = [*checker.books_are_right(), *_worth(ids, answers[0]["worth"])]
    return {
        "payments": payments, "words": sum(each["words"] for each in answers), "sometimes": sometimes,
        "violations": violations,
    }  # fmt: skip


def _worth(ids: list[str], expected: list[int]) -> Iterator[str]:
    """What the entries say that each payment is worth, against what it must be by the facts that were told."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT replace(reference, '-', ''), sum(amount - debt), count(*) FILTER (WHERE kind = 'top_up')
                FROM credit_entry WHERE kind IN ('top_up', 'pay_back', 'returned', 'dispute', 'won') GROUP BY 1"""
        )
        found = {reference: (worth, credited) for reference, worth, credited in cursor.fetchall()}
    paid = {key.hex for key in TopUp.objects.filter(state="paid").values_list("pk", flat=True)}
    for pk, worth in zip(ids, expected, strict=True):
        is_worth, credited = found.get(pk.replace("-", ""), (0, 0))
        if (is_worth, credited) != (worth, int(pk.replace("-", "") in paid)):
            yield f"top-up {pk} is worth {is_worth}, credited {credited} times; {worth} by what was told"
