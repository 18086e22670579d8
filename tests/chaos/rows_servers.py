"""R3, R6, R14: Redis that goes, a standby that takes over, an older dump put back into traffic."""

import json
import os
import shutil
import signal
import statistics
import subprocess
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import redis
from django.db import connection
from django.utils import timezone

from contacts.models import User
from office import tokens
from sms import holding
from sms.models import Continuity, Delivery, Slot
from tests.chaos import checker, load
from tests.chaos.load import Load
from tests.chaos.office import Office, World, open_office, wait_for
from tests.chaos.rows_kills import hire, judged, patiently, replace_dead, send_some
from tests.chaos.servers import Postgres, address_of, program, user
from tests.chaos.verdicts import Report
from tests.servers import postgresql, programs

ACCEPT_FACTOR = 1.2
NOISE_SECONDS = 0.02  # what this machine's other work adds to a request now and then
COPIED_ALIKE = ("pg_dump", "--format=custom")


def r3(world: World) -> Report:
    """Redis flushed, restarted, gone: accepting goes on as before, sending through the dispatcher."""
    report = Report("R3")
    with open_office(world, "R3") as office:
        person = load.people(1)[0]
        api = _Api(office, person)
        hire(office, roles=("worker", "run_dispatcher", "beat"))
        with_it: list[float] = []
        without: list[float] = []
        each = world.figure(3_000, at_least=40) // 10
        for turn in range(10):
            with_it += [api.send() for _ in range(each)]
            if turn % 2:
                redis.Redis.from_url(world.servers.redis_url).flushall()
                report.sometimes["flushed"] += 1
            world.servers.redis_gone()
            report.sometimes["gone"] += 1
            without += [api.send() for _ in range(each)]
            if turn == 4:
                wait_for(lambda: not load.waiting(), what="sending without Redis", seconds=60)
                report.sometimes["all sent without Redis"] += 1
            world.servers.redis_back()
            report.sometimes["restarted"] += 1
        report.happened("flushed", "gone", "restarted", "all sent without Redis")
        wait_for(lambda: not load.waiting(), what="the rest", seconds=60)
        _compare(report, with_it, without)
        report.counts["accepted"] = api.accepted
        report.violated(judged(office, accepted=api.accepted))
    return report


def _compare(report: Report, with_it: list[float], without: list[float]) -> None:
    for name, at in (("p50", 0.5), ("p99", 0.99)):
        up, gone = (sorted(each)[int(len(each) * at) - 1] for each in (with_it, without))
        report.counts[f"accept_{name}_ms"] = [round(up * 1000, 1), round(gone * 1000, 1)]
        slower = gone > up * ACCEPT_FACTOR and gone - up > NOISE_SECONDS
        report.require(not slower, f"accepting takes longer without Redis: {name} {up:.3f} s, {gone:.3f} s")
    report.counts["accept_mean_ratio"] = round(statistics.mean(without) / statistics.mean(with_it), 2)


class _Api:
    """A program of a user, on one connection that is kept."""

    def __init__(self, office: Office, person: User) -> None:
        self.token, self.accepted = tokens.make(person, name="chaos", now=timezone.now()), 0
        office.start("web", port=office.web_port)
        wait_for(lambda: programs.accepts(office.web_port), what="the web process")
        self.asked = HTTPConnection("127.0.0.1", office.web_port, timeout=30)
        self.send()

    def send(self) -> float:
        """Send one SMS; return how many seconds the answer took."""
        body = json.dumps({"to": [f"{load.PREFIXES['plain']}{self.accepted:06}"], "text": "See you at 9"})
        headers = {"Authorization": f"Token {self.token}", "Content-Type": "application/json"}
        begun = time.monotonic()
        self.asked.request("POST", "/api/v1/sms/", body, headers | {"Idempotency-Key": f"call-{self.accepted}"})
        answer = self.asked.getresponse()
        said = answer.read()
        if answer.status != 201:
            raise AssertionError(f"{answer.status}: {said[:200]!r}")
        self.accepted += 1
        return time.monotonic() - begun


def r14(world: World) -> Report:
    """An older dump put back into traffic: held, doubted, nothing twice."""
    report = Report("R14")
    for turn in range(world.figure(30, at_least=2)):
        with open_office(world, "R14") as office:
            _restore_into_traffic(office, report, in_place=bool(turn % 2))
    with open_office(world, "R14-control") as office:
        setup = [("tests.chaos.controls.notice_no_copy", {})]
        report.control_failed(_restore_into_traffic(office, Report("control"), in_place=False, setup=setup))
    report.happened("restored elsewhere", "restored in place", "called unknown")
    return report


def _restore_into_traffic(office: Office, report: Report, *, in_place: bool, setup: object = ()) -> list[str]:
    sender = Load(load.people(3))
    staff = hire(office, setup=setup, roles=("worker", "run_dispatcher", "beat"))
    _traffic(office, sender, 60)
    wait_for(lambda: not load.waiting(), what="the traffic before")
    office.orders.away()  # so that the copy has some that wait
    _traffic(office, sender, 60)
    dump = _dump(office)
    marked = 0 if setup else patiently(_mark)
    office.orders.back()
    wait_for(lambda: not load.waiting(), what="what the copy says waits", seconds=30)
    _traffic(office, sender, 60)
    if not setup:  # no copy is put back the second it was made: the office has moved its mark since
        wait_for(lambda: patiently(_mark) >= marked + 2, what="the mark to move on")
    begun = time.monotonic()
    _restore(office, dump, in_place=in_place)
    report.sometimes["restored in place" if in_place else "restored elsewhere"] += 1
    if not setup:
        wait_for(lambda: patiently(holding.held), what="the hold after a restore", seconds=60)
        report.sometimes["called unknown"] += checker.unknown(reason="restored")
        report.counts["longest_seconds_to_ready"] = max(
            report.counts.get("longest_seconds_to_ready", 0), round(time.monotonic() - begun, 1)
        )
    replace_dead(office, staff, report, setup=setup)
    fresh = Load(list(User.objects.all()), sent=0)
    fresh.begin_at(900_000)
    patiently(lambda: fresh.send(30, via="plain"))
    time.sleep(0.3)
    holding.release()
    afterwards = Delivery.objects.filter(number__startswith="+324709")
    waits = afterwards.filter(state__in=("queued", "sending"))  # and nobody is killed while handing them over
    wait_for(lambda: not patiently(waits.exists), what="those accepted after the restore", seconds=60)
    found = [*judged(office, accepted=Delivery.objects.count(), setup=setup)]
    stayed = afterwards.exclude(state="sent").values_list("state", "reason", "attempt")
    if stayed or afterwards.count() != 30:
        found.append(f"of those accepted after the restore, {len(stayed)} did not leave: {set(stayed)}")
    report.counts["restores"] = report.counts.get("restores", 0) + 1
    if not setup:
        report.violated(found)
    return found


def _mark() -> int:
    return Continuity.objects.get(pk=1).mark


def _traffic(office: Office, sender: Load, deliveries: int) -> None:
    until = sender.sent + deliveries
    while sender.sent < until:
        send_some(office, sender, until)


def _dump(office: Office) -> Path:
    path = office.folder / "dump"
    with path.open("wb") as out:
        _run(office, ["pg_dump", "--format=custom", _name()], stdout=out)
    return path


def _restore(office: Office, dump: Path, *, in_place: bool) -> None:
    """Put the dump back under the same name: over what is there, or into a database made anew."""
    name = _name()
    connection.close()
    if in_place:
        words = ["pg_restore", "--clean", "--if-exists", "--single-transaction", "--dbname", name, str(dump)]
        patiently_restored(office, words, name)
        return
    office.world.servers.postgres.sql(f"DROP DATABASE {name} WITH (FORCE)")
    office.world.servers.postgres.sql(f"CREATE DATABASE {name}")
    _run(office, ["pg_restore", "--single-transaction", "--dbname", name, str(dump)])


def patiently_restored(office: Office, words: list[str], name: str) -> None:
    """Restore under working processes: a deadlock with one of them rolls all of it back, so it is tried again."""
    kick = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
    for left in range(9, -1, -1):
        office.world.servers.postgres.sql(kick)
        try:
            _run(office, words)
        except AssertionError:
            if not left:
                raise
        else:
            return


def _run(office: Office, words: list[str], **more: object) -> None:
    home = office.world.servers.postgres.address
    there = {**postgresql.plain_environment(), "PGHOST": str(home), "PGUSER": "postgres"}
    done = subprocess.run(
        [program(words[0]), *words[1:]],
        check=False,
        stderr=subprocess.PIPE,
        env=there,
        **more,  # type: ignore[call-overload]
    )
    if done.returncode:
        raise AssertionError(f"{words[0]}: {done.stderr.decode()[-500:]}")


def _name() -> str:
    return str(connection.settings_dict["NAME"])


def r6(world: World) -> Report:
    """Fail-over to a standby: a synchronous one loses nothing; an asynchronous one must be allowed by name."""
    report = Report("R6")
    for _ in range(world.figure(20)):
        with open_office(world, "R6") as office:
            report.violated(_fail_over(office, report, synchronous=True))
    with open_office(world, "R6-control") as office:
        found = list(_fail_over(office, report, synchronous=False))
        doubled = [each for each in found if each.startswith("doubled")]
        report.require(not doubled, f"even then nothing may leave twice: {doubled[:1]}")
        report.control_failed([each for each in found if each.startswith("lost")])
    report.happened("took over", "asynchronous standby refused", "asynchronous standby allowed by name")
    return report


def _fail_over(office: Office, report: Report, *, synchronous: bool) -> Iterator[str]:
    servers = office.world.servers
    primary, standby = servers.postgres, _standby_of(servers.postgres, synchronous=synchronous)
    staff = hire(office, roles=("worker", "run_dispatcher", "beat"))
    sender = Load(load.people(3))
    office.orders.behave({"accept": 1.0}, latency=0.005)
    _traffic(office, sender, 60)
    wait_for(lambda: Slot.objects.exists() and not load.waiting(), what="the traffic before")
    if not synchronous:
        _refused_at_start(office, report)
        _lag(primary)
    office.orders.away()
    _traffic(office, sender, 60)
    office.orders.back()
    _traffic(office, sender, 20)
    if not synchronous:
        wait_for(lambda: not load.waiting(), what="what the standby will not know", seconds=30)
    primary.crash()
    _take_over(office.world, standby)
    report.sometimes["took over"] += 1
    connection.close()
    wait_for(lambda: patiently(holding.held), what="the hold after a fail-over", seconds=30)
    there = patiently(Delivery.objects.count)
    if there < sender.sent:
        yield f"lost: {sender.sent} accepted, {there} on the standby"
    replace_dead(office, staff, report)
    if synchronous and checker.unknown(reason="restored"):
        yield "called unknown, though the standby has every commit"
    holding.release()
    report.counts["fail-overs"] = report.counts.get("fail-overs", 0) + 1
    yield from judged(office, accepted=there)


def _refused_at_start(office: Office, report: Report) -> None:
    """Every process refuses to start beside it, unless its name is allowed."""
    name = "asynchronous_standby"
    for allowed, words in (([], "asynchronous standby refused"), ([name], "asynchronous standby allowed by name")):
        said = office.call("tests.chaos.processes.may_serve", allowed=allowed)
        report.require((name in said) == (not allowed), f"with {allowed} allowed the start said: {said!r}")
        report.sometimes[words] += (name in said) == (not allowed)


def _standby_of(primary: Postgres, *, synchronous: bool) -> Postgres:
    """A running standby; `synchronous` has the primary's commits wait for it."""
    standby = Postgres(primary.home.with_name(f"heir-{time.monotonic_ns()}"), address=primary.address)
    standby.home.mkdir()
    if user():
        shutil.chown(standby.home, user())
    source = f"host={primary.home} user=postgres application_name=heir"
    words = [program("pg_basebackup"), "-D", str(standby.data), "-d", source, "-R", "-c", "fast", "--no-sync"]
    ids = {"user": user()} if user() else {}
    subprocess.run(words, check=True, capture_output=True, cwd="/", env=postgresql.plain_environment(), **ids)
    primary.sql(f"ALTER SYSTEM SET synchronous_standby_names = '{'*' if synchronous else ''}'")
    primary.sql("SELECT pg_reload_conf()")
    standby.start(wait=False)
    state = "sync" if synchronous else "async"
    wait_for(lambda: primary.sql("SELECT sync_state FROM pg_stat_replication") == [(state,)], what="the standby")
    return standby


def _lag(primary: Postgres) -> None:
    """Stop what brings the primary's commits to the standby, at its beginning: they never leave the primary."""
    for pid in primary.children():
        if "walsender" in Path(f"/proc/{pid}/cmdline").read_text():
            os.kill(pid, signal.SIGSTOP)


def _take_over(world: World, standby: Postgres) -> None:
    """Promote the standby, and have the old address lead to it."""
    wait_for(lambda: postgresql.answers(standby.home), what="the standby's answer")
    standby.sql("SELECT pg_promote()")
    wait_for(lambda: standby.sql("SELECT pg_is_in_recovery()") == [(False,)], what="the promotion")
    standby.sql("ALTER SYSTEM RESET synchronous_standby_names")
    standby.sql("SELECT pg_reload_conf()")
    world.servers.postgres = standby
    address_of(standby)
