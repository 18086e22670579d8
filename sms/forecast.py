"""What is planned will need: the SMS that go by themselves before a moment, by user (N5). Reading only.

Whoever plans SMS joins with a demand; `sms` itself knows the planned messages only.
"""

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from datetime import datetime

from django.db.models import F, Sum

from sms.models import Message

Demand = Callable[[Collection[int], datetime], Mapping[int, int]]


def planned_messages(user_ids: Collection[int], until: datetime) -> dict[int, int]:
    """Return the parts of planned messages that go before `until`, by user id."""
    planned = Message.objects.filter(state=Message.State.PLANNED, user__in=user_ids, release_at__lt=until)
    sums = planned.order_by().values_list("user").annotate(needed=Sum(F("parts_each") * F("recipients")))
    return dict(sums)


_demands: list[Demand] = [planned_messages]


def join(demand: Demand) -> None:
    """Let the forecast count what `demand` answers too; called once, when the app that plans SMS is ready."""
    if demand not in _demands:
        _demands.append(demand)


def planned(user_ids: Collection[int], *, until: datetime) -> Counter[int]:
    """Return the parts that are planned to go before `until`, by user id, zero where nothing is."""
    needed: Counter[int] = Counter()
    for demand in _demands:
        needed.update(demand(user_ids, until))
    return needed
