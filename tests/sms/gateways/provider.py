"""A provider over HTTP that misbehaves on demand: a real server, byte by byte, with its own journal.

`Words` is what differs between providers; `BEHAVIOURS` is what goes wrong with any of them. A new HTTP adapter brings
its Words and gets every behaviour.
"""

import asyncio
import gzip
import json
import socket
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

from sms.gateways.contract import Gateway


@dataclass(frozen=True)
class Received:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Reply:
    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)


class Words(Protocol):
    """One provider's dialect, as its double speaks it."""

    def gateway(self, url: str, **options: Any) -> Gateway:
        """Return the adapter under test, pointed at the double."""

    def reference(self, received: Received) -> str:
        """Return our reference, read from the provider's side of the wire."""

    def accepted(self, reference: object) -> Reply:
        """Return the provider's documented yes with its own reference."""

    def refused(self) -> Reply:
        """Return a documented, permanent no."""

    def refused_elsewhere(self) -> Reply | None:
        """Return a documented no that another gateway may not give; None where there is none."""

    def throttled(self) -> Reply:
        """Return the documented "slow down, and come back in 7 seconds"."""


class Exchange:
    """One connection, as the provider sees it."""

    def __init__(self, provider: "Provider", reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.provider, self.words = provider, provider.words
        self.reader, self.writer = reader, writer

    async def read(self) -> Received:
        """Read one request whole, without taking the SMS on."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.rstrip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        method, path, _version = first.split(" ")
        return Received(method, path, headers, await self.reader.readexactly(int(headers.get("content-length", 0))))

    async def take(self) -> str:
        """Read one request and take its SMS on: it is in the journal from here, whatever is answered."""
        received = await self.read()
        self.provider.journal.append(self.words.reference(received))
        return f"theirs-{len(self.provider.journal)}"

    async def answer(self, reply: Reply) -> None:
        headers = {"Content-Type": reply.content_type, "Content-Length": str(len(reply.body)), **reply.headers}
        await self.write(_head(reply.status, headers) + reply.body)

    async def write(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def hang(self) -> None:
        """Say nothing more until the test is over."""
        await self.provider.over.wait()

    def reset(self) -> None:
        """Break the connection with RST instead of FIN."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


def _head(status: int, headers: dict[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} Whatever", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


async def accept(on: Exchange) -> None:
    while True:
        await on.answer(on.words.accepted(await on.take()))


async def accept_and_close_quietly(on: Exchange) -> None:
    await on.answer(on.words.accepted(await on.take()))


async def accept_once_then_close_under_the_next(on: Exchange) -> None:
    await on.answer(on.words.accepted(await on.take()))
    await on.reader.read(1)
    on.reset()


async def accept_until_the_end_of_the_connection(on: Exchange) -> None:
    reply = on.words.accepted(await on.take())
    await on.write(f"HTTP/1.0 {reply.status} OK\r\nContent-Type: {reply.content_type}\r\n\r\n".encode() + reply.body)


async def refuse(on: Exchange) -> None:
    await on.read()
    await on.answer(on.words.refused())


async def refuse_elsewhere(on: Exchange) -> None:
    await on.read()
    reply = on.words.refused_elsewhere()
    assert reply
    await on.answer(reply)


async def throttle(on: Exchange) -> None:
    await on.read()
    await on.answer(on.words.throttled())


async def time_out_before_reading(on: Exchange) -> None:
    await on.hang()


async def time_out_after_reading(on: Exchange) -> None:
    await on.take()
    await on.hang()


async def reset_before_reading(on: Exchange) -> None:
    on.reset()


async def reset_after_reading(on: Exchange) -> None:
    await on.take()
    on.reset()


async def close_after_reading(on: Exchange) -> None:
    await on.take()


async def close_within_the_answer(on: Exchange) -> None:
    reply = on.words.accepted(await on.take())
    await on.write(_head(reply.status, {"Content-Type": reply.content_type, "Content-Length": "5000"}) + reply.body)


async def slow_bytes(on: Exchange) -> None:
    reply = on.words.accepted(await on.take())
    await on.write(_head(reply.status, {"Content-Type": reply.content_type, "Content-Length": "5000"}))
    while True:
        await on.write(b" ")
        await asyncio.sleep(0.05)


async def garbage(on: Exchange) -> None:
    await on.take()
    await on.write(b"\x00\xff\xfe this is not HTTP \r\n\r\n")


async def speak_first(on: Exchange) -> None:
    await on.write(b"220 this is a mail server\r\n")
    await on.reader.read()


async def huge_body(on: Exchange) -> None:
    reply = on.words.accepted(await on.take())
    await on.answer(Reply(reply.status, reply.body + b" " * 50_000_000, reply.content_type))


async def endless_chunks(on: Exchange) -> None:
    status = on.words.accepted(await on.take()).status
    await on.write(_head(status, {"Content-Type": "application/json", "Transfer-Encoding": "chunked"}))
    while True:
        await on.write(b"ffff\r\n" + b" " * 0xFFFF + b"\r\n")


async def compressed_bomb(on: Exchange) -> None:
    reply = on.words.accepted(await on.take())
    bomb = gzip.compress(reply.body + b" " * 50_000_000)
    await on.answer(Reply(reply.status, bomb, reply.content_type, {"Content-Encoding": "gzip"}))


async def huge_headers(on: Exchange) -> None:
    reply = on.words.accepted(await on.take())
    await on.answer(Reply(reply.status, reply.body, reply.content_type, {"X-Long": "x" * 100_000}))


def answers(make: Callable[[Reply], Reply], *, taken: bool = True) -> "Behaviour":
    """A behaviour that answers with something made from the documented yes, whether it took the SMS or not."""

    async def behave(on: Exchange) -> None:
        theirs = await on.take() if taken else str(await on.read())[:9]
        await on.answer(make(on.words.accepted(theirs)))

    return behave


def answers_reference(reference: object) -> "Behaviour":
    """A behaviour that says yes with a reference that is none."""

    async def behave(on: Exchange) -> None:
        await on.take()
        await on.answer(on.words.accepted(reference))

    return behave


def redirect(status: int) -> "Behaviour":
    return answers(lambda _yes: Reply(status, headers={"Location": "/elsewhere", "Connection": "close"}))


def status(code: int, *, taken: bool = False, **headers: str) -> "Behaviour":
    return answers(lambda yes: Reply(code, yes.body, yes.content_type, headers), taken=taken)


def html(yes: Reply) -> Reply:
    return Reply(yes.status, b"<!doctype html><title>Welcome</title>", "text/html")


Behaviour = Callable[[Exchange], Awaitable[None]]

BEHAVIOURS: dict[str, Behaviour] = {
    "accept": accept,
    "accept_and_close_quietly": accept_and_close_quietly,
    "accept_once_then_close_under_the_next": accept_once_then_close_under_the_next,
    "accept_until_the_end_of_the_connection": accept_until_the_end_of_the_connection,
    "refuse": refuse,
    "refuse_elsewhere": refuse_elsewhere,
    "throttle": throttle,
    "time_out_before_reading": time_out_before_reading,
    "time_out_after_reading": time_out_after_reading,
    "reset_before_reading": reset_before_reading,
    "reset_after_reading": reset_after_reading,
    "close_after_reading": close_after_reading,
    "close_within_the_answer": close_within_the_answer,
    "slow_bytes": slow_bytes,
    "garbage": garbage,
    "speak_first": speak_first,
    "huge_body": huge_body,
    "endless_chunks": endless_chunks,
    "compressed_bomb": compressed_bomb,
    "huge_headers": huge_headers,
    "server_error_before": status(500),
    "server_error_after": status(500, taken=True),
    "bad_gateway": status(502, taken=True),
    "unavailable_with_retry_after": status(503, **{"Retry-After": "5"}),
    "undocumented_404": status(404),
    "undocumented_418_after": status(418, taken=True),
    "undocumented_yes": status(299, taken=True),
    "empty_answer": answers(lambda yes: Reply(yes.status)),
    "empty_object": answers(lambda yes: Reply(yes.status, b"{}")),
    "html": answers(html),
    "html_called_json": answers(lambda yes: Reply(yes.status, html(yes).body)),
    "wrong_content_type": answers(lambda yes: Reply(yes.status, yes.body, "image/png")),
    "bad_bytes": answers(lambda yes: Reply(yes.status, b"\xff\xfe\x00")),
    "cut_json": answers(lambda yes: Reply(yes.status, yes.body[:-1])),
    "nested_json": answers(lambda yes: Reply(yes.status, b"[" * 60_000)),
    "json_list": answers(lambda yes: Reply(yes.status, json.dumps(["theirs-1"]).encode())),
    "reference_empty": answers_reference(""),
    "reference_blank": answers_reference("  "),
    "reference_null": answers_reference(None),
    "reference_list": answers_reference(["theirs-1"]),
    "reference_too_long": answers_reference("x" * 101),
    "reference_with_nul": answers_reference("theirs\x00"),
    "redirect_301": redirect(301),
    "redirect_302": redirect(302),
    "redirect_303": redirect(303),
    "redirect_307": redirect(307),
    "redirect_308": redirect(308),
}


class Provider:
    """The double: `async with Provider(words, "accept") as provider`, then `provider.url` and `provider.journal`."""

    def __init__(self, words: Words, behaviour: str) -> None:
        self.words = words
        self.behave = BEHAVIOURS[behaviour]
        self.journal: list[str] = []
        self.connections = 0
        self.over = asyncio.Event()
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/sms"

    async def __aenter__(self) -> "Provider":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self.over.set()
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        with suppress(asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
            await self.behave(Exchange(self, reader, writer))
        writer.close()
