"""M3's children: each tells the same facts of each payment in an order of its own, and says some of them twice."""

import random
from collections import Counter
from typing import Any

from django.conf import settings
from django.utils import timezone

from credit import checkout, topping_up
from credit.models import TopUp
from tests.credit.stripe_words import Story, words


def tell(*, top_ups: list[str], seed: int, teller: int) -> dict[str, Any]:
    """Tell all; return what must have come of each payment, how many words it took, and which kinds there were."""
    settings.STRIPE_SECRET_KEY = "sk_test_chaos"
    sometimes, worth, said = Counter[str](), [], 0
    rows = {str(pk): row for pk, row in TopUp.objects.in_bulk(top_ups).items()}
    for pk in top_ups:
        story = _story(rows[pk], seed)
        worth.append(story.worth)
        _note(story, sometimes)
        order = random.Random(f"{seed}:{pk}:{teller}")
        mine = [*story.told, *order.sample(story.told, len(story.told) // 3)]
        order.shuffle(mine)
        for each in mine:
            checkout.settle_event(each, now=timezone.now())
        said += len(mine)
    return {"words": said, "sometimes": dict(sometimes), "worth": worth}


def sweep() -> int:
    """Book what a process left half done, as the sweep does."""
    unbooked = topping_up.unbooked(limit=100_000)
    for payment in unbooked:
        topping_up.book_reversals(payment, now=timezone.now())
    return len(unbooked)


def _story(top_up: TopUp, seed: int) -> Story:
    """Choose what is told of a payment: the same for every teller."""
    chance = random.Random(f"{seed}:{top_up.pk}")
    every = words(top_up)
    return Story(top_up, chance.sample(every, chance.randint(1, len(every) // 2)))


def _note(story: Story, sometimes: "Counter[str]") -> None:
    key = story.top_up.pk.hex
    told = [
        (each["type"].rpartition(".")[2], each["data"]["object"]["id"].removesuffix(f"_{key}")) for each in story.told
    ]
    paid = ("completed", "cs") in [(kind, thing) for kind, thing in told]
    sometimes["paid"] += paid
    sometimes["never paid"] += not paid
    sometimes["forged"] += any(kind.endswith("completed") and thing != "cs" for kind, thing in told)
    sometimes["a refund before its payment"] += paid and told[0][1] in {"re1", "re2"}
    sometimes["disputed"] += any(thing == "dp" for _kind, thing in told)
    sometimes["told twice"] += len(told) > 2
    sometimes["taken back"] += paid and story.worth < story.top_up.amount
