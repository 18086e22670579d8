"""How the suite meets providers without code: the ready dialects, one of texts, and the adapter from README's text.

A ready dialect is chosen here by its shape: no provider's name stands in any file but its own.
"""

import asyncio
import base64
import json
import tomllib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import parse_qs, parse_qsl, urlsplit

from sms.gateways.contract import Gateway
from sms.gateways.http import open_session
from sms.gateways.provider import Provider
from sms.gateways.provider.adapter import DIALECTS
from tests.sms.gateways.benches import NETWORK, PATIENCE, WAITING, HttpBench
from tests.sms.gateways.contract import Scene
from tests.sms.gateways.courier import Courier
from tests.sms.gateways.provider import Provider as Double
from tests.sms.gateways.provider import Received, Reply, Words

NOWHERE = "http://records.invalid"
RECEIPTS_URL = "https://office.example/receipts/main/"


def ready(body: str) -> tuple[str, dict[str, Any]]:
    """Return the name and the description of the ready dialect whose body is of this kind."""
    described = {path.stem: tomllib.loads(path.read_text()) for path in sorted(DIALECTS.glob("*.toml"))}
    return next((name, said) for name, said in described.items() if body in said["body"])


def as_json(status: int, said: object, **headers: str) -> Reply:
    return Reply(
        status, json.dumps(said).encode(), headers={name.replace("_", "-"): it for name, it in headers.items()}
    )


class AskedWords(Words, Protocol):
    """The words of a provider that can be asked at `records`."""

    def answer(self, received: Received, journal: list[str]) -> Reply:
        """Return what is known of the reference in a question, the journal being what arrived."""


class FormWords:
    """A form with name and password; receipts signed over address and fields; nothing remembered of ours."""

    name, said = ready("form")
    values = {"account": "AC0123", "token": "of the tests"}

    def gateway(self, url: str, records: str = NOWHERE, **options: Any) -> Provider:
        url = f"{url.removesuffix('/sms')}{urlsplit(self.said['url']).path}"
        return Provider(dialect=self.name, url=url, values=self.values, receipts_url=RECEIPTS_URL, **options)

    def reference(self, received: Received) -> str:
        fields = self.fields(received)
        return parse_qs(urlsplit(fields["StatusCallback"]).query)["reference"][0]

    def fields(self, received: Received) -> dict[str, str]:
        """Return the form's fields, once the request is the documented one."""
        assert (received.method, received.path) == ("POST", "/2010-04-01/Accounts/AC0123/Messages.json")
        assert received.headers["content-type"] == "application/x-www-form-urlencoded"
        assert received.headers["authorization"] == f"Basic {base64.b64encode(b'AC0123:of the tests').decode()}"
        fields = dict(parse_qsl(received.body.decode(), strict_parsing=True))
        assert fields.keys() == {"To", "From", "Body", "StatusCallback"}
        return fields

    def accepted(self, reference: object) -> Reply:
        said = {"sid": reference, "status": "queued", "error_code": None, "error_message": None, "num_segments": "1"}
        return as_json(201, said)

    def error(self, status: int, code: int, **headers: str) -> Reply:
        said = {"code": code, "message": "In words, for people.", "more_info": f"https://x/{code}", "status": status}
        return as_json(status, said, **headers)

    def refused(self) -> Reply:
        return self.error(400, 21614)

    def refused_elsewhere(self) -> Reply:
        return self.error(400, 21408)

    def throttled(self) -> Reply:
        return self.error(429, 20429, Retry_After="7")


class JsonWords:
    """JSON with a token; message ids of our choice; receipts in lists; logs that can be asked."""

    name, said = ready("json")
    values = {"token": "of the tests", "office": "tests", "username": "office", "password": "of the receipts"}

    def gateway(self, url: str, records: str = NOWHERE, **options: Any) -> Provider:
        """Return the adapter, the double at `url` and its records being two hosts."""
        lookup = self.said["lookup"] | {"url": self.said["lookup"]["url"].replace("https://{host}", records)}
        address = self.said["url"].replace("https://{host}", url.removesuffix("/sms"))
        return Provider(dialect=self.name, url=address, lookup=lookup, values=self.values, **options)

    def reference(self, received: Received) -> str:
        return str(self.message(received)["webhooks"]["callbackData"])

    def message(self, received: Received) -> dict[str, Any]:
        """Return the one message, once the request is the documented one."""
        assert (received.method, received.path) == ("POST", "/sms/3/messages")
        assert received.headers["content-type"] == "application/json"
        assert received.headers["authorization"] == "Bearer of the tests"
        [message] = json.loads(received.body)["messages"]
        [destination] = message["destinations"]
        assert destination["messageId"] == f"tests-{message['webhooks']['callbackData']}"
        assert destination["to"].isdecimal()
        return dict(message)

    def status(self, group: str, name: str) -> dict[str, Any]:
        return {"groupId": 1, "groupName": group, "id": 26, "name": name, "description": "In words, for people."}

    def accepted(self, reference: object) -> Reply:
        return self.answered("PENDING", "PENDING_ACCEPTED", reference)

    def answered(self, group: str, name: str, reference: object = "tests-7") -> Reply:
        message = {"messageId": reference, "status": self.status(group, name), "destination": "32475123456"}
        return as_json(200, {"bulkId": "b-1", "messages": [message | {"details": {"messageCount": 1}}]})

    def refused(self) -> Reply:
        return self.answered("REJECTED", "REJECTED_DESTINATION")

    def refused_elsewhere(self) -> Reply:
        return as_json(401, {"errorCode": "E401", "description": "In words.", "violations": [], "resources": []})

    def throttled(self) -> Reply:
        return as_json(429, {"errorCode": "E429", "description": "In words."}, Retry_After="7")

    def answer(self, received: Received, journal: list[str]) -> Reply:
        assert received.headers["authorization"] == "Bearer of the tests"
        asked = urlsplit(received.path)
        assert (received.method, asked.path) == ("GET", "/sms/3/logs")
        [message] = parse_qs(asked.query)["messageId"]
        known = [{"messageId": message, "status": self.status("DELIVERED", "DELIVERED_TO_HANDSET")}]
        return as_json(200, {"results": known if message.removeprefix("tests-") in journal else []})


TEXTS = {
    "method": "GET",
    "auth": {"header": {"name": "X-Key", "value": "of the tests"}},
    "body": {"query": {"to": "{number_digits}", "text": "{text}", "kind": "{encoding}", "ref": "{reference}"}},
    "encodings": {"gsm7": "plain", "ucs2": "wide"},
    "accepted": {"statuses": [200], "reference": {"after": "<id>", "until": "</id>"}},
    "errors": {
        "code": {"in": [200], "at": {"after": "<error>", "until": "</error>"}},
        "codes": {"16": "refused", "4": "elsewhere"},
    },
}


class TextWords:
    """Everything in the address, and answers in XML: no receipts, nothing remembered."""

    def gateway(self, url: str, records: str = NOWHERE, **options: Any) -> Provider:
        return Provider(url=url, **TEXTS, **options)

    def reference(self, received: Received) -> str:
        assert received.method == "GET"
        assert received.headers["x-key"] == "of the tests"
        asked = parse_qs(urlsplit(received.path).query, strict_parsing=True)
        assert asked["text"] == ["Tot morgen om 9 u, “Jan” — 5 € 👍\nAnna"]
        assert (asked["to"], asked["kind"]) == (["32475123456"], ["wide"])
        return asked["ref"][0]

    def accepted(self, reference: object) -> Reply:
        inner = "".join(f"<item>{each}</item>" for each in reference) if isinstance(reference, list) else reference
        return self.said(f"<id>{'' if inner is None else inner}</id>")

    def said(self, inner: str) -> Reply:
        return Reply(200, f'<?xml version="1.0"?><answer>{inner}</answer>'.encode(), "text/xml")

    def refused(self) -> Reply:
        return self.said("<error>16</error>")

    def refused_elsewhere(self) -> Reply:
        return self.said("<error>4</error>")

    def throttled(self) -> Reply:
        return Reply(429, headers={"Retry-After": "7"})


class CourierWords:
    """The imaginary provider of the adapter that was written from README's text."""

    def gateway(self, url: str, records: str = NOWHERE, **options: Any) -> Courier:
        return Courier(url=url, key="of the tests", secret="of the receipts", **options)

    def reference(self, received: Received) -> str:
        assert received.headers["x-key"] == "of the tests"
        return dict(parse_qsl(received.body.decode()))["id"]

    def accepted(self, reference: object) -> Reply:
        return as_json(202, {"parcel": reference})

    def refused(self) -> Reply:
        return as_json(409, {"reason": "no_such_house"})

    def refused_elsewhere(self) -> Reply:
        return Reply(403)

    def throttled(self) -> Reply:
        return Reply(429, headers={"Retry-After": "7"})


class Records:
    """A provider's other server, which is asked what became of a reference: `answer` sees the request."""

    def __init__(self, answer: Callable[[Received], Reply]) -> None:
        self.answer = answer

    async def __aenter__(self) -> str:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").rstrip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        method, path, _version = first.split(" ")
        reply = self.answer(Received(method, path, headers, b""))
        head = f"HTTP/1.1 {reply.status} Whatever\r\nContent-Type: {reply.content_type}\r\n"
        writer.write(f"{head}Content-Length: {len(reply.body)}\r\nConnection: close\r\n\r\n".encode() + reply.body)
        await writer.drain()
        writer.close()


class Once(list[str]):
    """The journal of a provider that takes each reference once."""

    def append(self, reference: str) -> None:
        if reference not in self:
            super().append(reference)


@dataclass(frozen=True)
class RememberingBench(HttpBench):
    """A provider that takes each reference once, and can be asked."""

    words: AskedWords

    @asynccontextmanager
    async def at(self, behaviour: str) -> AsyncIterator[Scene]:
        if behaviour in NETWORK:
            async with super().at(behaviour) as scene:
                yield scene
            return
        double = Double(self.words, behaviour)
        double.journal = Once()
        records = Records(lambda received: self.words.answer(received, double.journal))
        async with double, records as address, open_session(window=10) as session:
            yield Scene(self._gateway(double.url, address, behaviour), session, lambda: double.journal)

    def _gateway(self, url: str, records: str, behaviour: str) -> Gateway:
        return self.words.gateway(url, records=records, **WAITING.get(behaviour, PATIENCE))


PROVIDERS = {
    "provider-form": HttpBench(FormWords()),
    "provider-json": RememberingBench(JsonWords()),
    "provider-text": HttpBench(TextWords()),
    "courier": HttpBench(CourierWords()),
}
