"""What every HTTP adapter shares: the order of steps, and which failure means which verdict.

An adapter over HTTP inherits from `HttpGateway` and says two things in its provider's words: `request`, what goes out,
and `verdict`, what a documented answer means. Everything else, from the refused connection to the answer of ten
megabytes, is judged here, once.
"""

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar

import aiohttp

from sms.gateways.contract import (
    CALL_SECONDS,
    CONNECT_SECONDS,
    WINDOW,
    Accepted,
    BadOptions,
    Forged,
    HandOver,
    NotSent,
    Receipt,
    Refused,
    Relayed,
    Unknown,
    Verdict,
    is_usable,
)

ANSWER_BYTES = 64 * 1024
LONGEST_REST = 3600.0
# Many servers close a connection that was idle for 2 to 5 seconds; a call that meets that moment is lost in doubt.
IDLE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Call:
    """One request of the provider's dialect. `url` "" means the adapter's own."""

    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    method: str = "POST"
    url: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, read whole; `headers` ignores case."""

    status: int
    content_type: str
    headers: Mapping[str, str]
    body: bytes


class AnswerTooLong(Exception):
    """More bytes than any answer to one SMS needs; the rest was not read."""


class Lost(aiohttp.ClientError):
    """The connection ended under a call that may have been read."""


def open_session(*, window: int) -> aiohttp.ClientSession:
    """Return a session for one gateway, to be closed by the caller; needs a running event loop.

    It keeps no cookies, follows no proxy of the environment, and holds at most `window` connections.
    """
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=window, keepalive_timeout=IDLE_SECONDS),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=CALL_SECONDS, connect=CONNECT_SECONDS),
    )


def json_object(body: bytes) -> dict[str, Any]:
    """Return the JSON object in `body`; raises ValueError for anything else, nesting bombs included."""
    try:
        read = json.loads(body)
    except RecursionError:
        raise ValueError("nested too deep") from None
    if not isinstance(read, dict):
        raise ValueError("not an object")
    return read


def reason_code(told: object) -> str:
    """Return the provider's error as a code fit for `Refused.reason`; "refused" where it is none."""
    return told if isinstance(told, str) and re.fullmatch(r"[a-z0-9_]{1,40}", told) else "refused"


@dataclass(frozen=True, kw_only=True)
class HttpGateway(ABC):
    """One call by HTTP. `timeout` is in seconds for all of it, `connect_timeout` for what comes before the request."""

    url: str
    window: int = WINDOW
    rate: float | None = None
    timeout: float = CALL_SECONDS
    connect_timeout: float | None = None

    dedupes_by_reference: ClassVar[bool] = False
    can_query: ClassVar[bool] = False
    receipts_carry_reference: ClassVar[bool] = False
    throttling: ClassVar[frozenset[int]] = frozenset({429})

    def __post_init__(self) -> None:
        if not re.fullmatch(r"https?://[^\s/]\S*", self.url):
            raise BadOptions("url", "must begin with http:// or https://.")
        if not 0 < self.timeout <= CALL_SECONDS:
            raise BadOptions("timeout", f"must be more than 0 and at most {CALL_SECONDS:g} seconds.")
        if self.connect_timeout is not None and not 0 < self.connect_timeout < self.timeout:
            raise BadOptions("connect_timeout", "must be more than 0 and less than the timeout.")

    @abstractmethod
    def request(self, hand_over: HandOver) -> Call | Refused:
        """Return the call for one SMS, or `Refused` where the provider would not take it."""

    @abstractmethod
    def verdict(self, answer: Answer) -> Verdict | None:
        """Return what a documented answer means; None, or any exception, where it is not documented."""

    def prepare(self, hand_over: HandOver) -> Call | Refused:
        """Return the call for `send`."""
        return self.request(hand_over)

    async def send(self, prepared: Call, session: aiohttp.ClientSession) -> Verdict:
        """Make the call once. What breaks before the first byte is `NotSent`, what breaks after is `Unknown`."""
        try:
            answer = await self.fetch(prepared, session)
        except (
            aiohttp.ClientConnectorError,
            aiohttp.ConnectionTimeoutError,
            aiohttp.ServerFingerprintMismatch,
            aiohttp.InvalidURL,
        ) as error:
            return NotSent(type(error).__name__)
        except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError):
            return Unknown(Lost.__name__)
        except (aiohttp.ClientError, TimeoutError, OSError, AnswerTooLong) as error:
            return Unknown(type(error).__name__)
        return self.judge(answer)

    async def query(self, reference: str, session: aiohttp.ClientSession) -> Verdict | None:
        """Ask nothing: an adapter that declares `can_query` overrides this."""
        return None

    def read_receipts(self, *, headers: Mapping[str, str], query: Mapping[str, str], body: bytes) -> Sequence[Receipt]:
        """Believe nobody: an adapter whose provider sends receipts overrides this."""
        raise Forged

    async def fetch(self, call: Call, session: aiohttp.ClientSession) -> Answer:
        """Make `call` once and return its answer; raises aiohttp's errors, TimeoutError, `AnswerTooLong`."""
        async with session.request(
            call.method,
            call.url or self.url,
            data=call.body or None,
            headers={"Accept-Encoding": "identity", **call.headers},
            allow_redirects=False,
            timeout=self._timeout,
            middlewares=() if call.method == "POST" else (_never_again,),
        ) as response:
            body = await _read(response)
            return Answer(response.status, response.content_type, response.headers, body)

    def judge(self, answer: Answer) -> Verdict:
        """Return what `answer` means: the rules of HTTP first, then the dialect, and `Unknown` for the rest."""
        if self.is_throttling(answer):
            return NotSent("throttled", _rest(answer))
        if 300 <= answer.status < 400 or answer.status >= 500:
            return Unknown(f"http_{answer.status}")
        try:
            verdict = self.verdict(answer)
        except Exception as error:
            return Unknown(f"unreadable_{type(error).__name__}")
        return _storable(verdict) if verdict else Unknown(f"undocumented_{answer.status}")

    def is_throttling(self, answer: Answer) -> bool:
        """Return whether `answer` is the documented "not now, come back later", which proves that nothing was taken."""
        return answer.status in self.throttling

    @cached_property
    def _timeout(self) -> aiohttp.ClientTimeout:
        """Return the time-outs; connecting always ends first, so that a server that is away is never in doubt."""
        connect = self.connect_timeout or min(CONNECT_SECONDS, self.timeout / 2)
        return aiohttp.ClientTimeout(total=self.timeout, connect=connect)


async def _never_again(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Keep aiohttp from repeating a call: after a disconnect it sends a GET again by itself, and it goes out twice.

    A POST it never repeats.
    """
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise Lost(type(error).__name__) from error


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """Return the body, at most ANSWER_BYTES; raises `AnswerTooLong` and drops the connection."""
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > ANSWER_BYTES:
            response.close()
            raise AnswerTooLong
    return bytes(body)


def _rest(answer: Answer) -> float | None:
    """Return the seconds of Retry-After (RFC 9110, 10.2.3), at most an hour; None where absent or given as a date."""
    told = answer.headers.get("Retry-After", "")
    return min(float(told), LONGEST_REST) if re.fullmatch(r"[0-9]{1,9}", told) else None


def _storable(verdict: Verdict) -> Verdict:
    """Return the verdict as our rows can hold it: a yes with no usable reference is in doubt, a reason is a code."""
    gives_none = isinstance(verdict, Relayed) and not verdict.reference
    if isinstance(verdict, Accepted | Relayed) and not gives_none and not is_usable(verdict.reference):
        return Unknown("no_usable_reference")
    if isinstance(verdict, Refused):
        return replace(verdict, reason=reason_code(verdict.reason))
    return verdict
