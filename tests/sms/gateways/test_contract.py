"""The contract of gateway adapters, over every adapter of this house. contract.py says how to add one."""

import asyncio

import pytest

from sms.gateways.contract import Accepted, Gateway, NotSent, Refused, Relayed, Unknown, is_usable
from tests.log_lines import found_in
from tests.sms.gateways.benches import BENCHES as OURS
from tests.sms.gateways.contract import CELLS, Bench, Scene, an_sms, cell, handed_over
from tests.sms.gateways.provider_benches import PROVIDERS

BENCHES = {**OURS, **PROVIDERS}
EVERY_CELL = [(name, behaviour) for name, bench in BENCHES.items() for behaviour in sorted(bench.shows)
              if behaviour in CELLS]  # fmt: skip
MANY_CALLS = {"accept_once_then_close_under_the_next"}


@pytest.fixture(params=BENCHES)
def bench(request: pytest.FixtureRequest) -> Bench:
    return BENCHES[request.param]


@pytest.mark.parametrize(("name", "behaviour"), EVERY_CELL)
def test_each_behaviour_ends_in_the_right_verdict(name, behaviour, lines):
    sms = an_sms("7")

    async def scenario():
        async with BENCHES[name].at(behaviour) as scene:
            return await handed_over(scene, sms), scene.journal()

    verdict, journal = asyncio.run(scenario())
    right = cell(BENCHES[name], behaviour)
    assert (type(verdict), journal) == (right.verdict, ["7"] * right.arrivals), verdict
    if isinstance(verdict, NotSent | Unknown):
        assert 0 < len(verdict.why) <= 40
        assert "475" not in verdict.why  # it goes into logs
    assert found_in(lines(), [sms.number, sms.number[1:], sms.text]) == []


def test_every_behaviour_that_a_bench_shows_is_judged(bench):
    assert bench.shows - CELLS.keys() <= MANY_CALLS


def test_a_promise_that_nothing_left_is_kept():
    for right in CELLS.values():
        assert right.arrivals == 0 or right.verdict not in {NotSent, Refused}
        assert right.arrivals == 1 or right.verdict not in {Accepted, Relayed}


def test_there_are_enough_behaviours():
    assert len(BENCHES["phone"].shows) >= 40
    assert len(EVERY_CELL) >= 150


def test_a_yes_brings_a_reference_that_can_be_kept(bench):
    verdict = asyncio.run(_verdict(bench, "accept"))
    if bench.relays:
        assert verdict == Relayed("")
    else:
        assert isinstance(verdict, Accepted)
        assert is_usable(verdict.reference)


def test_throttling_tells_when_to_come_back(bench):
    assert asyncio.run(_verdict(bench, "throttle")) == NotSent("throttled", retry_after=7.0)


def test_a_refusal_says_whether_another_gateway_may_try(bench):
    here, elsewhere = (asyncio.run(_verdict(bench, name)) for name in ("refuse", "refuse_elsewhere"))
    assert (here.elsewhere, elsewhere.elsewhere) == (False, True)
    for refused in (here, elsewhere):
        assert refused.reason.isascii()
        assert 0 < len(refused.reason) <= 40


def test_the_same_adapter_serves_a_window_of_calls_at_once(bench):
    async def scenario():
        async with bench.at("accept") as scene:
            window = [an_sms(str(each)) for each in range(1, scene.gateway.window + 1)]
            verdicts = await asyncio.gather(*(handed_over(scene, each) for each in window))
            return verdicts, sorted(scene.journal(), key=int), [each.reference for each in window]

    verdicts, journal, asked = asyncio.run(scenario())
    assert journal == asked
    assert len({verdict.reference for verdict in verdicts}) == (1 if bench.relays else len(asked))


def test_the_same_reference_twice_is_one_sms_where_the_provider_says_so(bench):
    async def scenario():
        async with bench.at("accept") as scene:
            verdicts = [await handed_over(scene, an_sms("7", attempt=attempt)) for attempt in (1, 2)]
            return scene.gateway.dedupes_by_reference, verdicts, scene.journal()

    dedupes, verdicts, journal = asyncio.run(scenario())
    assert journal == ["7"] * (1 if dedupes else 2)
    assert (verdicts[0] == verdicts[1]) is (dedupes or bench.relays)


@pytest.mark.parametrize("behaviour", ["accept", "time_out_after_reading", "time_out_before_reading"])
def test_a_question_tells_what_arrived_and_nothing_of_what_did_not(bench, behaviour):
    async def scenario():
        async with bench.at(behaviour) as scene:
            await handed_over(scene, an_sms("7"))
            arrived = scene.gateway.can_query and bool(scene.journal())
            return arrived, await scene.gateway.query("7", scene.session), await scene.gateway.query("8", scene.session)

    arrived, answer, of_another = asyncio.run(scenario())
    assert isinstance(answer, Accepted) is arrived
    assert answer is None or arrived
    assert of_another is None


def test_a_receipt_of_an_unverified_sender_is_forged_whatever_it_says(bench):
    from sms.gateways.contract import Forged

    async def scenario():
        async with bench.at("accept") as scene:
            return scene.gateway

    gateway: Gateway = asyncio.run(scenario())
    for body in (b"", b"\xff\x00", b"[" * 60_000, b'{"reference": "7", "state": "delivered"}'):
        for headers in ({}, {"X-Office-Signature": "é"}, {"X-Office-Signature": "0" * 64}, {"X-Memory-Secret": ""}):
            with pytest.raises(Forged):
                gateway.read_receipts(headers=headers, query={"reference": "7"}, body=body)


def test_pace_is_an_option_of_every_adapter(bench):
    async def scenario():
        async with bench.at("accept") as scene:
            return scene.gateway.window, scene.gateway.rate

    assert asyncio.run(scenario()) == (10, None)


async def _verdict(bench: Bench, behaviour: str) -> Accepted | Relayed | NotSent | Refused | Unknown:
    async with bench.at(behaviour) as scene:
        return await handed_over(_only(scene), an_sms("7"))


def _only(scene: Scene) -> Scene:
    assert scene.journal() == []
    return scene
