"""Logs: one line per event, JSON for machines, plain for a person at a terminal. Never anybody's data (FAULTS S1).

What our code logs is a name and figures (`log.info("gateway_drained", alias=…, count=…)`). What libraries log is kept
as the sentence that they wrote into their code, without the values that they put in: those may be a number, a name, an
address. Of an exception its type and the places in the code stay, not its words: PostgreSQL's tell the row.
"""

import logging
import logging.config
import re
import sys
import traceback
from types import TracebackType
from typing import Any

import structlog
from django.http import HttpRequest
from django_structlog.middlewares import RequestMiddleware
from structlog.typing import EventDict

FRAMES = 12  # the last places in the code; the first ones are the server's
WITHHELD = ("error", "exception", "ip", "user_agent")
_SECRETS = re.compile(r"\+?\d(?:[ ./()-]?\d){6,}|[^\s@<>]+@[^\s@<>]+")


class RequestLog(RequestMiddleware):
    """One line per request, under an id that all lines of the request bear: the route, not the address asked for.

    An address may hold what was searched for, the code of a proof, the key of a password link.
    """

    @staticmethod
    def format_request(request: HttpRequest) -> str:
        """Return the verb and the route, such as "GET sms/history/<uuid:message>/"."""
        match = getattr(request, "resolver_match", None)
        return f"{request.method} {match.route if match else '(no such page)'}"


def configure() -> None:
    """Set up structlog and the standard library's logging: one handler, on standard error. Safe to repeat."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_shared(),
            _withhold,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"line": {"()": _formatter}},
            "handlers": {"standard_error": {"class": "logging.StreamHandler", "formatter": "line"}},
            "root": {"handlers": ["standard_error"], "level": "INFO"},
            "loggers": {name: {"level": level} for name, level in _LEVELS.items()},
        }
    )


# Whatever says a second time what a line of ours says already, or says it for every tick.
_LEVELS = {
    "aiohttp": "WARNING",
    "asyncio": "WARNING",
    "celery": "WARNING",
    "celery.app.trace": "CRITICAL",
    "django": "WARNING",
    "django.request": "CRITICAL",
    "django.server": "CRITICAL",
    "kombu": "WARNING",
    "py.warnings": "ERROR",
    "stripe": "WARNING",
}


def _shared() -> list[Any]:
    """What lines of ours and of libraries have in common."""
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _without_words,
    ]


def _formatter() -> structlog.stdlib.ProcessorFormatter:
    last: Any = structlog.processors.JSONRenderer(ensure_ascii=False)
    if sys.stderr.isatty():
        last = structlog.dev.ConsoleRenderer()
    return structlog.stdlib.ProcessorFormatter(
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last],
        foreign_pre_chain=[_sentence_of_code, *_shared()],
        use_get_message=False,
    )


def _withhold(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Drop what django-structlog adds and may be personal: words of exceptions, addresses of machines."""
    return {name: value for name, value in event.items() if name not in WITHHELD}


def _sentence_of_code(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Mask numbers and addresses in a library's line, for lines put together before they were logged."""
    return {**event, "event": _SECRETS.sub("…", str(event["event"]))}


def _without_words(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Replace an exception by its type and the places in the code that it came through."""
    event.pop("stack_info", None)
    given = event.pop("exc_info", None)
    kind, where = _told(sys.exc_info() if given is True else given)
    return {**event, "exception_type": kind, "exception_at": where} if kind else event


def _told(given: Any) -> tuple[str, list[str]]:
    if isinstance(given, BaseException):
        given = (type(given), given, given.__traceback__)
    if not isinstance(given, tuple) or given[0] is None:
        return "", []
    return given[0].__qualname__, _places(given[2])


def _places(start: TracebackType | None) -> list[str]:
    frames = traceback.extract_tb(start)[-FRAMES:]
    return [f"{_module_path(frame.filename)}:{frame.lineno} {frame.name}" for frame in frames]


def _module_path(path: str) -> str:
    """Return the path from the project or the package on, not from this machine's root."""
    return re.sub(r"^.*/(site-packages|dist-packages|python3\.\d+)/", "", path).removeprefix(f"{_PROJECT}/")


_PROJECT = __file__.removesuffix("/office/logs.py")
