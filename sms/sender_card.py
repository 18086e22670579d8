"""Our number as a card for the recipients' phones: who keeps it sees the office's name above our SMS (N20)."""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from contacts.phone_numbers import read

_ESCAPED = str.maketrans({"\\": "\\\\", ",": "\\,", ";": "\\;", "\n": "\\n", "\r": ""})


def sender_number() -> str | None:
    """Return our number (E.164); None where SMS come from a name, which no phone can keep as a number."""
    reading = read(settings.SMS_SENDER, country=None)
    return reading.understood


@require_safe
def card(_request: HttpRequest) -> HttpResponse:
    """Answer the card as vCard 3.0 (RFC 2426), which every phone reads; for everybody, as it names nobody else."""
    number = sender_number()
    if number is None:
        raise Http404
    answer = HttpResponse(_written(settings.OFFICE_NAME, number), content_type="text/vcard; charset=utf-8")
    answer.headers["Content-Disposition"] = 'attachment; filename="sms.vcf"'
    return answer


def _written(name: str, number: str) -> str:
    said = name.translate(_ESCAPED)
    lines = ["BEGIN:VCARD", "VERSION:3.0", f"FN:{said}", f"N:{said};;;;", f"ORG:{said}", f"TEL;TYPE=CELL:{number}"]
    return "\r\n".join([*lines, "END:VCARD", ""])
