"""The address books on the page: the list left, the card right; what it is narrowed to stands in the address."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from contacts import address_book, clock, filing, lists
from contacts.answers import signed_in, wants_fragment
from contacts.books import Access, books_of, writable
from contacts.models import Contact, ContactList, User

NARROWED_BY = ("q", "book", "list", "sort")
MOST_PICKED = 1_000


@dataclass
class Shelf:
    """What the page shows: the books that are open, and which contacts of them, as the address says."""

    user: User
    asked: QueryDict

    @cached_property
    def books(self) -> list[Access]:
        """The books that the reader may open."""
        return books_of(self.user)

    @property
    def q(self) -> str:
        """What is searched for."""
        return self.asked.get("q", "").replace("\0", "")[:200]

    @property
    def sort(self) -> str:
        """What it is sorted by."""
        asked = self.asked.get("sort", "")
        return asked if asked in address_book.SORTS else "name"

    @cached_property
    def book(self) -> Access | None:
        """The one book that is shown, None for all; one that is not the reader's is 404."""
        wanted = self.asked.get("book", "")
        if not wanted:
            return None
        found = next((each for each in self.books if str(each.book.pk) == wanted), None)
        if found is None:
            raise Http404
        return found

    @cached_property
    def chosen_list(self) -> ContactList | None:
        """The list that is shown; one that is not the reader's is 404."""
        wanted = self.asked.get("list", "")
        if not wanted:
            return None
        return get_object_or_404(address_book.lists_of(self.user), pk=number_in(wanted))

    @cached_property
    def page(self) -> address_book.Page:
        """The page of contacts that the address names."""
        found = self.contacts
        cursor = self.asked.get("at", "")
        return address_book.page(address_book.with_first_number(found), sort=self.sort, cursor=cursor)

    @property
    def contacts(self) -> Any:
        """All contacts that the address narrows it to."""
        if self.chosen_list:
            found = address_book.contacts_of(self.user).filter(places__list=self.chosen_list)
        else:
            shown = [self.book] if self.book else self.books
            found = address_book.live().filter(book__in=[each.book for each in shown])
        return address_book.matching(found.select_related("book__group"), self.q)

    @property
    def writable(self) -> list[Access]:
        """The books in which the reader may write."""
        return [each for each in self.books if each.can_write]

    @property
    def lists(self) -> Any:
        """The lists that the reader may put contacts in."""
        return own_lists(self.user)

    @property
    def kept(self) -> str:
        """What the address is narrowed to, as a query."""
        return self.address()

    def address(self, **more: str) -> str:
        """Return the query of the address with these changes; an empty value takes its name out."""
        said = {name: self.asked.get(name, "") for name in NARROWED_BY} | more
        query = QueryDict(mutable=True)
        query.update({name: value for name, value in said.items() if value})
        return f"?{query.urlencode()}" if query else ""

    @property
    def further(self) -> str:
        """The address of the next page, if there is one."""
        return self.address(at=self.page.after) if self.page.after else ""

    @property
    def earlier(self) -> str:
        """The address of the page before, if there is one."""
        return self.address(at=self.page.before) if self.page.before else ""


def tabs(user: User) -> Shelf:
    """Return what the tabs above the pages of lists, groups and the check-up show."""
    return Shelf(user, QueryDict())


@login_required
@require_safe
def book(request: HttpRequest) -> HttpResponse:
    """Show the address books, 50 contacts a page; to htmx the rows alone."""
    shelf = Shelf(signed_in(request), request.GET)
    template = "contacts/rows.html" if wants_fragment(request) else "contacts/book.html"
    response = render(request, template, {"shelf": shelf})
    patch_vary_headers(response, ["HX-Request"])
    return response


@login_required
@require_POST
def selected(request: HttpRequest) -> HttpResponse:
    """Do what was pressed to the ticked contacts: delete them, put them in a list, or take them out of one."""
    user, now = signed_in(request), clock.now()
    ids = picked(request.POST.getlist("pick"))
    press, _sep, rest = request.POST.get("press", "").partition(":")
    if not ids:
        messages.info(request, _("Tick contacts first."))
    elif press == "delete":
        delete(request, ids, user=user, now=now)
    elif press == "put_in":
        _put_in(request, ids, user=user)
    elif press == "take_out":
        members = get_object_or_404(own_lists(user), pk=number_in(rest))
        many = lists.take_out(members, ids)
        told = ngettext(
            "One contact is no longer in “%(list)s”.", "%(many)s contacts are no longer in “%(list)s”.", many
        )
        messages.success(request, told % {"many": many, "list": members})
    return redirect(back_to(request))


@login_required
@require_POST
def restore(request: HttpRequest) -> HttpResponse:
    """Bring back what the user deleted at the posted moment."""
    user, many = signed_in(request), 0
    deleted_at = moment_in(request.POST.get("deleted_at", ""))
    if deleted_at:
        many = filing.restore(Contact.objects.filter(book__in=writable(user)), by=user, deleted_at=deleted_at)
    if not many:
        messages.info(request, _("There is nothing to bring back any more."))
        return redirect("contacts:book")
    told = ngettext("One contact is back.", "%(many)s contacts are back.", many)
    messages.success(request, told % {"many": many})
    return redirect(back_to(request))


def delete(request: HttpRequest, ids: Sequence[int], *, user: User, now: datetime) -> None:
    """Delete contacts where the user may, and tell how many, with the way back."""
    found = Contact.objects.filter(pk__in=ids, book__in=writable(user))
    many = filing.delete(found, by=user, now=now)
    if many < len(ids):
        messages.warning(request, _("You may not change some of them, so they stay."))
    if many:
        told = ngettext("One contact deleted.", "%(many)s contacts deleted.", many) % {"many": many}
        messages.success(request, told, extra_tags=f"undo {now.isoformat()}")


def own_lists(user: User) -> Any:
    """Return the lists that the user may change."""
    return ContactList.objects.filter(deleted_at=None, book__in=writable(user)).select_related("book")


def back_to(request: HttpRequest) -> str:
    """Return the page of contacts that the form came from: the book, narrowed as its hidden field says."""
    asked = QueryDict(request.POST.get("kept", "").removeprefix("?"))
    query = QueryDict(mutable=True)
    query.update({name: asked[name] for name in NARROWED_BY if asked.get(name)})
    return f"{reverse('contacts:book')}?{query.urlencode()}" if query else reverse("contacts:book")


def picked(posted: Sequence[str]) -> list[int]:
    """Return the ids that were ticked; what is none is left out."""
    return [found for found in map(number_in, posted[:MOST_PICKED]) if found]


def number_in(typed: str) -> int:
    """Return the id in an address or a form, 0 where it is none."""
    return int(typed) if typed.isascii() and typed.isdecimal() and len(typed) < 19 else 0


def moment_in(typed: str) -> datetime | None:
    """Return the moment that was posted, None where it is none."""
    try:
        moment = datetime.fromisoformat(typed)
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def _put_in(request: HttpRequest, ids: Sequence[int], *, user: User) -> None:
    members = get_object_or_404(own_lists(user), pk=number_in(request.POST.get("into", "")))
    many = lists.put_in(members, ids, by=user)
    told = ngettext("One contact is now in “%(list)s”.", "%(many)s contacts are now in “%(list)s”.", many)
    messages.success(request, told % {"many": many, "list": members})
    if members.book.group_id and many < len(ids):
        messages.info(request, _("A list of a group holds contacts of that group only."))
