"""Counts the requests of this process by view and status, and how long they took; `/metrics` shows them.

A label is a name from our own code: never an address, a search, or a method that somebody made up, of which there could
be any number.
"""

import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase
from prometheus_client import Counter, Histogram

METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
NO_VIEW = "none"

REQUESTS = Counter("office_requests", "Requests answered.", ["view", "method", "status"])
SECONDS = Histogram("office_request_seconds", "How long requests took, in seconds.", ["view"])


class RequestTimes:
    """The outermost middleware: its time includes all the others'."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        begun = time.monotonic()
        answer = self.get_response(request)
        view = request.resolver_match.view_name if request.resolver_match else NO_VIEW
        method = request.method if request.method in METHODS else "other"
        REQUESTS.labels(view or NO_VIEW, method, str(answer.status_code)).inc()
        SECONDS.labels(view or NO_VIEW).observe(time.monotonic() - begun)
        return answer
