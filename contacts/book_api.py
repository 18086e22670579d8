"""Contacts and lists by program, below /api/v1/: the same rules as on the pages, 404 for what is others'."""

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.urls import path
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from contacts import address_book, clock, filing, lists
from contacts import book_shapes as shapes
from contacts.api import ErrorSerializer, Refused, said_in, user_of
from contacts.books import Access, books_of, groups_of, writable
from contacts.models import Contact, ContactList, User


class ContactsView(GenericAPIView[Contact]):
    """The contacts that the token's user may read."""

    serializer_class = shapes.ContactShape
    queryset = Contact.objects.none()
    ordering = ("sort_name", "id")
    page_size = address_book.PAGE

    @extend_schema(parameters=[shapes.NarrowedBy], responses=shapes.ContactShape(many=True))
    def get(self, request: Request) -> Response:
        """List the contacts by name, as narrowed down."""
        page = self.paginate_queryset(_narrowed(request))
        return self.get_paginated_response([shapes.told(each) for each in page or []])

    @extend_schema(request=shapes.ContactBody, responses={201: shapes.ContactShape, 404: ErrorSerializer})
    def post(self, request: Request) -> Response:
        """File a contact. A number that cannot get SMS is filed too, and told with its repair."""
        user, said = user_of(request), said_in(shapes.ContactBody, request)
        access = _book(user, said.pop("group", None))
        try:
            contact = filing.file(access.book, shapes.card_of(said), country=user.country, now=clock.now())
        except filing.NothingSaid:
            raise _nothing_said() from None
        return Response(shapes.told(contact), status=201)


class ContactView(APIView):
    """One contact."""

    @extend_schema(responses=shapes.ContactShape)
    def get(self, request: Request, contact_id: int) -> Response:
        """Tell what is known of it."""
        return Response(shapes.told(get_object_or_404(_contacts(user_of(request)), pk=contact_id)))

    @extend_schema(request=shapes.ContactChange, responses=shapes.ContactShape)
    def put(self, request: Request, contact_id: int) -> Response:
        """Say all of it anew."""
        return self._change(request, contact_id, partial=False)

    @extend_schema(request=shapes.ContactChange, responses=shapes.ContactShape)
    def patch(self, request: Request, contact_id: int) -> Response:
        """Say some of it anew; the rest stays."""
        return self._change(request, contact_id, partial=True)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, contact_id: int) -> Response:
        """Delete it; on the page it can be brought back for 30 days."""
        contact = _own_contact(request, contact_id)
        filing.delete(Contact.objects.filter(pk=contact.pk), by=user_of(request), now=clock.now())
        return Response(status=204)

    def _change(self, request: Request, contact_id: int, *, partial: bool) -> Response:
        contact = _own_contact(request, contact_id)
        said = said_in(shapes.ContactChange, request, partial=partial)
        card = shapes.card_of(said, before=contact if partial else None)
        try:
            filing.change(contact, card, country=user_of(request).country, now=clock.now())
        except filing.NothingSaid:
            raise _nothing_said() from None
        return Response(shapes.told(_contacts(user_of(request)).get(pk=contact.pk)))


class ListsView(GenericAPIView[ContactList]):
    """The lists that the token's user may read."""

    serializer_class = shapes.ListShape
    queryset = ContactList.objects.none()
    ordering = ("name", "id")
    page_size = address_book.PAGE

    @extend_schema(responses=shapes.ListShape(many=True))
    def get(self, request: Request) -> Response:
        """List them by name."""
        page = self.paginate_queryset(address_book.lists_of(user_of(request)))
        return self.get_paginated_response(shapes.ListShape(page or [], many=True).data)

    @extend_schema(request=shapes.ListBody, responses={201: shapes.ListShape, 404: ErrorSerializer})
    def post(self, request: Request) -> Response:
        """Make a list."""
        user, said = user_of(request), said_in(shapes.ListBody, request)
        made = lists.make(_book(user, said.get("group")), said["name"], now=clock.now())
        return Response(_list(user, made), status=201)


class ListView(APIView):
    """One list."""

    @extend_schema(responses=shapes.ListShape)
    def get(self, request: Request, list_id: int) -> Response:
        """Tell its name and how many it holds."""
        found = get_object_or_404(address_book.lists_of(user_of(request)), pk=list_id)
        return Response(shapes.ListShape(found).data)

    @extend_schema(request=shapes.NameBody, responses=shapes.ListShape)
    def put(self, request: Request, list_id: int) -> Response:
        """Rename it."""
        members = _own_list(request, list_id)
        members.name = said_in(shapes.NameBody, request)["name"]
        members.save(update_fields=["name"])
        return Response(_list(user_of(request), members))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, list_id: int) -> Response:
        """Delete it; its contacts stay."""
        lists.delete(_own_list(request, list_id), by=user_of(request), now=clock.now())
        return Response(status=204)


class ListMembersView(APIView):
    """The contacts of one list."""

    @extend_schema(request=shapes.MembersBody, responses=shapes.ListShape)
    def post(self, request: Request, list_id: int) -> Response:
        """Put contacts in and take others out. What one may not read, or is not of the list's group, is left out."""
        members, said = _own_list(request, list_id), said_in(shapes.MembersBody, request)
        lists.put_in(members, said["add"], by=user_of(request))
        lists.take_out(members, said["remove"])
        return Response(_list(user_of(request), members))


urlpatterns = [
    path("contacts/", ContactsView.as_view(), name="contacts"),
    path("contacts/<int:contact_id>/", ContactView.as_view(), name="contact"),
    path("lists/", ListsView.as_view(), name="lists"),
    path("lists/<int:list_id>/", ListView.as_view(), name="list"),
    path("lists/<int:list_id>/members/", ListMembersView.as_view(), name="list_members"),
]


def _contacts(user: User) -> QuerySet[Contact]:
    return address_book.contacts_of(user).select_related("book").prefetch_related("numbers", "emails")


def _narrowed(request: Request) -> QuerySet[Contact]:
    wanted = shapes.NarrowedBy(data=request.query_params.dict())
    wanted.is_valid(raise_exception=True)
    said: Mapping[str, str] = wanted.validated_data
    found = _contacts(user_of(request))
    if "list" in said:
        found = found.filter(
            places__list=get_object_or_404(address_book.lists_of(user_of(request)), pk=_id(said["list"]))
        )
    if "group" in said:
        found = found.filter(book__group=get_object_or_404(groups_of(user_of(request)), pk=_id(said["group"])))
    return address_book.matching(found, said.get("q", ""))


def _own_contact(request: Request, contact_id: int) -> Contact:
    own = address_book.live().filter(book__in=writable(user_of(request)))
    return get_object_or_404(own.select_related("book").prefetch_related("numbers", "emails"), pk=contact_id)


def _own_list(request: Request, list_id: int) -> ContactList:
    own = ContactList.objects.filter(deleted_at=None, book__in=writable(user_of(request)))
    return get_object_or_404(own.select_related("book"), pk=list_id)


def _list(user: User, members: ContactList) -> Any:
    return shapes.ListShape(address_book.lists_of(user).get(pk=members.pk)).data


def _book(user: User, group_id: int | None) -> Access:
    """Return the book of the group, the own one for None; 404 where the user may not write in it."""
    found = next((each for each in books_of(user) if each.can_write and each.book.group_id == group_id), None)
    if found is None:
        raise Http404
    return found


def _id(typed: str) -> int:
    return int(typed) if typed.isascii() and typed.isdecimal() else 0


def _nothing_said() -> Refused:
    told = _("Fill in a name, a company, a number or an e-mail address.")
    return Refused(400, "invalid", told, fields={"last_name": [told]})
