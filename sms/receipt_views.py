"""Where providers bring their receipts: `/receipts/<alias>/`.

Nobody is signed in here: the gateway's adapter verifies the sender.
"""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from contacts import clock
from sms import receipts
from sms.gateways import configured
from sms.gateways.contract import Forged

BODY_BYTES = 64 * 1024


@csrf_exempt
@never_cache
@require_http_methods(["GET", "POST"])
def receive(request: HttpRequest, alias: str) -> HttpResponse:
    """Take the receipts of the gateway `alias`, by POST or, as some providers do, by GET.

    200 once they are kept, by one INSERT; a provider that gets anything else tries again. 404 in the same words for a
    gateway that does not exist and a sender that cannot be verified; 400 where a verified request cannot be read;
    413 above 64 kB. Nothing of the request is repeated in an answer.
    """
    body = request.read(BODY_BYTES + 1)
    if len(body) > BODY_BYTES:
        return _answer(413, "Too long.")
    try:
        gateway = configured.gateway(alias)
        read = gateway.read_receipts(headers=request.headers, query=request.GET.dict(), body=body)
    except (configured.NoSuchGateway, Forged):
        return _answer(404, "Not found.")
    except ValueError:
        return _answer(400, "This receipt cannot be read.")
    receipts.keep(alias, read, now=clock.now())
    return _answer(200, "Thank you.")


def _answer(status: int, words: str) -> HttpResponse:
    return HttpResponse(f"{words}\n", status=status, content_type="text/plain; charset=utf-8")
