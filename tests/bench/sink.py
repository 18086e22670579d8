"""A provider that accepts whatever comes, as cheaply as Python can: the office's handset dialect over HTTP.

`python -m tests.bench.sink` prints its port. POST /50 answers after 50 ms; GET /journal tells what has come since the
last time, as JSON [[our reference, moment of the answer in seconds since 1970], …].
"""

import asyncio
import json
import sys
import time
from itertools import count

HEADERS = b"\r\n\r\n"
TAKEN = "HTTP/1.1 {} \r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n"


class Provider(asyncio.Protocol):
    """One connection; requests come one after the other."""

    journal: list[tuple[str, float]] = []
    numbers = count(1)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.buffer = b""

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while HEADERS in self.buffer:
            head, rest = self.buffer.split(HEADERS, 1)
            length = _length(head)
            if len(rest) < length:
                return
            self.buffer = rest[length:]
            self._take(head.split(b" ", 2)[1].decode(), rest[:length])

    def _take(self, path: str, body: bytes) -> None:
        if path == "/journal":
            told, Provider.journal = Provider.journal, []
            self._answer("200", json.dumps(told).encode())
            return
        delay = int(path.strip("/") or 0) / 1000
        reference = json.loads(body)["reference"]
        if delay:
            asyncio.get_running_loop().call_later(delay, self._accept, reference)
        else:
            self._accept(reference)

    def _accept(self, reference: str) -> None:
        Provider.journal.append((reference, time.time()))
        self._answer("201", b'{"reference": "sink-%d"}' % next(self.numbers))

    def _answer(self, status: str, body: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(TAKEN.format(status, len(body)).encode() + body)


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _colon, told = line.partition(b":")
        if name.lower() == b"content-length":
            return int(told)
    return 0


async def serve() -> None:
    server = await asyncio.get_running_loop().create_server(Provider, "127.0.0.1", 0, backlog=2000)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve())
