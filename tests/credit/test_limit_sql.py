"""The statements of the limits: what is taken back is taken from one counter, on both databases."""

from datetime import timedelta
from itertools import product

import pytest

from credit import limit_sql
from credit.limit_models import LimitCount, NumberCount
from credit.limit_sql import Key
from tests.people import NOW

HOURS = (NOW, NOW + timedelta(hours=1))


@pytest.mark.parametrize(
    ("counts", "column", "things", "sign"),
    [(LimitCount, "of", ("BE", "NL"), ""), (NumberCount, "number", (32, 31), "+")],
)
def test_what_is_taken_back_is_of_its_limit_thing_and_window(database, counts, column, things, sign):
    for limit_id, thing, hour in product((1, 2), things, HOURS):
        counts.objects.create(limit_id=limit_id, minute=limit_sql.minute(hour), used=5, **{column: thing})
    limit_sql.take_back({Key(1, f"{sign}{things[0]}", NOW): 2})
    changed = counts.objects.exclude(used=5).values_list("limit_id", column, "minute", "used")
    assert list(changed) == [(1, things[0], limit_sql.minute(NOW), 3)]
