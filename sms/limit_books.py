"""Proves that the limits counted what was accepted, and that none was passed (FAULTS F1); run by `manage.py audit`.

A window counts only where its limit has stood as it is since the window began. What one user is bound by changes with a
row of that user's own, so such a counter may be behind what was accepted, never ahead. The counters of countries are
only held against their limit: which countries are abroad for a user changes with the user's record.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import connection

from credit import limits
from credit.limit_models import Limit, LimitCount, NumberCount
from credit.limit_sql import EPOCH, minute

_ACCEPTED = "FROM sms_message m WHERE m.accepted_at >= %s AND m.accepted_at < %s"
_TO_NUMBERS = """FROM sms_delivery d JOIN sms_message m ON m.id = d.message_id
    WHERE m.accepted_at >= %s AND m.accepted_at < %s"""
_COUNTED = "SELECT of, used FROM credit_limitcount WHERE limit_id = %s AND minute = %s"
_BY_USER = f"SELECT CAST(m.user_id AS text), -m.parts_each * m.recipients {_ACCEPTED}"
# what was counted, and with a minus what was accepted: a row for each, to be added up
_BOTH = {
    Limit.Kind.OFFICE: f"{_COUNTED} UNION ALL SELECT '', -m.parts_each * m.recipients {_ACCEPTED}",
    Limit.Kind.PREFIX: f"{_COUNTED} UNION ALL SELECT '', -m.parts_each {_TO_NUMBERS} AND d.number LIKE %s",
    Limit.Kind.USER: f"{_COUNTED} UNION ALL {_BY_USER}",
    Limit.Kind.NEW_USER: f"{_COUNTED} UNION ALL {_BY_USER}",
    Limit.Kind.NUMBER: f"""SELECT number AS of, used FROM credit_numbercount WHERE limit_id = %s AND minute = %s
        UNION ALL SELECT CAST(substr(d.number, 2) AS bigint), -1 {_TO_NUMBERS}""",
}
_MAY_LAG = (Limit.Kind.USER, Limit.Kind.NEW_USER)


def check() -> Iterator[str]:
    """Yield one line for each limit that is off; it names the limit, never a number or a user."""
    for limit in Limit.objects.exclude(most=None).order_by("pk"):
        for starts_at in _windows(limit):
            if _was_passed(limit, starts_at):
                yield f"a limit was passed: limit {limit.pk}"
            elif limit.kind in _BOTH and _is_off(limit, starts_at):
                yield f"a limit has counted otherwise than was accepted: limit {limit.pk}"


def _counts(limit: Limit) -> type[LimitCount] | type[NumberCount]:
    return NumberCount if limit.kind == Limit.Kind.NUMBER else LimitCount


def _windows(limit: Limit) -> list[datetime]:
    """Return when each window began that has counters and that the limit has not changed in."""
    begun = _counts(limit).objects.filter(limit=limit).order_by("minute").values_list("minute", flat=True).distinct()
    windows = (EPOCH + timedelta(minutes=each) for each in begun)
    return [starts_at for starts_at in windows if starts_at >= limit.changed_at]


def _was_passed(limit: Limit, starts_at: datetime) -> bool:
    return _counts(limit).objects.filter(limit=limit, minute=minute(starts_at), used__gt=limit.most).exists()


def _is_off(limit: Limit, starts_at: datetime) -> bool:
    ends_at = limits.window(limit.window, starts_at)[1]
    at = connection.ops.adapt_datetimefield_value
    values = [limit.pk, minute(starts_at), at(starts_at), at(ends_at)]
    values += [f"{limit.of}%"] if limit.kind == Limit.Kind.PREFIX else []
    wrong = "> 0" if limit.kind in _MAY_LAG else "<> 0"
    sql = f"SELECT 1 FROM ({_BOTH[Limit.Kind(limit.kind)]}) AS both_of GROUP BY of HAVING SUM(used) {wrong} LIMIT 1"
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchone() is not None
