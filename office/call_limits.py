"""How many calls a user's programs may make in a minute. Counted in the database, so that it holds without Redis.

One statement counts and tells: among calls at the same moment exactly as many pass as may.
"""

from datetime import datetime
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import connection
from rest_framework.exceptions import Throttled
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from contacts import clock
from contacts.models import User

if TYPE_CHECKING:
    from rest_framework.views import APIView  # which loads this module when it is loaded

EVERY_CALL = "calls_per_minute"
MINUTE = 60
_COUNT = """
    INSERT INTO office_callcount (user_id, "limit", minute, made) VALUES (%s, %s, %s, 1)
    ON CONFLICT (user_id, "limit") DO UPDATE SET minute = excluded.minute,
        made = CASE WHEN office_callcount.minute = excluded.minute THEN office_callcount.made + 1 ELSE 1 END
    RETURNING made"""


class LimitReached(Throttled):
    """More calls than `limit`, a name of API_LIMITS, allows."""

    def __init__(self, limit: str, *, wait: float) -> None:
        super().__init__(wait)
        self.more = {"limit": limit}


class CallLimits(BaseThrottle):
    """Counts each call of a user, and what a view says in its `limits` ({verb: name of the limit})."""

    def allow_request(self, request: Request, view: "APIView") -> bool:
        """Return True, or raise `LimitReached`."""
        if isinstance(request.user, User):
            of_view: str | None = getattr(view, "limits", {}).get(request.method)
            for limit in filter(None, (EVERY_CALL, of_view)):
                count(request.user, limit, now=clock.now())
        return True


def count(user: User, limit: str, *, now: datetime) -> None:
    """Count one call of `user` against `limit`; raises `LimitReached` where that is one too many in this minute."""
    seconds = now.timestamp()
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [user.pk, limit, int(seconds // MINUTE)])
        made: int = cursor.fetchone()[0]
    if made > settings.API_LIMITS[limit]:
        raise LimitReached(limit, wait=MINUTE - seconds % MINUTE)
