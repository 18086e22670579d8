"""G1, G3, R11, R12: gateways that misbehave, go away, speak late or twice, and adapters that raise."""

import http.client
import json
import time
from collections.abc import Iterator
from datetime import timedelta

from django.db import connection
from django.utils import timezone

from sms.models import Delivery, KeptReceipt, Message
from tests.chaos import adapter, checker, load
from tests.chaos.gateway_double import ILL, MOST_AT_ONCE, ill_mix
from tests.chaos.load import Load
from tests.chaos.office import Office, World, open_office, wait_for
from tests.chaos.verdicts import Report
from tests.servers import programs

WINDOW = 10
CALL_A_MINUTE = 70  # calls an hour, and a few to find out
IMPATIENT = ("tests.chaos.pace.lose_patience", {"seconds": 1.0})
ASKED_AGAIN = 601.0  # seconds after which a gateway that gave no answer is asked once more
CAPABILITIES = ("plain", "dedup", "asked")


def g1(world: World) -> Report:
    """Every ill behaviour, at gateways of every capability: what we call not sent, the journal must not have."""
    report = Report("G1")
    deliveries = world.figure(100_000, at_least=800)
    with open_office(world, "G1") as office:
        sender = Load(load.people(4))
        office.orders.behave(ill_mix(share=0.6 if world.scale < 5 else 0.25))
        workers = [office.start(each, setup=[IMPATIENT]) for each in ("worker", "run_dispatcher", "beat")]
        while sender.sent < deliveries:
            for via in (*CAPABILITIES, "routed"):
                sender.send(40, via=via)
            wait_for(lambda: load.waiting() < 600, what="the ill gateway", seconds=120, every=0.05)
            _leave_for_a_moment(office, sender)
        wait_for(lambda: load.waiting() < 20, what="the ill gateway's last ones", seconds=120, every=0.1)
        report.require(all(each.lives() for each in workers), "a worker ended because of a gateway")
        report.sometimes += office.orders.seen()
        report.happened(*ILL)
        report.counts = {"deliveries": sender.sent, "behaviours": sum(report.sometimes[each] > 0 for each in ILL)}
        office.settle(jump=ASKED_AGAIN)
        report.counts["states"] = checker.state_counts()
        report.ambiguous = checker.unknown()
        report.violated(checker.deliveries_are_right(office.journal))
        report.violated(checker.none_lost(sender.sent))
        report.violated(checker.books_are_right())
        report.violated(_settled_by_asking(office))
    return report


def _leave_for_a_moment(office: Office, sender: Load) -> None:
    if office.rng.random() < 0.3 or sender.sent <= 160:
        office.orders.away()
        time.sleep(office.rng.uniform(0.05, 0.3))
        office.orders.back()


def _settled_by_asking(office: Office) -> Iterator[str]:
    """What a gateway that can be asked has, is not unknown any more."""
    taken = checker.read(office.journal).by_id()
    open_ = Delivery.objects.filter(state="unknown", gateway="asked").values_list("pk", flat=True)
    unasked = [pk for pk in open_ if taken[pk]]
    if unasked:
        yield f"the gateway could have told of {len(unasked)}, such as {unasked[0]}"


def r12(world: World) -> Report:
    """Adapters that always raise, in `prepare` and in `send`, among SMS that are well."""
    report = Report("R12")
    with open_office(world, "R12") as office:
        sender = Load(load.people(2))
        wells = world.figure(3_000, at_least=60)
        for turn in range(wells // 10):
            sender.send(1, via="plain", text=adapter.RAISES_IN_PREPARE)
            sender.send(1, via="plain", text=adapter.RAISES_IN_SEND)
            sender.send(8, via=("plain", "asked")[turn % 2])
        for each in ("worker", "run_dispatcher", "beat"):
            office.start(each)
        well = Delivery.objects.exclude(message__text__startswith="raises")
        report.counts["blocked_seconds"] = round(
            wait_for(lambda: not well.exclude(state="sent").exists(), what="those that are well", seconds=60), 1
        )
        wait_for(lambda: not load.waiting(), what="five attempts", seconds=180)
        office.settle()
        prepared, sent = (_ended(text) for text in (adapter.RAISES_IN_PREPARE, adapter.RAISES_IN_SEND))
        report.counts |= {"prepare": prepared, "send": sent, "well": well.count()}
        report.require(set(prepared) == {"refused after 5"}, f"raised in prepare: {prepared}")
        report.require(set(sent) == {"unknown after 1"}, f"raised in send: {sent}")
        report.sometimes.update({"raised in prepare": sum(prepared.values()), "raised in send": sum(sent.values())})
        report.happened("raised in prepare", "raised in send")
        report.violated(checker.deliveries_are_right(office.journal))
        report.violated(checker.books_are_right())
    return report


def _ended(text: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for each in Delivery.objects.filter(message__text=text):
        end = f"{each.state} after {each.attempt}"
        found[end] = found.get(end, 0) + 1
    return found


def r11(world: World) -> Report:
    """A gateway away for six hours, then back; the office's own waits, its clock moved on."""
    report = Report("R11")
    deliveries = world.figure(12_000, at_least=120)
    with open_office(world, "R11") as office:
        sender = Load(load.people(2))
        office.orders.away()
        while sender.sent < deliveries:
            sender.send(20, via="plain")
        report.sometimes["refused_connection"] = office.orders.seen()["refused_connection"]
        hasty = list(Message.objects.values_list("pk", flat=True))[::3]
        Delivery.objects.filter(message__in=hasty).update(valid_until=timezone.now() + timedelta(hours=2))
        tries = office.call("tests.chaos.outage.hours", hours=6.0, shortened=False)
        office.orders.back()
        after = office.call("tests.chaos.outage.hours", hours=2.2, begin=6.02, shortened=False)
        seen, most = office.orders.seen()["accept"], office.orders.seen()[MOST_AT_ONCE]
        report.counts = {"deliveries": sender.sent, "tries": tries, "taken": seen, "at_once": most}
        report.counts["states"] = checker.state_counts()
        bound = max(0.1 * (tries + seen), CALL_A_MINUTE * 6)
        report.require(tries <= bound, f"{tries} calls into the void beside {seen}")
        report.require(most <= WINDOW, f"a stampede: {most} calls at once after the outage")
        report.require(after >= seen, "calls uncounted")
        expired = Delivery.objects.filter(state="expired")
        report.sometimes["expired"] = expired.count()
        report.require(not expired.filter(refund=None).exists(), "expired and not refunded")
        report.happened("refused_connection", "expired")
        report.violated(checker.deliveries_are_right(office.journal))
        report.violated(checker.books_are_right())
        report.require(not load.waiting(), f"{load.waiting()} still wait two hours later")
    return report


def g3(world: World) -> Report:
    """Receipts in every order: one end state, forward only, money never moves, forgers refused in the same words."""
    report = Report("G3")
    with open_office(world, "G3") as office:
        orders = world.figure(100_000, at_least=300)
        sender = Load(load.people(2))
        while sender.sent < orders:
            sender.send(min(500, orders - sender.sent), via="plain")
        office.call("settle")
        before = _money()
        told = office.call("tests.chaos.receipt_orders.tell", seed=world.seed)
        report.sometimes.update(told["sometimes"])
        report.happened("early", "late", "double", "crossed", "contradicting", "unknown")
        ends = set(Delivery.objects.values_list("state", "receipt"))
        report.counts = {"orders": orders, "receipts": told["receipts"], "ends": sorted(map(list, ends))}
        report.require(ends == {("sent", 3)}, f"more than one end: {ends}")
        report.require(told["backwards"] == 0, f"{told['backwards']} receipts went back")
        report.require(_money() == before, "money moved by a receipt")
        report.violated(checker.deliveries_are_right(office.journal))
        report.violated(checker.books_are_right())
        _forgers(office, report)
    return report


def _money() -> tuple[object, ...]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*), sum(amount), sum(parts) FROM credit_entry")
        return tuple(cursor.fetchone())


def _forgers(office: Office, report: Report) -> None:
    """Through the real web process: a forged receipt, one for no gateway, and one of 10 MB."""
    office.start("web", port=office.web_port)
    wait_for(lambda: programs.accepts(office.web_port), what="the web process")
    body = json.dumps([{"id": "1", "ref": "x", "state": 3, "at": time.time()}]).encode()
    forged = _post(office, "plain", body, "0" * 64)
    nobody = _post(office, "nobody", body, adapter.proof(body))
    large = _post(office, "plain", b"x" * 10_000_000, "0" * 64)
    kept = KeptReceipt.objects.count()
    good = _post(office, "plain", body, adapter.proof(body))
    report.sometimes.update({"forged": 1, "10 MB": 1})
    report.require(forged == nobody and forged[0] == 404, f"a forger learns something: {forged} {nobody}")
    report.require(large[0] == 413, f"10 MB: {large}")
    report.require(good[0] == 200 and KeptReceipt.objects.count() == kept + 1, f"the genuine one: {good}")


def _post(office: Office, alias: str, body: bytes, proof: str) -> tuple[int, bytes]:
    asked = http.client.HTTPConnection("127.0.0.1", office.web_port, timeout=20)
    try:
        asked.request("POST", f"/receipts/{alias}/", body, {"X-Proof": proof, "Content-Type": "application/json"})
        answer = asked.getresponse()
        return answer.status, answer.read()
    except (BrokenPipeError, ConnectionResetError):
        return 413, b"closed while it was still speaking"
    finally:
        asked.close()
