"""Contacts taken along: whatever the page of contacts shows, as CSV or as vCards; one contact as a vCard."""

import csv
from collections.abc import Iterator
from typing import Any

from django.contrib.auth.decorators import login_required
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from contacts import address_book, csv_files, vcard_writer
from contacts.answers import signed_in
from contacts.book_views import Shelf
from contacts.filing import Card, card_of
from contacts.models import Contact, ContactEmail, ContactNumber, NumberKind
from contacts.phone_numbers import shown

CHUNK = 1_000
VCARD = "text/vcard; charset=utf-8"


@login_required
@require_safe
def as_csv(request: HttpRequest) -> HttpResponseBase:
    """Stream the contacts that the address narrows it to as CSV: a book, a list, or what a search finds."""
    user = signed_in(request)
    found = Shelf(user, request.GET).contacts
    writer = csv.writer(_Echo(), delimiter="," if user.language == "en" else ";")
    rows = csv_files.rows(_cards(found), most=_columns(found))
    return _attached(_encoded(writer, rows), kind="text/csv; charset=utf-8", name="contacts.csv")


@login_required
@require_safe
def as_vcards(request: HttpRequest) -> HttpResponseBase:
    """Stream the same contacts as vCards of version 4."""
    found = Shelf(signed_in(request), request.GET).contacts
    return _attached(map(vcard_writer.write, _cards(found)), kind=VCARD, name="contacts.vcf")


@login_required
@require_safe
def one_vcard(request: HttpRequest, contact_id: int) -> HttpResponse:
    """Answer one contact as a vCard; another's is 404."""
    contact = get_object_or_404(address_book.contacts_of(signed_in(request)), pk=contact_id)
    headers = {"Content-Disposition": 'attachment; filename="contact.vcf"'}
    return HttpResponse(vcard_writer.write(_shown(contact)), content_type=VCARD, headers=headers)


class _Echo:
    """A file for csv that hands back each line."""

    def write(self, line: str) -> str:
        return line


def _encoded(writer: Any, rows: Iterator[list[str]]) -> Iterator[str]:
    yield "\ufeff"  # without it Excel takes UTF-8 for its own code page
    for row in rows:
        yield writer.writerow(row)


def _attached(content: Iterator[str], *, kind: str, name: str) -> StreamingHttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingHttpResponse(content, content_type=kind, headers=headers)


def _cards(found: QuerySet[Contact]) -> Iterator[Card]:
    ordered = found.order_by("sort_name", "pk").prefetch_related("numbers", "emails")
    return map(_shown, ordered.iterator(chunk_size=CHUNK))


def _shown(contact: Contact) -> Card:
    """Return the card with each number that can get SMS in international form, any other as it was typed."""
    said = {name: getattr(contact, name) for name in Card.__slots__ if name not in {"numbers", "emails"}}
    numbers = [(row.typed if row.reason else shown(row.number), row.kind) for row in contact.numbers.all()]
    return Card(**said, numbers=numbers, emails=card_of(contact).emails)


def _columns(found: QuerySet[Contact]) -> dict[str, int]:
    """Return how many columns each kind of number, and the addresses, need; at least one of each. Two statements."""
    most = dict.fromkeys(NumberKind.values, 1) | {"email": 1}
    contacts = found.order_by().values("pk")
    numbers = ContactNumber.objects.filter(contact__in=contacts).order_by().values("contact", "kind")
    for kind, many in numbers.annotate(many=Count("pk")).values_list("kind", "many").distinct():
        most[kind] = max(most[kind], many)
    emails = ContactEmail.objects.filter(contact__in=contacts).order_by().values("contact")
    for many in emails.annotate(many=Count("pk")).values_list("many", flat=True).distinct():
        most["email"] = max(most["email"], many)
    return most
