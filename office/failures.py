"""What failed on our side, in words: 503 where the database is away for a moment, which heals by itself, else 500."""

import sys

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.views.defaults import server_error

from contacts.outage import is_outage
from office.api_refusals import SENTENCES
from office.bad_request import PLACE

API = "/api/"
RETRY_AFTER = "5"  # seconds


def failed(request: HttpRequest) -> HttpResponseBase:
    """Answer 500, or 503 where the database was away: as JSON below /api/, as a page or a notice elsewhere."""
    away = is_outage(sys.exc_info()[1])
    response = _answer(request, code="away" if away else "error")
    response.status_code = 503 if away else 500
    if away:
        response["Retry-After"] = RETRY_AFTER
    return response


def _answer(request: HttpRequest, *, code: str) -> HttpResponseBase:
    if request.path.startswith(API):
        return JsonResponse({"detail": str(SENTENCES[code]), "code": code, "fields": {}})
    if code == "away" and "HX-Request" in request.headers:
        return _notice(request)
    return server_error(request, template_name="503.html" if code == "away" else "500.html")


def _notice(request: HttpRequest) -> HttpResponse:
    """Say it above what was typed; a part of a page that only looks again by itself stays as it is."""
    if request.method == "GET":
        return HttpResponse(headers={"HX-Reswap": "none"})
    why = _(
        "The office cannot reach its database for a moment. What you typed is still here: try again. "
        "Nothing is sent or paid twice by that."
    )
    shown = {"HX-Retarget": PLACE, "HX-Reswap": f"innerHTML show:{PLACE}:top"}
    return HttpResponse(render_to_string("office/refused.html", {"why": why}), headers=shown)
