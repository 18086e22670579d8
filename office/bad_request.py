"""What the office cannot take (400), in words: too much at once, or a request that it cannot read."""

from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _

PLACE = "#refused"


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 400: a page that stands without a database or a good Host; to htmx a notice above what was typed.

    The language is that of the person, or of the browser where it is not yet known who asks.
    """
    language = getattr(request, "LANGUAGE_CODE", "") or translation.get_language_from_request(request)
    asked_by_htmx = "HX-Request" in request.headers
    template = "office/refused.html" if asked_by_htmx else "400.html"
    with translation.override(language):
        response = HttpResponse(render_to_string(template, {"why": _sentence(exception)}), status=400)
    if asked_by_htmx:
        response["HX-Retarget"], response["HX-Reswap"] = PLACE, f"innerHTML show:{PLACE}:top"
    return response


def _sentence(exception: Exception) -> str:
    if isinstance(exception, (RequestDataTooBig, TooManyFieldsSent)):
        return _(
            "This is more than the office takes at once. Nothing was sent or changed, and what you typed is still in "
            "your browser. Take a long list in pieces, for example 10,000 numbers each."
        )
    return _("The office cannot read what your browser asked. Look at the address, or begin at the welcome page.")
