"""One history: a few SMS, whoever works at them at once, what goes wrong meanwhile, and how all comes to rest."""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from contacts import notices
from contacts.models import User
from office import dispatcher
from sms import continuity, holding, nudge, receipts, submission, tasks
from sms.gateways.contract import HandOver, Receipt, ReceiptState
from sms.models import Message
from sms.submission import NotAccepted, Recipient, Request
from tests.chaos.simulator import judge
from tests.chaos.simulator.office import MONTH_ENDS, NUMBERS, Office, Outbox
from tests.chaos.simulator.provider import Cause
from tests.chaos.simulator.scheduler import Odds, Scheduler

OPEN = "('queued', 'sending', 'relayed', 'unknown')"
MOST_STEPS = 400
# how the end goes on: what passes between two rounds of the schedule, and what could have moved by then
SOON, LATER = {"queued", "sending", "planned"}, {"queued", "planned", "relayed"}
AT_LAST = {"queued", "sending", "relayed", "unknown", "planned"}
ROUNDS = ((110, SOON), (8_000, LATER), *[(90_000, AT_LAST)] * 3)

# what happens next: how often
EVENTS = {
    "submit": 2,
    "submit_again": 1,
    "plan": 0.5,
    "drain": 8,
    "sweep": 2,
    "settle": 2,
    "bring_receipts": 3,
    "cancel": 2,
    "ask": 1,
    "publish": 1,
    "hold": 1,
    "let_go": 1,
    "suspend": 1,
    "let_back": 1,
    "mail": 1,
    "note": 1,
    "stall": 3,
    "kill": 2,
    "jump": 1,
    "wait": 4,
}
CROWDED = ("stall", "stall", "sweep", "drain_near", "cancel", "wait", "kill", "bring_receipts")
NAMES, WEIGHTS = list(EVENTS), list(EVENTS.values())
GROUP = 25


@dataclass
class Outcome:
    """What a history showed: what was wrong (nothing, if all is well), and what did happen in it."""

    seed: int
    wrong: list[str]
    sometimes: "Counter[str]"
    deliveries: int
    steps: int


@dataclass
class Asked:
    """A request of a client, who asks again under the same key until an answer comes."""

    request: Request
    answered: bool = False


def ask_for(office: Office, scheduler: Scheduler, *, key: str, **more: Any) -> Request:
    """A request of one of the users to one to three numbers."""
    rng = scheduler.rng
    if not more and rng.random() < 0.3:
        more = _moments(scheduler)
    return Request(
        user=rng.choice(office.users),
        text="See you at nine. " * rng.choice((1, 1, 1, 12)),
        to=[Recipient(each, reading=office.readings[each]) for each in rng.sample(NUMBERS, rng.choice((1, 1, 2, 3)))],
        occasion=rng.choice((Message.Occasion.FORM, Message.Occasion.REMINDER)),
        request_key=key,
        **more,
    )


def _moments(scheduler: Scheduler) -> dict[str, Any]:
    now = scheduler.now()
    if scheduler.rng.random() < 0.5:
        return {"not_before": now + submission.FORM_DELAY}
    return {"valid_until": now + timedelta(seconds=scheduler.rng.choice((1, 60, 1800)))}


@dataclass
class Beginning:
    """What GROUP histories in a row begin from: when, and a few SMS that are in the queue already.

    To accept them is the dearest part of a history, so it is done once; crashes while accepting have their own turn
    in those that submit more.
    """

    office: Office
    seed: int
    asked: "list[Asked]" = field(default_factory=list)

    def prepare(self, points: "Counter[str]") -> None:
        """Submit a few SMS, in which nothing goes wrong."""
        rng = random.Random(f"beginning {self.seed}")
        before_month_end = timedelta(seconds=rng.choice((6, 30, 300, 4_000, 100_000)))
        scheduler = Scheduler(self.office.store, begin=MONTH_ENDS - before_month_end, rng=rng, points=points)
        self.begin = scheduler.begin
        self.office.begin(scheduler)
        if rng.random() < 0.8:
            continuity.note(now=scheduler.now())  # most offices are older than this
        for _ in range(rng.choice((1, 2, 3))):
            asked = Asked(ask_for(self.office, scheduler, key=f"first-{len(self.asked)}"))
            try:
                submission.submit(asked.request, now=scheduler.now())
                self.asked.append(Asked(asked.request, answered=True))
            except NotAccepted:
                continue
        self.seconds, self.mark = scheduler.seconds, self.office.mark


@dataclass
class History:
    """The state of one history beside the database's: what was asked, who is suspended, what disturbed it."""

    beginning: Beginning
    seed: int
    points: "Counter[str]"
    asked: list[Asked] = field(default_factory=list)
    mails: "Counter[str]" = field(default_factory=Counter)
    held: dict[str, datetime] = field(default_factory=dict)
    steps: int = 0

    @property
    def office(self) -> Office:
        return self.beginning.office

    def run(self) -> Outcome:
        """Play the history and judge it; nothing of it is left in the database."""
        self.rng = rng = random.Random(self.seed)
        self.scheduler = Scheduler(self.office.store, begin=self.beginning.begin, rng=rng, points=self.points)
        self.scheduler.seconds = self.beginning.seconds
        self.asked = list(self.beginning.asked)
        wild = rng.random() < 0.85
        self.cause = Cause(self.scheduler, wild=wild, look=self._look)
        for gateway in self.office.gateways:
            gateway.begin(self.cause)
        self.office.begin(self.scheduler, mark=self.beginning.mark)
        Outbox.take = self._take_mail
        with self.office.store.undone():
            self._play(wild)
            try:
                self._come_to_rest()
                self.scheduler.wrong += judge.judge(self)
            except Exception as error:
                self.scheduler.wrong.append(f"at rest: {type(error).__name__}: {error}")
            [(deliveries,)] = self.office.store.rows("SELECT count(*) FROM sms_delivery")
        return Outcome(self.seed, self.scheduler.wrong, self.scheduler.sometimes, deliveries, self.steps)

    @property
    def disturbed(self) -> bool:
        """Whether anything happened that may leave an honest doubt."""
        happened = self.scheduler.sometimes
        return bool(
            happened["died"]
            + happened["stalled"]
            + happened["clock jumped"]
            + happened["database away"]
            + happened["commit answer lost"]
        )

    def _play(self, wild: bool) -> None:
        rng, scheduler = self.rng, self.scheduler
        scheduler.odds = self._odds(wild)
        plan = self._plan_of_events()
        while (plan or scheduler.actors) and self.steps < MOST_STEPS:
            self.steps += 1
            runnable = scheduler.runnable()
            chance = rng.random()
            if runnable and (chance < 0.8 or not plan):
                scheduler.step(rng.choice(runnable))
            elif plan and chance < 0.95:
                getattr(self, f"_{plan.pop(0)}")()
            else:
                self._wait()

    def _plan_of_events(self) -> list[str]:
        """Any events, or two or three drains of one gateway that get in each other's way."""
        rng = self.rng
        if rng.random() < 0.4:
            between = rng.choices(CROWDED, k=rng.choice((2, 4, 6)))
            return ["drain_near", "drain_near", *between, "drain_near"]
        return ["drain", *rng.choices(NAMES, WEIGHTS, k=rng.choice((2, 3, 4, 5, 12))), "drain"]

    def _odds(self, wild: bool) -> Odds:
        rng = self.rng
        odds = Odds(switch=rng.choice((0.05, 0.3, 0.6)))
        if wild:
            odds.die = rng.choice((0.0, 0.0, 0.01, 0.03))
            odds.database_away = rng.choice((0.0, 0.0, 0.0, 0.01))
            odds.answer_lost = rng.choice((0.0, 0.0, 0.0, 0.05))
            odds.doomed = rng.choice(POINTS) if rng.random() < 0.4 else ""
        return odds

    # What may happen

    def _submit(self) -> None:
        self._client(self._ask_for())

    def _submit_again(self) -> None:
        if self.asked:
            self._client(self.rng.choice(self.asked))

    def _plan(self) -> None:
        asked = self._ask_for(release_at=self.scheduler.now() + timedelta(seconds=self.rng.choice((2, 20))))
        self._client(asked)

    def _ask_for(self, **more: Any) -> Asked:
        self.asked.append(Asked(ask_for(self.office, self.scheduler, key=f"key-{len(self.asked)}", **more)))
        return self.asked[-1]

    def _client(self, asked: Asked) -> None:
        self.scheduler.spawn("client", lambda: self._submitting(asked))

    def _submitting(self, asked: Asked) -> None:
        try:
            submission.submit(asked.request, now=self.scheduler.now())
        except submission.BadMoment:
            return
        except NotAccepted as refused:
            self.scheduler.sometimes[f"refused: {type(refused).__name__}"] += 1
            return
        asked.answered = True

    def _drain(self) -> None:
        alias = self.rng.choice(("near", "near", "far"))
        self._worker("drain", lambda: tasks.drain.run(alias))

    def _drain_near(self) -> None:
        self._worker("drain", lambda: tasks.drain.run("near"))

    def _sweep(self) -> None:
        self._worker("sweeper", tasks.sweep.run)

    def _settle(self) -> None:
        self._worker("receipts", tasks.settle_receipts.run)

    def _ask(self) -> None:
        self._worker("asker", lambda: tasks.ask_unknown.run("near"))

    def _worker(self, name: str, work: Callable[[], object]) -> None:
        self.scheduler.spawn(name, lambda: dispatcher._done(work, name))

    def _publish(self) -> None:
        if self.office.nudged:
            alias = self.office.nudged.pop()
            self.scheduler.spawn("nudger", lambda: nudge.publish(alias, None))  # type: ignore[arg-type]

    def _bring_receipts(self) -> None:
        """Some of what the provider has to say, in any order, some of it twice, some about nothing of ours."""
        waiting = self.cause.receipts
        self.rng.shuffle(waiting)
        alias = self.rng.choice(("near", "far"))
        said = [receipt for by, receipt in waiting[:3] if by == alias]
        if self.rng.random() < 0.2:
            said.append(Receipt("999999", "", state=ReceiptState.DELIVERED, at=None))
        if self.rng.random() < 0.3:
            said = said * 2
        if said:
            self.scheduler.sometimes["receipts"] += len(said)
            # The provider brings them again until it gets an answer: they leave the pile when they are kept.
            self.scheduler.spawn("endpoint", lambda: self._keeping(alias, said))

    def _keeping(self, alias: str, said: list[Receipt]) -> None:
        receipts.keep(alias, said, now=self.scheduler.now())
        self.cause.receipts = [each for each in self.cause.receipts if each[1] not in said]

    def _cancel(self) -> None:
        ids = self.office.store.rows("SELECT id FROM sms_message")
        if ids:
            message = Message(pk=Message._meta.pk.to_python(self.rng.choice(ids)[0]))
            self.scheduler.spawn("owner", lambda: self._cancelling(message))

    def _cancelling(self, message: Message) -> None:
        self.scheduler.sometimes["cancelled"] += bool(submission.cancel(message, now=self.scheduler.now()))

    def _hold(self) -> None:
        alias, now = self.rng.choice(("", "near")), self.scheduler.now()
        if holding.hold(why="a test", alias=alias, now=now):
            self.scheduler.sometimes["held"] += 1
            self.held[alias] = now

    def _let_go(self) -> None:
        self.held.clear()
        for (alias,) in self.office.store.rows("SELECT alias FROM sms_slot WHERE held_at IS NOT NULL"):
            holding.release(alias=alias)

    def _suspend(self) -> None:
        self.scheduler.sometimes["suspended"] += 1
        self._activate(self.rng.choice(self.office.users), False)

    def _let_back(self) -> None:
        for user in self.office.users:
            if not user.is_active:
                self._activate(user, True)

    def _activate(self, user: User, active: bool) -> None:
        user.is_active = active
        User.objects.filter(pk=user.pk).update(is_active=active)

    def _mail(self) -> None:
        self.scheduler.spawn("mailer", lambda: notices.mail_due(now=self.scheduler.now()))

    def _note(self) -> None:
        self._worker("noter", lambda: continuity.note(now=self.scheduler.now()))

    def _take_mail(self, mail: Any) -> None:
        self.mails[mail.body] += 1

    def _stall(self) -> None:
        """A process stands still for a while: a paused machine, a swapped page, a debugger."""
        if self.scheduler.actors:
            self.scheduler.sometimes["stalled"] += 1
            self.rng.choice(self.scheduler.actors).wake = self.scheduler.seconds + self.rng.choice((5, 31, 61, 130))

    def _kill(self) -> None:
        waiting = [actor for actor in self.scheduler.actors if actor.greenlet]
        if waiting:
            self.scheduler.kill(self.rng.choice(waiting))

    def _jump(self) -> None:
        self.scheduler.sometimes["clock jumped"] += 1
        self.scheduler.skew += self.rng.choice((-40, -2, 20, 70, 3_700, 90_000))

    def _wait(self) -> None:
        later = [actor.wake for actor in self.scheduler.actors if actor.wake > self.scheduler.seconds]
        until = min(later) if later else self.scheduler.seconds + self.rng.choice((1, 6, 31, 61))
        if until > self.scheduler.seconds + 5 and self.scheduler.runnable():
            self.scheduler.sometimes["stalled"] += 1
        self.scheduler.pass_time(until)

    # The end

    def _come_to_rest(self) -> None:
        """Nothing bad happens any more: who still lives finishes, then the schedule runs until nothing is open."""
        self.scheduler.calm()
        self.cause.wild = False
        while self.scheduler.actors:
            actor = min(self.scheduler.actors, key=lambda each: each.wake)
            self.scheduler.pass_time(actor.wake)
            self.scheduler.step(actor)
        self.scheduler.skew = max(self.scheduler.skew, 0.0)
        self._let_go()
        self._let_back()
        for asked in self.asked:
            if not asked.answered:
                self._submitting(asked)  # the client asks again until there is an answer
        for seconds, may_move in ROUNDS:
            self._bring_everything()
            open_ = self._open()
            if not open_:
                break
            if open_ & may_move:
                self.scheduler.pass_time(self.scheduler.seconds + seconds)
                self._round()
        self._mail_everything()

    def _round(self) -> None:
        tasks.sweep.run()
        self._let_go()  # a number at its cap holds the gateway, and a person lets it go
        for alias in ("near", "far"):
            tasks.drain.run(alias)

    def _bring_everything(self) -> None:
        waiting, self.cause.receipts = self.cause.receipts, []
        for alias in {by: None for by, _receipt in waiting}:
            receipts.keep(alias, [receipt for by, receipt in waiting if by == alias], now=self.scheduler.now())
        if self.office.store.rows("SELECT 1 FROM sms_keptreceipt LIMIT 1"):
            tasks.settle_receipts.run()

    def _open(self) -> set[str]:
        """The states of what is not at its end; "unknown" is also "queued" where it may be handed over again."""
        planned = "SELECT state FROM sms_message WHERE state = 'planned'"
        rows = self.office.store.rows(f"SELECT state FROM sms_delivery WHERE state IN {OPEN} UNION {planned}")
        found = {state for (state,) in rows}
        again = "unknown" in found and any(gateway.dedupes_by_reference for gateway in self.office.gateways)
        return found | {"queued"} if again else found

    def _mail_everything(self) -> None:
        if self.rng.random() < 0.1:
            self.scheduler.pass_time(self.scheduler.seconds + 301)
            notices.mail_due(now=self.scheduler.now())

    def _look(self, alias: str, hand_over: HandOver) -> None:
        try:
            judge.look_at_call(self, alias, hand_over)
        except Exception as error:  # the dispatcher would take it for one of the provider
            self.scheduler.wrong.append(f"at a call: {type(error).__name__}: {error}")


POINTS: tuple[str, ...] = ()


def doom(points: list[str]) -> None:
    """Say at which points an actor may be told to die; the harness collects them from the source."""
    global POINTS
    POINTS = tuple(sorted(points))
