"""Contacts, lists and groups by program, below /api/v1/: the same rules as on the pages, 404 for what is others'."""

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from contacts import address_book, filing, group_members, lists
from contacts import book_shapes as shapes
from contacts.api import ErrorSerializer, Refused
from contacts.books import Access, books_of, writable
from contacts.models import Contact, ContactList, Group, Membership, User


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
        user, said = _user(request), _said(shapes.ContactBody, request)
        access = _book(user, said.pop("group", None))
        try:
            contact = filing.file(access.book, shapes.card_of(said), country=user.country, now=timezone.now())
        except filing.NothingSaid:
            raise _nothing_said() from None
        return Response(shapes.told(contact), status=201)


class ContactView(APIView):
    """One contact."""

    @extend_schema(responses=shapes.ContactShape)
    def get(self, request: Request, contact_id: int) -> Response:
        """Tell what is known of it."""
        return Response(shapes.told(get_object_or_404(_contacts(_user(request)), pk=contact_id)))

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
        filing.delete(Contact.objects.filter(pk=contact.pk), by=_user(request), now=timezone.now())
        return Response(status=204)

    def _change(self, request: Request, contact_id: int, *, partial: bool) -> Response:
        contact = _own_contact(request, contact_id)
        said = _said(shapes.ContactChange, request, partial=partial)
        card = shapes.card_of(said, before=contact if partial else None)
        try:
            filing.change(contact, card, country=_user(request).country, now=timezone.now())
        except filing.NothingSaid:
            raise _nothing_said() from None
        return Response(shapes.told(_contacts(_user(request)).get(pk=contact.pk)))


class ListsView(GenericAPIView[ContactList]):
    """The lists that the token's user may read."""

    serializer_class = shapes.ListShape
    queryset = ContactList.objects.none()
    ordering = ("name", "id")
    page_size = address_book.PAGE

    @extend_schema(responses=shapes.ListShape(many=True))
    def get(self, request: Request) -> Response:
        """List them by name."""
        page = self.paginate_queryset(address_book.lists_of(_user(request)))
        return self.get_paginated_response(shapes.ListShape(page or [], many=True).data)

    @extend_schema(request=shapes.ListBody, responses={201: shapes.ListShape, 404: ErrorSerializer})
    def post(self, request: Request) -> Response:
        """Make a list."""
        user, said = _user(request), _said(shapes.ListBody, request)
        made = lists.make(_book(user, said.get("group")), said["name"], now=timezone.now())
        return Response(_list(user, made), status=201)


class ListView(APIView):
    """One list."""

    @extend_schema(responses=shapes.ListShape)
    def get(self, request: Request, list_id: int) -> Response:
        """Tell its name and how many it holds."""
        found = get_object_or_404(address_book.lists_of(_user(request)), pk=list_id)
        return Response(shapes.ListShape(found).data)

    @extend_schema(request=shapes.NameBody, responses=shapes.ListShape)
    def put(self, request: Request, list_id: int) -> Response:
        """Rename it."""
        members = _own_list(request, list_id)
        members.name = _said(shapes.NameBody, request)["name"]
        members.save(update_fields=["name"])
        return Response(_list(_user(request), members))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, list_id: int) -> Response:
        """Delete it; its contacts stay."""
        lists.delete(_own_list(request, list_id), by=_user(request), now=timezone.now())
        return Response(status=204)


class ListMembersView(APIView):
    """The contacts of one list."""

    @extend_schema(request=shapes.MembersBody, responses=shapes.ListShape)
    def post(self, request: Request, list_id: int) -> Response:
        """Put contacts in and take others out. What one may not read, or is not of the list's group, is left out."""
        members, said = _own_list(request, list_id), _said(shapes.MembersBody, request)
        lists.put_in(members, said["add"], by=_user(request))
        lists.take_out(members, said["remove"])
        return Response(_list(_user(request), members))


class GroupsView(GenericAPIView[Group]):
    """The groups of the token's user."""

    serializer_class = shapes.GroupShape
    queryset = Group.objects.none()
    ordering = ("name", "id")
    page_size = address_book.PAGE

    @extend_schema(responses=shapes.GroupShape(many=True))
    def get(self, request: Request) -> Response:
        """List them by name, each with its members."""
        page = self.paginate_queryset(_groups(_user(request)))
        return self.get_paginated_response(shapes.GroupShape(page or [], many=True).data)

    @extend_schema(request=shapes.NameBody, responses={201: shapes.GroupShape})
    def post(self, request: Request) -> Response:
        """Make a group, and own it."""
        made = group_members.make(_said(shapes.NameBody, request)["name"], owner=_user(request))
        return Response(shapes.GroupShape(made).data, status=201)


class GroupView(APIView):
    """One group. People are asked in on its page."""

    @extend_schema(responses=shapes.GroupShape)
    def get(self, request: Request, group_id: int) -> Response:
        """Tell its name and who is in it."""
        return Response(shapes.GroupShape(get_object_or_404(_groups(_user(request)), pk=group_id)).data)

    @extend_schema(request=shapes.NameBody, responses=shapes.GroupShape)
    def put(self, request: Request, group_id: int) -> Response:
        """Rename it; its owners may."""
        group = _owned_group(request, group_id)
        group_members.rename(group, _said(shapes.NameBody, request)["name"])
        return Response(shapes.GroupShape(group).data)

    @extend_schema(responses={204: None, 409: ErrorSerializer})
    def delete(self, request: Request, group_id: int) -> Response:
        """Delete it, once its book is empty; its owners may."""
        try:
            group_members.end(_owned_group(request, group_id))
        except group_members.NotEmpty as why:
            told = _("The group still has contacts: %(many)s. Delete them first; then it is clear what goes.")
            raise Refused(409, "not_empty", told % {"many": why.many}) from None
        return Response(status=204)


urlpatterns = [
    path("contacts/", ContactsView.as_view(), name="contacts"),
    path("contacts/<int:contact_id>/", ContactView.as_view(), name="contact"),
    path("lists/", ListsView.as_view(), name="lists"),
    path("lists/<int:list_id>/", ListView.as_view(), name="list"),
    path("lists/<int:list_id>/members/", ListMembersView.as_view(), name="list_members"),
    path("groups/", GroupsView.as_view(), name="groups"),
    path("groups/<int:group_id>/", GroupView.as_view(), name="group"),
]


def _user(request: Request) -> User:
    assert isinstance(request.user, User)  # noqa: S101  the default permission lets nobody else in
    return request.user


def _said(body: type[shapes.StrictSerializer], request: Request, *, partial: bool = False) -> dict[str, Any]:
    read = body(data=request.data, partial=partial)
    read.is_valid(raise_exception=True)
    said: dict[str, Any] = read.validated_data
    return said


def _contacts(user: User) -> QuerySet[Contact]:
    return address_book.contacts_of(user).select_related("book").prefetch_related("numbers", "emails")


def _narrowed(request: Request) -> QuerySet[Contact]:
    wanted = shapes.NarrowedBy(data=request.query_params.dict())
    wanted.is_valid(raise_exception=True)
    said: Mapping[str, str] = wanted.validated_data
    found = _contacts(_user(request))
    if "list" in said:
        found = found.filter(
            places__list=get_object_or_404(address_book.lists_of(_user(request)), pk=_id(said["list"]))
        )
    if "group" in said:
        found = found.filter(book__group=get_object_or_404(_groups(_user(request)), pk=_id(said["group"])))
    return address_book.matching(found, said.get("q", ""))


def _own_contact(request: Request, contact_id: int) -> Contact:
    own = address_book.live().filter(book__in=writable(_user(request)))
    return get_object_or_404(own.select_related("book").prefetch_related("numbers", "emails"), pk=contact_id)


def _own_list(request: Request, list_id: int) -> ContactList:
    own = ContactList.objects.filter(deleted_at=None, book__in=writable(_user(request)))
    return get_object_or_404(own.select_related("book"), pk=list_id)


def _list(user: User, members: ContactList) -> Any:
    return shapes.ListShape(address_book.lists_of(user).get(pk=members.pk)).data


def _groups(user: User) -> QuerySet[Group]:
    mine = Membership.objects.filter(user=user).values("group")
    return Group.objects.filter(pk__in=mine).prefetch_related("membership_set__user")


def _owned_group(request: Request, group_id: int) -> Group:
    owned = Membership.objects.filter(user=_user(request), role=Membership.Role.OWNER).values("group")
    return get_object_or_404(Group.objects.filter(pk__in=owned), pk=group_id)


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
