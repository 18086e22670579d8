"""G3's child: tells each delivery the same receipts, in an order of its own, in batches that cross those of others."""

import random
from collections import Counter
from datetime import timedelta
from typing import Any

from django.utils import timezone

from sms import receipts
from sms.gateways.contract import Receipt, ReceiptState
from sms.models import Delivery

BUFFERED, UNDELIVERED, DELIVERED = ReceiptState.BUFFERED, ReceiptState.UNDELIVERED, ReceiptState.DELIVERED
TOLD = (BUFFERED, BUFFERED, UNDELIVERED, DELIVERED, DELIVERED)
BATCH = 400


def tell(*, seed: int) -> dict[str, Any]:
    """Keep and settle them all; return how many, which kinds there were, and how many deliveries went back."""
    rng, sometimes = random.Random(f"{seed}:receipts"), Counter[str]()
    began = timezone.now()
    told = [receipt for pk, theirs in _known() for receipt in _of_one(pk, theirs, began, rng, sometimes)]
    told.sort(key=lambda each: each[0])
    backwards = 0
    for start in range(0, len(told), BATCH):
        before = dict(Delivery.objects.values_list("pk", "receipt")) if start % (BATCH * 20) == 0 else {}
        now = began + timedelta(seconds=start / BATCH)
        receipts.keep("plain", [receipt for _at, receipt in told[start : start + BATCH]], now=now)
        if rng.random() < 0.7:
            receipts.settle(now=now)
        after = dict(Delivery.objects.values_list("pk", "receipt")) if before else {}
        backwards += sum(after[pk] < receipt for pk, receipt in before.items())
    receipts.settle(now=began + timedelta(days=2))
    return {"receipts": len(told), "sometimes": dict(sometimes), "backwards": backwards}


def _known() -> list[tuple[int, str]]:
    return list(Delivery.objects.values_list("pk", "reference"))


def _of_one(pk: int, theirs: str, began: Any, rng: random.Random, sometimes: "Counter[str]") -> list[Any]:
    """Return one delivery's receipts, each with its turn among those of all."""
    states = list(TOLD)
    rng.shuffle(states)
    turn = rng.random()
    spread = rng.choice([0.0, 0.001, 0.05, 1.0])
    sometimes["double"] += 1
    sometimes["contradicting"] += 1
    sometimes["crossed"] += states.index(DELIVERED) < len(states) - 1 - states[::-1].index(BUFFERED)
    sometimes["late" if turn > 0.5 else "early"] += 1
    by_theirs = rng.random() < 0.3
    named = Receipt("" if by_theirs else str(pk), theirs if by_theirs else "", BUFFERED, None)
    found = []
    for state in states:
        at = began + timedelta(seconds=rng.uniform(-60, 60))
        found.append((turn + rng.random() * spread, Receipt(named.reference, named.gateway_reference, state, at)))
    if rng.random() < 0.1:
        sometimes["unknown"] += 1
        found.append((turn, Receipt(str(10**12 + pk), "", DELIVERED, began)))
    return found
