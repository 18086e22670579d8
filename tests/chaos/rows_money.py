"""R7, R10, M1, M2: many hands at one delivery, one account, one form, one month."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection

from contacts.models import User
from credit.models import Account, Entry
from sms.models import Message
from tests.chaos import checker, load
from tests.chaos.load import Load
from tests.chaos.office import Office, World, open_office, wait_for
from tests.chaos.verdicts import Report
from tests.servers import programs

CLIENTS = 16
ROUTES = ("form", "api", "planned", "reminder", "cancel")
CONTROL = "tests.chaos.controls"


def r7(world: World) -> Report:
    """Two workers at one delivery: one call, and no claim returns more than asked."""
    report = Report("R7")
    with open_office(world, "R7") as office:
        rounds = world.figure(1_000, at_least=10)
        told = _race(office, rounds)
        report.counts = {"rounds": rounds, "calls": told["calls"]}
        report.sometimes.update({"both wanted it": told["lost"]})
        report.happened("both wanted it")
        report.violated(told["violations"])
    with open_office(world, "R7-control") as office:
        report.control_failed(_race(office, 60, setup=[(f"{CONTROL}.claim_without_lease", {})])["violations"])
    return report


def _race(office: Office, rounds: int, *, setup: Any = ()) -> dict[str, Any]:
    """Four workers claim the same deliveries one at a time and write down what they would call."""
    sender = Load(load.people(1))
    while sender.sent < rounds:
        sender.send(1, via="plain")
    files = [str(office.folder / f"calls-{place}") for place in range(4)]
    racers = [
        office.start("tests.chaos.racers.claim_all", calls=each, start=str(office.folder / "go"), setup=setup)
        for each in files
    ]
    wait_for(lambda: all(Path(each).exists() for each in files), what="the racers")
    (office.folder / "go").touch()
    answers = [each.result() for each in racers]
    called = Counter(line for each in files for line in Path(each).read_text().split())
    twice = [pk for pk, times in called.items() if times > 1]
    violations = [f"doubled: delivery {pk} would be called {called[pk]} times" for pk in twice]
    violations += [f"a claim of 1 returned {most}" for most in (each["most"] for each in answers) if most > 1]
    if len(called) != rounds:
        violations.append(f"{len(called)} of {rounds} deliveries were called")
    return {"calls": sum(called.values()), "lost": sum(each["lost"] for each in answers), "violations": violations}


def m1(world: World) -> Report:
    """Sixteen clients spend one account by all routes: never below zero."""
    report = Report("M1")
    with open_office(world, "M1") as office:
        tries = world.figure(100_000, at_least=480)
        told = _spend(office, tries=tries, each=tries // CLIENTS)
        report.sometimes.update(told["answers"])
        report.happened("accepted", "NotEnough", *(f"by {route}" for route in ROUTES))
        report.counts = {"tries": sum(told["answers"][f"by {route}"] for route in ROUTES), "left": told["left"]}
        report.violated(told["violations"])
    with open_office(world, "M1-control") as office:
        setup = [(f"{CONTROL}.lock_no_account", {})]
        report.control_failed(_spend(office, tries=400, each=25, setup=setup)["violations"])
    return report


def _spend(office: Office, *, tries: int, each: int, setup: Any = ()) -> dict[str, Any]:
    user = load.people(1, parts=tries // 8, balance=950 * (tries // 8))[0]
    clients = [
        office.start(
            "tests.chaos.racers.spend", user=user.pk, client=place, tries=each, seed=office.world.seed, setup=setup
        )
        for place in range(CLIENTS)
    ]
    answers: Counter[str] = Counter()
    for client in clients:
        answers.update(client.result(seconds=900))
    account = Account.objects.get(user=user)
    violations = list(_spent_right(account))
    if answers["the database had to refuse"]:
        violations.append(f"only a constraint stopped {answers['the database had to refuse']} of them")
    return {"answers": answers, "left": account.balance, "violations": violations}


def _spent_right(account: Account) -> Iterator[str]:
    yield from checker.books_are_right()
    if account.balance < 0:
        yield f"below zero: {account.balance}"


def m2(world: World) -> Report:
    """One form fifty times at once, through the real web process: one message, one charge."""
    report = Report("M2")
    with open_office(world, "M2") as office:
        office.start("web", port=office.web_port)
        wait_for(lambda: programs.accepts(office.web_port), what="the web process")
        rounds = world.figure(60)
        for turn in range(rounds):
            user = load.people(1, parts=30, balance=0)[0]
            answers = _post_form_at_once(office, user, times=50, number=f"04701{turn:05}")
            report.sometimes.update(f"answered {status}" for status in answers)
            found = (Message.objects.filter(user=user).count(), _charges(user))
            report.require(found == (1, 1), f"{found[0]} messages and {found[1]} charges of one form")
        report.counts = {"rounds": rounds, "posts": rounds * 50}
        report.happened("answered 303")
        report.violated(checker.books_are_right())
    return report


def _charges(user: User) -> int:
    return Entry.objects.filter(account__user=user, kind="charge").count()


def _post_form_at_once(office: Office, user: User, *, times: int, number: str) -> Sequence[int]:
    session = _sign_in(user)
    page, cookies = _ask(office, "GET", "/sms/", cookies={settings.SESSION_COOKIE_NAME: session})
    hidden = dict(re.findall(r'<input[^>]*type="hidden"[^>]*name="([^"]+)"[^>]*value="([^"]*)"', page[1]))
    form = {**hidden, "to": number, "text": "See you at 9", "press": "send"}
    cookies[settings.SESSION_COOKIE_NAME] = session
    with ThreadPoolExecutor(times) as pool:
        asked = [pool.submit(_ask, office, "POST", "/sms/", cookies=cookies, form=form) for _ in range(times)]
        return [each.result()[0][0] for each in asked]


def _sign_in(user: User) -> str:
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return str(session.session_key)


def _ask(
    office: Office, verb: str, path: str, *, cookies: dict[str, str], form: dict[str, str] | None = None
) -> tuple[tuple[int, str], dict[str, str]]:
    asked = HTTPConnection("127.0.0.1", office.web_port, timeout=60)
    headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
    if form is not None:
        headers |= {"Content-Type": "application/x-www-form-urlencoded", "Referer": settings.BASE_URL}
    asked.request(verb, path, urlencode(form) if form is not None else None, headers)
    answer = asked.getresponse()
    jar: SimpleCookie = SimpleCookie()
    for each in answer.headers.get_all("Set-Cookie") or ():
        jar.load(each)
    try:
        return (answer.status, answer.read().decode()), {name: each.value for name, each in jar.items()}
    finally:
        asked.close()


def r10(world: World) -> Report:
    """Months end while people spend: no debit outside its window."""
    report = Report("R10")
    with open_office(world, "R10") as office:
        debits = world.figure(1_000_000, at_least=4_000)
        told = _across_months(office, debits)
        report.counts = {"debits": told["debits"], "windows": told["windows"]}
        report.sometimes.update(told["sometimes"])
        report.happened("at the last moment", "at the first moment", "lapsed")
        report.violated(told["violations"])
    with open_office(world, "R10-control") as office:
        setup = [(f"{CONTROL}.let_no_month_end", {})]
        report.control_failed(_across_months(office, 800, setup=setup)["violations"])
    return report


def _across_months(office: Office, debits: int, *, setup: Any = ()) -> dict[str, Any]:
    people = load.people(40, parts=3_000)
    [office_zone] = [settings.TIME_ZONE]
    spenders = [
        office.start(
            "tests.chaos.racers.spend_across_months", users=[each.pk for each in people], debits=debits // 4,
            seed=f"{office.world.seed}:{place}", zone=office_zone, setup=setup,
        )
        for place in range(4)
    ]  # fmt: skip
    answers = [each.result(seconds=900) for each in spenders]
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT count(*) FILTER (WHERE kind = 'charge'), count(*) FILTER (WHERE kind = 'lapse'),
                count(DISTINCT allowance_id) FROM credit_entry"""
        )
        charges, lapses, windows = cursor.fetchone()
    sometimes = Counter(answers[0]["sometimes"]) + Counter({"lapsed": lapses})
    return {"debits": charges, "windows": windows, "sometimes": sometimes, "violations": list(_in_their_windows())}


def _in_their_windows() -> Iterator[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT e.id, e.created_at, w.starts_at, w.ends_at FROM credit_entry e
                JOIN credit_allowance w ON w.id = e.allowance_id
                WHERE e.kind = 'charge' AND NOT (e.created_at >= w.starts_at AND e.created_at < w.ends_at) LIMIT 5"""
        )
        for pk, at, begins, ends in cursor.fetchall():
            yield f"debit {pk} of {at} in the window from {begins} to {ends}"
    # every charge here has its message in the other rows only: the sums of pockets are what counts
    yield from (each for each in checker.books_are_right() if "pocket" in each or "not what came" in each)
