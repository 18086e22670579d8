"""The shipped fake: told to fail in each way, and its own journal, shared by processes where it is a file."""

import asyncio
import fcntl
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from sms.gateways.contract import Accepted, BadOptions, Forged, NotSent, ReceiptState, Refused, Relayed, Unknown
from sms.gateways.memory import BEHAVIOURS, SECRET, Behaviour, Memory, receipts_body
from tests.servers import PROJECT
from tests.sms.gateways.contract import an_sms

OTHER_PROCESS = """
import asyncio, sys
from sms.gateways.contract import HandOver
from sms.gateways.memory import Memory
memory = Memory(journal=sys.argv[1], dedupes_by_reference=True)
for reference in sys.argv[2:]:
    sms = HandOver(reference, "+32475123456", "Hallo", "gsm7", 1, "Office", 1)
    print(asyncio.run(memory.send(memory.prepare(sms))).reference)
"""


def sent(memory, *references, number="+32475123456"):
    prepared = [memory.prepare(an_sms(each, number=number)) for each in references]
    return [asyncio.run(memory.send(each)) for each in prepared]


def test_without_a_script_everything_is_accepted_and_in_the_journal():
    memory = Memory()
    assert sent(memory, "7", "8") == [Accepted("memory-1"), Accepted("memory-2")]
    [first, second] = memory.arrivals()
    assert (first.reference, first.number, first.attempt) == ("7", "+32475123456", 1)
    assert first.text == an_sms("7").text
    assert second.gateway_reference == "memory-2"


def test_a_list_is_played_in_order_and_then_all_is_well():
    memory = Memory(script=["throttle", "refuse", "time_out_after"])
    verdicts = sent(memory, "1", "2", "3", "4")
    assert verdicts == [NotSent("throttled", 7.0), Refused("not_possible"), Unknown("time_out"), Accepted("memory-2")]
    assert [line.reference for line in memory.arrivals()] == ["3", "4"]


def test_a_mapping_is_played_by_number():
    memory = Memory()
    memory.play({"+32475123456": ["refuse", Behaviour(relayed=True)]})
    assert sent(memory, "1", number="+32476000000") == [Accepted("memory-1")]
    assert sent(memory, "2", "3", "4") == [Refused("not_possible"), Relayed("memory-2"), Accepted("memory-3")]


def test_a_function_is_asked_for_each_hand_over():
    memory = Memory()
    memory.play(lambda hand_over: "refuse" if hand_over.reference == "13" else None)
    assert sent(memory, "12", "13", "14") == [Accepted("memory-1"), Refused("not_possible"), Accepted("memory-2")]


def test_a_new_script_stands_for_the_old_one():
    memory = Memory(script=["refuse"] * 5)
    memory.play([])
    assert sent(memory, "1") == [Accepted("memory-1")]


@pytest.mark.parametrize("script", [["explode"], "accept", 7, {"+32475123456": ["explode"]}])
def test_a_script_that_means_nothing_is_refused(script):
    with pytest.raises(BadOptions) as refused:
        Memory(script=script)
    assert refused.value.option == "script"


def test_latency_waits_after_the_journal_is_written():
    waited = []

    async def wait(seconds):
        waited.append((seconds, len(memory.arrivals())))

    memory = Memory(latency=0.5, wait=wait, script=["accept", "slow"])
    sent(memory, "1", "2")
    assert waited == [(0.5, 1), (5.5, 2)]


def test_every_behaviour_has_an_outcome():
    async def at_once(seconds):
        return

    for name in BEHAVIOURS:
        memory = Memory(script=[name], wait=at_once)
        try:
            prepared = memory.prepare(an_sms())
            verdict = prepared if isinstance(prepared, Refused) else asyncio.run(memory.send(prepared))
        except Exception as error:
            verdict = error
        arrived = len(memory.arrivals())
        assert arrived == BEHAVIOURS[name].arrives
        if isinstance(verdict, Accepted | Relayed):
            assert arrived == 1
        if isinstance(verdict, NotSent | Refused):
            assert arrived == 0


def test_the_journal_in_a_file_is_shared_by_processes(tmp_path):
    path = str(tmp_path / "journal.jsonl")
    memory = Memory(journal=path, dedupes_by_reference=True)
    assert sent(memory, "1") == [Accepted("memory-1")]
    command = [sys.executable, "-c", OTHER_PROCESS, path, "1", "2"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=PROJECT)
    assert done.stdout.split() == ["memory-1", "memory-2"]
    assert sent(memory, "2", "3") == [Accepted("memory-2"), Accepted("memory-3")]
    with open(path) as file:
        lines = [json.loads(line) for line in file]
    assert [line["reference"] for line in lines] == ["1", "2", "3"]
    assert [line.reference for line in memory.arrivals()] == ["1", "2", "3"]


def test_threads_lose_and_double_nothing(tmp_path):
    fakes = [Memory(journal=str(tmp_path / "journal.jsonl"), dedupes_by_reference=True) for _ in range(4)]
    with ThreadPoolExecutor(8) as pool:
        jobs = [pool.submit(sent, fake, *map(str, range(1, 51))) for fake in fakes for _ in range(2)]
        verdicts = [job.result() for job in jobs]
    assert all(each == verdicts[0] or set(each) == set(verdicts[0]) for each in verdicts)
    assert sorted(int(line.reference) for line in fakes[0].arrivals()) == list(range(1, 51))


def test_a_process_waits_for_another_that_has_the_journal(tmp_path):
    memory = Memory(journal=str(tmp_path / "journal.jsonl"))
    with open(tmp_path / "journal.jsonl", "ab") as held, ThreadPoolExecutor(1) as pool:
        fcntl.flock(held, fcntl.LOCK_EX)
        waiting = pool.submit(sent, memory, "1")
        with pytest.raises(TimeoutError):
            waiting.result(timeout=0.2)
        fcntl.flock(held, fcntl.LOCK_UN)
        assert waiting.result(timeout=10) == [Accepted("memory-1")]


@pytest.mark.parametrize("carries", [True, False])
def test_receipts_carry_the_reference_that_the_provider_knows(carries):
    memory = Memory(receipts_carry_reference=carries, secret="of the tests")
    sent(memory, "7")
    receipt = memory.receipt(memory.arrivals()[0], state=ReceiptState.DELIVERED)
    assert (receipt.reference, receipt.gateway_reference) == (("7", "") if carries else ("", "memory-1"))
    body = receipts_body([receipt])
    assert memory.read_receipts(headers={SECRET: "of the tests"}, query={}, body=body) == [receipt]
    with pytest.raises(Forged):
        memory.read_receipts(headers={SECRET: "guessed"}, query={}, body=body)
    assert "of the tests" not in repr(memory)


@pytest.mark.parametrize("body", [b"", b"7", b'["x"]', b'[{"reference": "7"}]', b"[" * 60_000])
def test_a_verified_request_that_cannot_be_read_is_a_value_error(body):
    memory = Memory(secret="of the tests")
    with pytest.raises(ValueError, match=r"."):
        memory.read_receipts(headers={SECRET: "of the tests"}, query={}, body=body)


def test_a_no_of_the_operator_is_no_evidence_that_it_left():
    memory = Memory(script=["relay"])
    sent(memory, "7")
    receipt = memory.receipt(memory.arrivals()[0], state=None, refused="rejected")
    assert (receipt.left, receipt.refused, receipt.state) == (False, "rejected", None)
