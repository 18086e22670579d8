"""The history: what was sent, found again by name, number, words, state and day, and taken along as CSV."""

import csv
from collections.abc import Iterator, Mapping
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from sms.answers import signed_in, wants_fragment
from sms.export import rows
from sms.forms import HistoryForm
from sms.history import Addressee, addressee, lines, messages_of, page
from sms.models import Message
from sms.story import State, states


@login_required
@require_safe
def history(request: HttpRequest) -> HttpResponse:
    """Show the user's own SMS, newest first; the filter and the place in the list stand in the address."""
    form = HistoryForm(request.GET)
    found = page(messages_of(signed_in(request), form.wanted), before=request.GET.get("before", ""))
    filtered = any(request.GET.get(name) for name in ("q", "state", "from", "to"))
    context = {
        "form": form,
        "rows": [_row(message, found.counts[message.pk]) for message in found.messages],
        "next": _address(request, before=found.before) if found.before else "",
        "newest": _address(request) if request.GET.get("before") else "",
        "export": _address(request),
        "filtered": filtered,
    }
    template = "sms/history_rows.html" if wants_fragment(request) else "sms/history.html"
    return render(request, template, context)


@login_required
@require_safe
def export(request: HttpRequest) -> HttpResponseBase:
    """Stream what the history shows under the same filter as CSV, one line per number."""
    user = signed_in(request)
    found = messages_of(user, HistoryForm(request.GET).wanted)
    writer = csv.writer(_Echo(), delimiter="," if user.language == "en" else ";")
    answer = StreamingHttpResponse(_encoded(writer, rows(lines(found))), content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = 'attachment; filename="sms.csv"'
    return answer


class _Echo:
    """A file for csv that hands back each line."""

    def write(self, line: str) -> str:
        return line


def _encoded(writer: Any, cells: Iterator[list[str]]) -> Iterator[str]:
    yield "\ufeff"  # without it Excel takes UTF-8 for its own code page
    for line in cells:
        yield writer.writerow(line)


def _row(message: Message, counts: Mapping[str, int]) -> tuple[Message, list[State], Addressee]:
    return message, states(message, counts), addressee(message)


def _address(request: HttpRequest, **more: str) -> str:
    query = request.GET.copy()
    query.pop("before", None)
    for name in [name for name, value in query.items() if not value]:
        del query[name]
    for name, value in more.items():
        query[name] = value
    return f"?{query.urlencode()}"
