"""The office that every history begins from, and what of the product is replaced: time, chance, threads, the broker."""

import logging
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import structlog
from django.core.mail.backends.base import BaseEmailBackend
from django.test.utils import override_settings
from django.utils import timezone

from contacts import clock, fault, phone_numbers
from contacts.models import User
from credit import books as credit_books
from credit import charging
from credit.models import Plan
from office import dispatcher
from sms import books, continuity, dispatch, nudge
from sms.gateways import configured
from sms.models import Message
from tests.chaos.simulator import store
from tests.chaos.simulator.loop import Inline
from tests.chaos.simulator.provider import Scripted
from tests.chaos.simulator.remembered import instead_of_querysets
from tests.chaos.simulator.scheduler import Scheduler

OPENED = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
MONTH_ENDS = datetime(2026, 11, 30, 23, 0, tzinfo=UTC)  # in Brussels
DAILY_CAP = 4
LOOK_EVERY = 5.0
NUMBERS = tuple(f"+3247000000{digit}" for digit in range(6)) + tuple(f"+3161234567{digit}" for digit in range(3))
BACKEND = "tests.chaos.simulator.provider.Scripted"


class Outbox(BaseEmailBackend):
    """The mail server: `take` decides what becomes of a mail."""

    take: Callable[[Any], None] = staticmethod(lambda _mail: None)

    def send_messages(self, email_messages: Any) -> int:
        for mail in email_messages:
            type(self).take(mail)
        return len(email_messages)


SETTINGS = {
    "SMS_GATEWAYS": {name: {"BACKEND": BACKEND, "OPTIONS": {"name": name}} for name in ("near", "far")},
    "SMS_ROUTES": [{"prefix": "+32", "gateways": ["near", "far"]}, {"prefix": "+31", "gateways": ["far"]}],
    "SMS_DAILY_CAP": DAILY_CAP,
    "EMAIL_BACKEND": f"{__name__}.Outbox",
}


class Office:
    """What stays the same from history to history: the rows, the users, the two gateways, how numbers are read."""

    def __init__(self, held: store.Store) -> None:
        self.store = held
        self.users = [_user("anna", parts=7, balance=9_500), _user("ben", parts=40, balance=0)]
        self.gateways: list[Scripted] = [configured.gateway(name) for name in SETTINGS["SMS_GATEWAYS"]]  # type: ignore
        self.readings = {number: phone_numbers.read_many([number], country="BE")[0] for number in NUMBERS}
        self.scheduler: Scheduler | None = None
        self.nudged: list[str] = []
        self.mark = 0

    def nudge(self, aliases: Iterable[str]) -> None:
        """Take what would go to Celery."""
        self.nudged.extend(aliases)

    def keep_mark(self, mark: int) -> None:
        """Take what would go into continuity's file."""
        self.mark = mark

    def begin(self, scheduler: Scheduler, *, mark: int = 0) -> None:
        """Have everything that was replaced look to this history's scheduler; `mark` is continuity's file."""
        self.scheduler, self.nudged, self.mark = scheduler, [], mark
        fault.install(scheduler.point)
        for user in self.users:
            user.is_active = True


@contextmanager
def opened(template: Path | None = None) -> Iterator[Office]:
    """Open the office in memory, with everything replaced, for as long as the block lasts."""
    with ExitStack() as stack:
        stack.enter_context(override_settings(**SETTINGS))
        held = stack.enter_context(store.opened(template))
        stack.enter_context(_quiet())
        office = Office(held)
        for each in _replacements(office):
            stack.enter_context(each)
        stack.callback(fault.install, None)
        yield office


def _user(name: str, *, parts: int, balance: int) -> User:
    user = User.objects.create(username=name, mobile="+32475123456", language="en", email=f"{name}@example.org")
    account = charging.account_of(user)
    plan = Plan.objects.create(name=name, parts_a_month=parts, price=950)
    charging.subscribe(account, plan=plan, now=OPENED)
    if balance:
        charging.adjust(account, charging.Adjustment(parts=0, amount=balance, why="to begin with"), now=OPENED)
    return user


@contextmanager
def _quiet() -> Iterator[None]:
    before = structlog.get_config()
    level = logging.root.manager.disable
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL), cache_logger_on_first_use=False
    )
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        structlog.configure(**before)
        logging.disable(level)


def _replacements(office: Office) -> Iterator[Any]:
    def scheduler() -> Scheduler:
        assert office.scheduler is not None
        return office.scheduler

    def fresh_id() -> uuid.UUID:
        return uuid.UUID(int=scheduler().rng.getrandbits(128), version=4)

    def chance(bits: int) -> int:
        return scheduler().rng.getrandbits(bits)

    # A drain looks at the queue ten times a second while calls are under way. In a call that takes half a minute of
    # this office's time that is 300 turns that find what the turn before found: five sixths of all statements.
    yield patch.object(dispatch, "LOOK_EVERY", LOOK_EVERY)
    yield instead_of_querysets()
    for each in (credit_books, books):
        yield patch.object(each, "missing_triggers", lambda _names: [])  # nothing in here takes a trigger away
    yield patch("asyncio.run", lambda main: scheduler().run(main))
    yield patch.object(dispatch, "ThreadPoolExecutor", Inline)
    yield patch.object(dispatch, "time", SimpleNamespace(monotonic=lambda: scheduler().monotonic()))
    yield patch.object(dispatch, "random", SimpleNamespace(getrandbits=chance))
    yield patch.object(dispatch, "open_session", _no_session)
    yield patch.object(timezone, "now", lambda: scheduler().now())
    running = clock.Running
    yield patch.object(clock, "Running", lambda: running((clock.read(), scheduler().monotonic())))
    yield patch.object(clock, "time", SimpleNamespace(monotonic=lambda: scheduler().monotonic()))
    yield patch.object(dispatcher, "close_old_connections", lambda: None)
    yield patch("uuid.uuid4", fresh_id)
    yield patch.dict(Message._meta.get_field("id").__dict__, _get_default=fresh_id)
    yield patch.object(nudge, "_nudger", SimpleNamespace(add=office.nudge))
    yield patch.object(continuity, "_read_mark", lambda: office.mark)
    yield patch.object(continuity, "_write_mark", office.keep_mark)
    yield patch.object(nudge, "current_app", SimpleNamespace(send_task=lambda *args, **kwargs: None))


@asynccontextmanager
async def _no_session(**_options: object) -> Any:
    yield None
