"""The lists of the user and of the groups: made, named, deleted and brought back."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from contacts import address_book, clock, lists
from contacts.answers import signed_in
from contacts.book_forms import NameForm
from contacts.book_views import number_in, own_lists, tabs
from contacts.books import Access, books_of, writable
from contacts.models import ContactList, User


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def all_lists(request: HttpRequest) -> HttpResponse:
    """Show the lists that the user may read; make one where a name is posted."""
    user = signed_in(request)
    books = [each for each in books_of(user) if each.can_write]
    form = NameForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        into = _chosen(books, request.POST.get("into", ""))
        made = lists.make(into, form.cleaned_data["name"], now=clock.now())
        messages.success(request, _("The list “%(name)s” is there. Put contacts in it.") % {"name": made.name})
        return redirect(_address(made))
    return _show(request, user, {"form": form, "books": books})


@login_required
@require_POST
def change_list(request: HttpRequest, list_id: int) -> HttpResponse:
    """Rename a list of the user's, delete it, or bring it back."""
    user, press = signed_in(request), request.POST.get("press", "")
    if press == "restore":
        gone = get_object_or_404(ContactList, pk=list_id, book__in=writable(user), deleted_by=user)
        lists.restore(gone)
        messages.success(request, _("The list “%(name)s” is back.") % {"name": gone.name})
        return redirect(_address(gone))
    members = get_object_or_404(own_lists(user), pk=list_id)
    if press == "delete":
        lists.delete(members, by=user, now=clock.now())
        told = _("The list “%(name)s” is deleted. Its contacts stay.") % {"name": members.name}
        messages.success(request, told, extra_tags=f"undo_list {members.pk}")
        return redirect("contacts:lists")
    form = NameForm(request.POST)
    if not form.is_valid():
        return _show(request, user, {"form": NameForm(), "renaming": members, "rename_form": form})
    members.name = form.cleaned_data["name"]
    members.save(update_fields=["name"])
    messages.success(request, _("Saved."))
    return redirect(_address(members))


def _show(request: HttpRequest, user: User, context: dict[str, Any]) -> HttpResponse:
    books = context.get("books") or [each for each in books_of(user) if each.can_write]
    shown = {
        "shelf": tabs(user),
        "books": books,
        "lists": address_book.lists_of(user),
        "writable": [each.book.pk for each in books],
    }
    wrong = any(form.errors for form in (context["form"], context.get("rename_form")) if form)
    return render(request, "contacts/lists.html", shown | context, status=422 if wrong else 200)


def _chosen(books: list[Access], wanted: str) -> Access:
    key = number_in(wanted)
    return next((each for each in books if each.book.pk == key), books[0])


def _address(members: ContactList) -> str:
    return f"{reverse('contacts:book')}?list={members.pk}"
