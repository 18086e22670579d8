"""R2's child: a day of the office in one process, from the accepted SMS to the mailed notice; it dies at a named point.

Each day first repeats the calls of the day before, as a program does that got no answer. The handler of the named
points is installed in the child; `die_at` kills it there as `kill -9` would.
"""

import json
import os
import signal
import threading
import time
from collections import Counter
from datetime import timedelta

from django.test import Client
from django.utils import timezone

from contacts import fault
from contacts.models import User
from contacts.tasks import mail_notices
from office import dispatcher, schedule
from office.tasks import pulse
from sms import dispatch, submission, tasks
from sms.models import Delivery, Message
from sms.submission import Recipient, Request
from tests.chaos import adapter
from tests.chaos.load import PREFIXES

GATEWAYS = ("plain", "dedup", "asked")
LIST = 14  # more than a window, so that some are claimed and given back


def die_at(*, point: str, nth: int) -> None:
    """Have this process killed when it comes to `point` for the nth time."""
    left = Counter({point: nth})

    def hit(name: str) -> None:
        if name == point:
            left[name] -= 1
            if not left[name]:
                os.kill(os.getpid(), signal.SIGKILL)
                time.sleep(60)

    fault.install(hit)


def count_points(*, file: str) -> None:
    """Write down each point that this process comes to."""

    def hit(name: str) -> None:
        with open(file, "a") as lines:
            lines.write(f"{name}\n")

    fault.install(hit)


def day(*, user: int, token: str, number: int) -> dict[str, int]:
    """Live the day `number`; return the answers of the web, by status."""
    person = User.objects.get(pk=user)
    client = Client(raise_request_exception=False, headers={"Authorization": f"Token {token}"})
    answers = Counter(str(_accept(client, each)) for each in (number - 1, number) if each >= 0)
    _write(person, number)
    _cancel(person, number)
    _hand_over()
    _bring_receipts(client)
    for tick in (tasks.settle_receipts, tasks.sweep, tasks.release, mail_notices, pulse):
        tick()
    _one_turn_of_the_dispatcher()
    return dict(answers)


def key(number: int) -> str:
    return f"day-{number}"


def _accept(client: Client, number: int) -> int:
    """Send through the API, under a key that a repeated call has too."""
    to = [f"{PREFIXES[via]}{number:05}{place}" for place, via in enumerate(GATEWAYS)]
    body = json.dumps({"to": to, "text": "See you at 9"})
    answer = client.post(
        "/api/v1/sms/", body, content_type="application/json", headers={"Idempotency-Key": key(number)}
    )
    return answer.status_code


def _write(person: User, number: int) -> None:
    """A list, one that waits too long, a planned one, and one to think better of."""
    now = timezone.now()
    numbers = [f"{PREFIXES['routed']}{number % 10_000:04}{place:02}" for place in range(LIST + 3)]
    _submit(person, f"list-{number}", numbers[:LIST])
    _submit(person, f"late-{number}", numbers[-3:-2], valid_until=now + timedelta(seconds=1))
    _submit(person, f"plan-{number}", numbers[-2:-1], release_at=now + timedelta(seconds=3))
    _submit(person, f"cancel-{number}", numbers[-1:], not_before=now + timedelta(seconds=9))


def _submit(person: User, request_key: str, numbers: list[str], **more: object) -> None:
    to = [Recipient(each) for each in numbers]
    request = Request(person, "See you at 9", to, "form", request_key, **more)  # type: ignore[arg-type]
    submission.submit(request, now=timezone.now())


def _cancel(person: User, number: int) -> None:
    for message in Message.objects.filter(user=person, request_key=f"cancel-{number}"):
        submission.cancel(message, now=timezone.now())


def _hand_over() -> None:
    turns = iter([False, True])
    dispatch.drain("plain", clock=timezone.now, stop=lambda: next(turns, True))  # asked to end within a list
    for alias in GATEWAYS:
        dispatch.drain(alias, clock=timezone.now)
        dispatch.ask_unknown(alias, clock=timezone.now)
    tasks.drain("plain")


def _bring_receipts(client: Client) -> None:
    rows = Delivery.objects.filter(state__in=["sent", "unknown"], gateway="plain", attempt__gt=0).order_by("-pk")[:10]
    body = json.dumps([{"id": str(row.pk), "ref": row.reference, "state": 3, "at": time.time()} for row in rows
                       if row.state == "sent"]).encode()  # fmt: skip
    client.post("/receipts/plain/", body, content_type="application/json", headers={"X-Proof": adapter.proof(body)})


def _one_turn_of_the_dispatcher() -> None:
    threading.Timer(0.05, dispatcher.stop).start()
    dispatcher.run([schedule.Entry("sms.tasks.sweep", every=60)])
