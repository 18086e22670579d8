"""One contact: the card beside its book, and the form to add and change it."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from contacts import address_book, clock, cures, filing
from contacts.answers import signed_in
from contacts.book_forms import CardForms
from contacts.book_views import Shelf, back_to, delete, number_in
from contacts.books import Access, writable
from contacts.models import Contact, ContactNumber
from contacts.number_reasons import Reason
from contacts.phone_numbers import Repair


@dataclass(frozen=True)
class Line:
    """A number on the card: whether an SMS may go to it, else why not and what cures it."""

    row: ContactNumber
    cures: list[Repair]

    @property
    def reason(self) -> str:
        """Why no SMS goes to it, in the reader's language; empty where one does."""
        return cures.CureGroup(Reason(self.row.reason), None, 1).sentence if self.row.reason else ""


def lines_of(contact: Contact) -> list[Line]:
    """Return the numbers of a contact as the card shows them."""
    return [Line(row, cures.cures_of(row)) for row in contact.numbers.all()]


@login_required
@require_safe
def card(request: HttpRequest, contact_id: int) -> HttpResponse:
    """Show a contact, beside the page of the book that it was opened from."""
    user = signed_in(request)
    shelf = Shelf(user, request.GET)
    contact = get_object_or_404(
        address_book.contacts_of(user).select_related("book__group").prefetch_related("numbers", "emails"),
        pk=contact_id,
    )
    access = next((each for each in shelf.books if each.book.pk == contact.book_id), None)
    context = {
        "shelf": shelf, "contact": contact, "access": access, "lines": lines_of(contact),
        "lists": address_book.lists_of(user).filter(places__contact=contact).distinct(),
        "own_lists": shelf.lists,
    }  # fmt: skip
    return render(request, "contacts/book.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def add(request: HttpRequest) -> HttpResponse:
    """Show the form for a new contact, or file what was posted in the chosen book."""
    user, now = signed_in(request), clock.now()
    shelf = Shelf(user, request.GET)
    into = _chosen_book(shelf, request.POST.get("into") or request.GET.get("book", ""))
    forms = CardForms(_posted(request))
    if _saves(request) and forms.is_valid():
        contact = filing.file(into.book, forms.card, country=user.country, now=now)
        messages.success(request, _("%(name)s is in your contacts.") % {"name": contact.name})
        return redirect("contacts:card", contact.pk)
    return _form(request, {"forms": forms, "into": into, "shelf": shelf}, saves=_saves(request))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, contact_id: int) -> HttpResponse:
    """Show the form with a contact in it, or keep what was posted."""
    user, now = signed_in(request), clock.now()
    contact = get_object_or_404(
        address_book.live().filter(book__in=writable(user)).prefetch_related("numbers", "emails"), pk=contact_id
    )
    forms = CardForms(_posted(request), contact=contact)
    if _saves(request) and forms.is_valid():
        filing.change(contact, forms.card, country=user.country, now=now)
        messages.success(request, _("Saved."))
        return redirect("contacts:card", contact.pk)
    return _form(request, {"forms": forms, "contact": contact}, saves=_saves(request))


@login_required
@require_POST
def remove(request: HttpRequest, contact_id: int) -> HttpResponse:
    """Delete a contact; the next page offers to bring it back."""
    user = signed_in(request)
    contact = get_object_or_404(address_book.live(), pk=contact_id, book__in=writable(user))
    delete(request, [contact.pk], user=user, now=clock.now())
    return redirect(back_to(request))


def _chosen_book(shelf: Shelf, wanted: str) -> Access:
    """Return the book to write in: the chosen one where the user may, else the own one."""
    key = number_in(wanted)
    return next((each for each in shelf.writable if each.book.pk == key), shelf.books[0])


def _posted(request: HttpRequest) -> Any:
    return request.POST if request.method == "POST" else None


def _saves(request: HttpRequest) -> bool:
    return request.method == "POST" and not request.POST.get("press", "").startswith("more:")


def _form(request: HttpRequest, context: dict[str, Any], *, saves: bool) -> HttpResponse:
    errors = context["forms"].error_count if saves else 0
    page = context | {"error_count": errors, "saves": saves}
    return render(request, "contacts/card_form.html", page, status=422 if errors else 200)
