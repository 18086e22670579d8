"""The database refuses, by name, what no limit, counter or list may ever be; past every line of Python."""

import pytest
from django.db import IntegrityError, connection, transaction

from contacts.models import User
from credit.limit_models import BlockedNumber, KnownCountry, Limit, LimitCount, RefusedRange
from tests.people import MOBILE, NOW, person

# name of the constraint (or the columns that SQLite names instead): the row that it stops
ROWS = {
    "one_limit_for_all": lambda _anna: Limit(kind="prefix", of="+316", window="day", most=2),
    "one_limit_of_a_user": lambda anna: Limit(kind="user", user=anna, window="day", most=2),
    "limit_is_of_its_kind": lambda _anna: Limit(kind="prefix", of="BE", window="day"),
    "limit_of_a_user_is_of_that_kind": lambda anna: Limit(kind="office", user=anna, window="hour"),
    "limit_count_never_negative": lambda _anna: LimitCount(limit=Limit.objects.all()[0], of="", minute=1, used=-1),
    "refused_range_is_a_prefix": lambda _anna: RefusedRange(prefix="0470"),
    "prefix": lambda _anna: RefusedRange(prefix="+882"),
    "one_block_for_the_office": lambda _anna: BlockedNumber(number=MOBILE, created_at=NOW),
    "one_block_of_a_user": lambda anna: BlockedNumber(number=MOBILE, user=anna, created_at=NOW),
    "blocked_number_is_e164": lambda _anna: BlockedNumber(number="0470123456", created_at=NOW),
    "one_row_per_user_and_country": lambda anna: KnownCountry(user=anna, country="NL", confirmed_at=NOW),
}
AS_SQLITE_SAYS = {
    "one_limit_for_all": "credit_limit.kind, credit_limit.window, credit_limit.of",
    "one_limit_of_a_user": "credit_limit.user_id, credit_limit.window",
    "prefix": "credit_refusedrange.prefix",
    "one_block_for_the_office": "credit_blockednumber.number",
    "one_block_of_a_user": "credit_blockednumber.number, credit_blockednumber.user_id",
    "one_row_per_user_and_country": "credit_knowncountry.user_id, credit_knowncountry.country",
}


@pytest.fixture
def anna(database) -> User:
    """A user, with one of each that there may be once."""
    anna = person()
    Limit.objects.create(kind="prefix", of="+316", window="day", most=1)
    Limit.objects.create(kind="user", user=anna, window="day", most=1)
    RefusedRange.objects.create(prefix="+882")
    BlockedNumber.objects.create(number=MOBILE, created_at=NOW)
    BlockedNumber.objects.create(number=MOBILE, user=anna, created_at=NOW)
    KnownCountry.objects.create(user=anna, country="NL", confirmed_at=NOW)
    return anna


@pytest.mark.parametrize("name", ROWS)
def test_the_database_refuses_this_row(anna, name):
    said = AS_SQLITE_SAYS.get(name, name) if connection.vendor == "sqlite" else name
    with pytest.raises(IntegrityError, match=said), transaction.atomic():
        ROWS[name](anna).save(force_insert=True)


def test_every_constraint_of_limits_and_lists_is_tried():
    models = (Limit, LimitCount, RefusedRange, BlockedNumber, KnownCountry)
    named = {constraint.name for model in models for constraint in model._meta.constraints}
    assert named | {"prefix"} == set(ROWS)
