"""What a part of a page gets whose sign-in has ended: never the sign-in page inside it, and what was typed stays."""

from collections.abc import Callable
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import resolve_url
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.views.csrf import csrf_failure
from django_htmx.http import HttpResponseClientRedirect

from contacts.answers import wants_fragment
from office.bad_request import PLACE


class SignedOut:
    """Turns the way to the sign-in page, where htmx would follow it, into a notice or a page of its own."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer 401 with a notice to what was pressed; what only looks again by itself leads to the sign-in page."""
        response = self.get_response(request)
        door = resolve_url(settings.LOGIN_URL)
        if not wants_fragment(request) or urlsplit(response.headers.get("Location", "")).path != door:
            return response
        if request.method == "POST":
            return _notice()
        back = request.htmx.current_url_abs_path or "/"  # type: ignore[attr-defined]
        return HttpResponseClientRedirect(f"{door}?{urlencode({'next': back})}")


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a request without valid proof that the page is ours: as a page, or to htmx as a notice."""
    return _notice() if "HX-Request" in request.headers else csrf_failure(request, reason)


def _notice() -> HttpResponse:
    why = _(
        "This page was open too long: you were signed out, or signed in anew. Nothing was sent or changed. "
        "Copy what you typed, then load the page anew."
    )
    shown = {"HX-Retarget": PLACE, "HX-Reswap": f"innerHTML show:{PLACE}:top"}
    return HttpResponse(render_to_string("office/refused.html", {"why": why}), status=401, headers=shown)
