"""The cures on the page: of one number, beside it; of a whole book, on the check-up. Each can be undone (S19, N3)."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from contacts import clock, cures
from contacts.answers import signed_in
from contacts.book_views import number_in, tabs
from contacts.books import Access, books_of
from contacts.cures import CureGroup
from contacts.models import ContactNumber, RepairBatch
from contacts.number_reasons import How, Reason
from contacts.phone_numbers import shown

SHOWN_OF_EACH = 5
PAGE = 100


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def check_up(request: HttpRequest) -> HttpResponse:
    """Show what cannot be ticked in a book, by cure, or one group of it whole; cure a group where it is posted."""
    user = signed_in(request)
    books = books_of(user)
    access = _book(books, request.GET.get("book", ""))
    if request.method == "POST":
        return _cure_all(request, access)
    found = cures.groups_of(access.book)
    wanted = request.GET.get("reason", ""), request.GET.get("how", "")
    narrowed = [each for each in found if (each.reason, each.how or "") == wanted]
    after, size = number_in(request.GET.get("after", "")), PAGE if narrowed else SHOWN_OF_EACH
    context = {
        "access": access,
        "shelf": tabs(user),
        "books": books,
        "many": sum(each.many for each in found),
        "curable": sum(each.many for each in found if each.how),
        "whole": bool(narrowed),
        "groups": [_shown(access, each, after=after, size=size) for each in narrowed or found],
        "latest": RepairBatch.objects.filter(book=access.book, by=user, undone_at=None).order_by("-pk").first(),
    }  # fmt: skip
    return render(request, "contacts/check_up.html", context)


@login_required
@require_POST
def cure(request: HttpRequest, number_id: int) -> HttpResponse:
    """Let one number become what the pressed button said; the next page offers to undo it."""
    user = signed_in(request)
    row = get_object_or_404(cures.curable(user), pk=number_id)
    try:
        batch = cures.cure(row, to=request.POST.get("to", ""), by=user, now=clock.now())
    except cures.NoCure:
        messages.warning(request, _("This number was changed meanwhile. Look at it as it is now."))
    else:
        told = _("%(number)s is saved to %(name)s. It can get SMS now.")
        said = told % {"number": shown(request.POST["to"]), "name": row.contact.name}
        messages.success(request, said, extra_tags=f"undo_repair {batch.pk}")
    return redirect(_back(request, row))


@login_required
@require_POST
def undo(request: HttpRequest, batch_id: int) -> HttpResponse:
    """Undo a repair of the user's own."""
    user = signed_in(request)
    batch = get_object_or_404(cures.undoable(user), pk=batch_id)
    many = cures.undo(batch, now=clock.now())
    told = ngettext("One number is as it was.", "%(many)s numbers are as they were.", many)
    messages.success(request, told % {"many": many} if many else _("There is nothing to undo any more."))
    return redirect(f"{reverse('contacts:check_up')}?book={batch.book_id}")


def _cure_all(request: HttpRequest, access: Access) -> HttpResponse:
    if not access.can_write:
        raise Http404
    here = f"{request.path}?book={access.book.pk}"
    group = _posted_group(request)
    if group is None:
        return redirect(here)
    try:
        batch = cures.cure_all(group, book=access.book, by=signed_in(request), now=clock.now())
    except cures.Changed as why:
        told = _("The book changed meanwhile: there are %(many)s such numbers now. Look at them, then press again.")
        messages.warning(request, told % {"many": why.many})
        return redirect(here)
    told = ngettext("One number is repaired.", "%(many)s numbers are repaired.", group.many) % {"many": group.many}
    messages.success(request, told, extra_tags=f"undo_repair {batch.pk}")
    return redirect(here)


def _posted_group(request: HttpRequest) -> CureGroup | None:
    try:
        reason, how = Reason(request.POST.get("reason", "")), How(request.POST.get("how", ""))
    except ValueError:
        return None
    return CureGroup(reason, how, number_in(request.POST.get("many", "")))


def _book(books: list[Access], wanted: str) -> Access:
    """Return the book that the address names, one's own where it names none; another's is 404."""
    if not wanted:
        return books[0]
    found = next((each for each in books if str(each.book.pk) == wanted), None)
    if found is None:
        raise Http404
    return found


def _shown(access: Access, group: CureGroup, *, after: int, size: int) -> dict[str, Any]:
    rows = list(cures.numbers_in(access.book, reason=group.reason, how=group.how or "", after=after)[: size + 1])
    return {"group": group, "rows": rows[:size], "after": rows[size - 1].pk if len(rows) > size else 0}


def _back(request: HttpRequest, row: ContactNumber) -> str:
    """Return to the page that the button was on: the check-up, the picker's form, or the contact."""
    if request.POST.get("back") == "check-up":
        return f"{reverse('contacts:check_up')}?book={row.contact.book_id}"
    return reverse("contacts:card", args=[row.contact_id])
