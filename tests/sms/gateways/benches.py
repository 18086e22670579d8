"""How the suite meets each adapter of this house."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import product
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from sms.gateways.contract import Gateway
from sms.gateways.http import open_session
from sms.gateways.kannel import Kannel
from sms.gateways.memory import Memory
from sms.gateways.phone import SIGNATURE, Phone, sign
from tests.sms.gateways.contract import Bench, Scene
from tests.sms.gateways.provider import BEHAVIOURS, Provider, Received, Reply, Words

# An adapter waits long in these tests, that a busy machine changes no verdict, and briefly where waiting is the point.
PATIENCE = {"timeout": 15.0, "connect_timeout": 10.0}
BRIEFLY = {"timeout": 0.6, "connect_timeout": 0.5}
BRIEFLY_AT_THE_DOOR = {"timeout": 15.0, "connect_timeout": 0.2}
WAITING = {
    "time_out_before_reading": BRIEFLY,
    "time_out_after_reading": BRIEFLY,
    "slow_bytes": BRIEFLY,
    "name_server_hangs": BRIEFLY_AT_THE_DOOR,
    "connect_time_out": BRIEFLY_AT_THE_DOOR,
    "tls_time_out": BRIEFLY_AT_THE_DOOR,
}


class PhoneWords:
    """The handset's dialect."""

    def gateway(self, url: str, **options: Any) -> Phone:
        return Phone(url=url, secret="of the tests", **options)

    def reference(self, received: Received) -> str:
        assert received.headers[SIGNATURE.lower()] == sign("of the tests", received.body)
        return str(json.loads(received.body)["reference"])

    def accepted(self, reference: object) -> Reply:
        return Reply(201, json.dumps({"reference": reference}).encode())

    def refused(self) -> Reply:
        return Reply(422, b'{"error": "switched_off"}')

    def refused_elsewhere(self) -> Reply:
        return Reply(401, b'{"error": "unauthorized"}')

    def throttled(self) -> Reply:
        return Reply(429, b"{}", headers={"Retry-After": "7"})


class KannelWords:
    """The dialect of smsbox, as a real one speaks it (test_kannel.py compares)."""

    def gateway(self, url: str, **options: Any) -> Kannel:
        names = {"username": "office", "password": "of the tests", "receipt_secret": "of the receipts"}
        return Kannel(url=url, receipts_url="http://office.test/receipts/kannel/", **names, **options)

    def reference(self, received: Received) -> str:
        assert received.headers["x-kannel-username"] == "office"
        return parse_qs(urlsplit(received.headers["x-kannel-dlr-url"]).query)["id"][0]

    def accepted(self, reference: object) -> Reply:
        return Reply(202, b"0: Accepted for delivery", "text/html")

    def refused(self) -> Reply:
        return Reply(400, b"Number(s) has/have been denied by white- and/or black-lists.", "text/html")

    def refused_elsewhere(self) -> Reply:
        return Reply(403, b"Authorization failed for sendsms", "text/html")

    def throttled(self) -> Reply:
        """Kannel names no moment itself; what stands before it may."""
        return Reply(503, b"Temporal failure, try again later.", "text/html", {"Retry-After": "7"})


class Resolver(AbstractResolver):
    """A name server that does not know, or never answers."""

    def __init__(self, *, hangs: bool) -> None:
        self._hangs = hangs

    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[ResolveResult]:
        if self._hangs:
            await asyncio.Event().wait()
        raise OSError(None, "Name or service not known")

    async def close(self) -> None:
        return


NETWORK = ("connection_refused", "name_unknown", "name_server_hangs", "connect_time_out", "tls_failure", "tls_time_out")


@dataclass(frozen=True)
class HttpBench:
    """Any adapter over HTTP, in the words of its provider."""

    words: Words
    relays: bool = False

    @property
    def shows(self) -> frozenset[str]:
        missing = set() if self.words.refused_elsewhere() else {"refuse_elsewhere"}
        if self.relays:
            missing |= {name for name in BEHAVIOURS if name.startswith("reference_")}
        return frozenset({*BEHAVIOURS, *NETWORK} - missing)

    def gateway(self, url: str, behaviour: str = "accept") -> Gateway:
        return self.words.gateway(url, **WAITING.get(behaviour, PATIENCE))

    @asynccontextmanager
    async def at(self, behaviour: str) -> AsyncIterator[Scene]:
        if behaviour in NETWORK:
            async with getattr(self, f"_{behaviour}")() as scene:
                yield scene
        else:
            async with Provider(self.words, behaviour) as provider, open_session(window=10) as session:
                yield Scene(self.gateway(provider.url, behaviour), session, lambda: provider.journal)

    @asynccontextmanager
    async def _connection_refused(self) -> AsyncIterator[Scene]:
        with socket.socket() as bound:
            bound.bind(("127.0.0.1", 0))
            async with open_session(window=10) as session:
                yield Scene(self.gateway(f"http://127.0.0.1:{bound.getsockname()[1]}/"), session, list)

    @asynccontextmanager
    async def _name_unknown(self, behaviour: str = "name_unknown") -> AsyncIterator[Scene]:
        connector = aiohttp.TCPConnector(resolver=Resolver(hangs=behaviour == "name_server_hangs"))
        async with aiohttp.ClientSession(connector=connector) as session:
            yield Scene(self.gateway("http://provider.invalid/", behaviour), session, list)

    def _name_server_hangs(self) -> Any:
        return self._name_unknown("name_server_hangs")

    @asynccontextmanager
    async def _connect_time_out(self) -> AsyncIterator[Scene]:
        """A machine that drops the first packet: its queue of connections is full and nobody takes from it."""
        async with AsyncExitStack() as stack:
            listening = stack.enter_context(socket.socket())
            listening.bind(("127.0.0.1", 0))
            listening.listen(0)
            for _ in range(3):
                waiting = stack.enter_context(socket.socket())
                waiting.setblocking(False)
                waiting.connect_ex(listening.getsockname())
            session = await stack.enter_async_context(open_session(window=10))
            url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
            yield Scene(self.gateway(url, "connect_time_out"), session, list)

    @asynccontextmanager
    async def _tls_failure(self, behaviour: str = "tls_failure") -> AsyncIterator[Scene]:
        """A server that speaks no TLS: it answers in plain words, or waits for more of them."""
        provided = "time_out_before_reading" if behaviour == "tls_time_out" else "speak_first"
        async with Provider(self.words, provided) as provider, open_session(window=10) as session:
            secure = provider.url.replace("http:", "https:")
            yield Scene(self.gateway(secure, behaviour), session, lambda: provider.journal)

    def _tls_time_out(self) -> Any:
        return self._tls_failure("tls_time_out")


@dataclass(frozen=True)
class MemoryBench:
    """The shipped fake, with the capabilities of some provider."""

    dedupes_by_reference: bool
    can_query: bool
    receipts_carry_reference: bool
    relays: bool = False

    scripted = {
        "connection_refused": "refuse_connection",
        "accept": "accept",
        "relay": "relay",
        "refuse": "refuse",
        "refuse_elsewhere": "refuse_elsewhere",
        "throttle": "throttle",
        "time_out_before_reading": "time_out_before",
        "time_out_after_reading": "time_out_after",
        "reset_before_reading": "reset_before",
        "reset_after_reading": "reset_after",
        "server_error_before": "server_error_before",
        "server_error_after": "server_error_after",
        "garbage": "garbage",
        "empty_object": "no_reference",
        "raise_in_prepare": "raise_in_prepare",
        "raise_in_send_before": "raise_in_send_before",
        "raise_in_send_after": "raise_in_send_after",
    }
    shows = frozenset(scripted)

    @asynccontextmanager
    async def at(self, behaviour: str) -> AsyncIterator[Scene]:
        memory = Memory(
            script=[self.scripted[behaviour]],
            dedupes_by_reference=self.dedupes_by_reference,
            can_query=self.can_query,
            receipts_carry_reference=self.receipts_carry_reference,
        )
        async with open_session(window=10) as session:
            yield Scene(memory, session, lambda: [line.reference for line in memory.arrivals()])


def _capable(dedupes: bool, query: bool, carry: bool) -> str:
    return "-".join(["memory", *("dedupes",) * dedupes, *("queried",) * query, *("carries",) * carry])


BENCHES: dict[str, Bench] = {
    **{_capable(*given): MemoryBench(*given) for given in product([False, True], repeat=3)},
    "phone": HttpBench(PhoneWords()),
    "kannel": HttpBench(KannelWords(), relays=True),
}
