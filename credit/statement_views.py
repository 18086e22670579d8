"""The statement as a page with a filter, and as a file (S14)."""

import csv
from collections.abc import Iterator
from typing import Any

from django import forms
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.utils.http import urlencode
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from contacts import clock
from contacts.answers import signed_in
from contacts.instant import at_one_instant
from credit import statement
from credit.api import signed_amount
from credit.statement import Filter, Line

FORMULA_BEGINS = ("=", "+", "-", "@", "\t", "\r", "\n")


class FilterForm(forms.Form):
    """Which lines to show; what cannot be read filters nothing."""

    kind = forms.ChoiceField(label=gettext_lazy("What"), required=False)
    month = forms.RegexField(
        r"^\d{4}-\d{2}$", label=gettext_lazy("Month"), required=False, widget=forms.TextInput({"type": "month"})
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kind"].choices = [("", _("Everything")), *statement.kinds()]  # type: ignore[attr-defined]

    @property
    def wanted(self) -> Filter:
        """The filter that the form asks for."""
        self.is_valid()
        return Filter(kind=self.cleaned_data.get("kind", ""), month=self.cleaned_data.get("month", ""))


@login_required
@require_safe
def statement_page(request: HttpRequest) -> HttpResponse:
    """Show the user's own statement; the filter and the place in it stand in the address."""
    form, before = FilterForm(request.GET), request.GET.get("before", "")
    with at_one_instant():
        found = statement.page(signed_in(request), now=clock.now(), before=before, wanted=form.wanted)
    query = urlencode({name: request.GET[name] for name in ("kind", "month") if request.GET.get(name)})
    context = {"form": form, "statement": found, "later": bool(before), "query": query}
    return render(request, "credit/statement.html", context)


@login_required
@require_safe
def statement_file(request: HttpRequest) -> HttpResponseBase:
    """Stream what the page shows under the same filter as CSV."""
    user, wanted = signed_in(request), FilterForm(request.GET).wanted
    lines = [*statement.due(user, now=clock.now(), wanted=wanted)]
    writer = csv.writer(_Echo(), delimiter="," if user.language == "en" else ";")
    cells = _rows(lines, statement.whole(user, wanted=wanted))
    answer = StreamingHttpResponse(_encoded(writer, cells), content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = 'attachment; filename="statement.csv"'
    return answer


class _Echo:
    """A file for csv that hands back each line."""

    def write(self, line: str) -> str:
        return line


def _encoded(writer: Any, cells: Iterator[list[str]]) -> Iterator[str]:
    yield "\ufeff"  # without it Excel takes UTF-8 for its own code page
    for line in cells:
        yield writer.writerow(line)


def _rows(*parts: Any) -> Iterator[list[str]]:
    yield [_("When"), _("What"), _("SMS"), _("Amount"), _("Debt"), _("Reason"), _("Reference")]
    for lines in parts:
        for line in lines:
            yield _row(line)


def _row(line: Line) -> list[str]:
    """Return a line's cells; numbers stay numbers, a text that could be a formula gets an apostrophe."""
    texts = [line.what, line.why, line.reference]
    what, why, reference = [f"'{text}" if text.startswith(FORMULA_BEGINS) else text for text in texts]
    figures = [str(line.parts), signed_amount(line.amount), signed_amount(line.debt)]
    return [f"{localtime(line.at):%Y-%m-%d %H:%M:%S}", what, *figures, why, reference]
