"""Groups by program, below /api/v1/: made and run by their owners as on the page, 404 for who is not in them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.urls import path, register_converter
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from contacts import address_book, clock, group_members
from contacts.api import ErrorSerializer, Refused, said_in, user_of
from contacts.book_shapes import NameBody, OneOfField, StrictSerializer, TypedField
from contacts.books import groups_of
from contacts.models import Group, Invitation, Membership

WHO_LENGTH = 254


class UsernameConverter:
    """A user's name in an address: the characters that Django lets one have."""

    regex = r"[\w.@+-]{1,150}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(UsernameConverter, "username")


class MemberShape(serializers.Serializer[Any]):
    """Somebody in a group, or asked into it."""

    user = serializers.CharField(source="user.username")
    role = serializers.ChoiceField(Membership.Role.values)


class GroupShape(serializers.Serializer[Any]):
    """A group of the token's user."""

    id = serializers.CharField(source="pk")
    name = serializers.CharField()
    members = MemberShape(source="membership_set", many=True)
    invited = MemberShape(source="invitations", many=True, help_text="Who has been asked in and has not answered yet.")


class InvitationShape(serializers.Serializer[Any]):
    """What the token's user has been asked into."""

    id = serializers.CharField(source="pk")
    group = serializers.CharField(source="group.name", help_text="Its name.")
    role = serializers.ChoiceField(Membership.Role.values)
    by = serializers.CharField(source="by.username", help_text="Who asks.")


class RoleBody(StrictSerializer):
    """What somebody may do in a group."""

    role = OneOfField(Membership.Role.values)


class InvitationBody(RoleBody):
    """Whom to ask into a group."""

    user = TypedField(most=WHO_LENGTH, least=1, help_text="The user name or the e-mail address.")


class GroupsView(GenericAPIView[Group]):
    """The groups of the token's user."""

    serializer_class = GroupShape
    queryset = Group.objects.none()
    ordering = ("name", "id")
    page_size = address_book.PAGE

    @extend_schema(responses=GroupShape(many=True))
    def get(self, request: Request) -> Response:
        """List them by name, each with its members."""
        page = self.paginate_queryset(_groups(request))
        return self.get_paginated_response(GroupShape(page or [], many=True).data)

    @extend_schema(request=NameBody, responses={201: GroupShape})
    def post(self, request: Request) -> Response:
        """Make a group, and own it."""
        made = group_members.make(said_in(NameBody, request)["name"], owner=user_of(request))
        return Response(GroupShape(made).data, status=201)


class GroupView(APIView):
    """One group."""

    @extend_schema(responses=GroupShape)
    def get(self, request: Request, group_id: int) -> Response:
        """Tell its name, who is in it and who has been asked."""
        return _told(request, group_id)

    @extend_schema(request=NameBody, responses=GroupShape)
    def put(self, request: Request, group_id: int) -> Response:
        """Rename it; its owners may."""
        group_members.rename(_owned(request, group_id), said_in(NameBody, request)["name"])
        return _told(request, group_id)

    @extend_schema(responses={204: None, 409: ErrorSerializer})
    def delete(self, request: Request, group_id: int) -> Response:
        """Delete it, once its book is empty; its owners may."""
        try:
            group_members.end(_owned(request, group_id))
        except group_members.NotEmpty as why:
            told = _("The group still has contacts: %(many)s. Delete them first; then it is clear what goes.")
            raise Refused(409, "not_empty", told % {"many": why.many}) from None
        return Response(status=204)


class MembersView(APIView):
    """Who is in a group."""

    @extend_schema(request=InvitationBody, responses={201: GroupShape, 409: ErrorSerializer})
    def post(self, request: Request, group_id: int) -> Response:
        """Ask somebody in, who then answers; its owners may."""
        group, said = _owned(request, group_id), said_in(InvitationBody, request)
        try:
            group_members.invite(group, said["user"], role=said["role"], by=user_of(request), now=clock.now())
        except group_members.Unknown:
            told = _("Nobody in the office has this name or address. Check how it is written.")
            raise Refused(400, "invalid", told, fields={"user": [told]}) from None
        except group_members.AlreadyIn:
            told = _("This person is in the group already, or has been invited.")
            raise Refused(409, "already_in", told) from None
        return _told(request, group_id, status=201)


class MemberView(APIView):
    """One member of a group, or who has been asked in."""

    @extend_schema(request=RoleBody, responses={200: GroupShape, 409: ErrorSerializer})
    def put(self, request: Request, group_id: int, username: str) -> Response:
        """Let a member do more or less; the group's owners may."""
        group = _owned(request, group_id)
        place = get_object_or_404(Membership, group=group, user__username=username)
        with _an_owner_stays():
            group_members.change_role(place, said_in(RoleBody, request)["role"])
        return _told(request, group_id)

    @extend_schema(responses={204: None, 409: ErrorSerializer})
    def delete(self, request: Request, group_id: int, username: str) -> Response:
        """Leave the group oneself; its owners may also put somebody out, or take an invitation back."""
        own = username == user_of(request).username
        group = get_object_or_404(_groups(request), pk=group_id) if own else _owned(request, group_id)
        invitation = group.invitations.filter(user__username=username).first()
        if invitation:
            group_members.decline(invitation)
            return Response(status=204)
        with _an_owner_stays():
            group_members.leave(get_object_or_404(Membership, group=group, user__username=username))
        return Response(status=204)


class InvitationsView(GenericAPIView[Invitation]):
    """What the token's user has been asked into."""

    serializer_class = InvitationShape
    queryset = Invitation.objects.none()
    ordering = ("created_at", "id")
    page_size = address_book.PAGE

    @extend_schema(responses=InvitationShape(many=True))
    def get(self, request: Request) -> Response:
        """List what waits for an answer, oldest first."""
        page = self.paginate_queryset(_invitations(request))
        return self.get_paginated_response(InvitationShape(page or [], many=True).data)


class InvitationView(APIView):
    """One invitation: answered by whom it asks."""

    @extend_schema(request=None, responses=GroupShape)
    def post(self, request: Request, invitation_id: int) -> Response:
        """Go into the group."""
        place = group_members.accept(get_object_or_404(_invitations(request), pk=invitation_id))
        return _told(request, place.group_id)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, invitation_id: int) -> Response:
        """Stay out."""
        group_members.decline(get_object_or_404(_invitations(request), pk=invitation_id))
        return Response(status=204)


urlpatterns = [
    path("groups/", GroupsView.as_view(), name="groups"),
    path("groups/<int:group_id>/", GroupView.as_view(), name="group"),
    path("groups/<int:group_id>/members/", MembersView.as_view(), name="group_members"),
    path("groups/<int:group_id>/members/<username:username>/", MemberView.as_view(), name="group_member"),
    path("invitations/", InvitationsView.as_view(), name="invitations"),
    path("invitations/<int:invitation_id>/", InvitationView.as_view(), name="invitation"),
]


def _groups(request: Request) -> QuerySet[Group]:
    return groups_of(user_of(request)).prefetch_related("membership_set__user", "invitations__user")


def _owned(request: Request, group_id: int) -> Group:
    owned = Membership.objects.filter(user=user_of(request), role=Membership.Role.OWNER).values("group")
    return get_object_or_404(Group.objects.filter(pk__in=owned), pk=group_id)


def _told(request: Request, group_id: int, *, status: int = 200) -> Response:
    return Response(GroupShape(get_object_or_404(_groups(request), pk=group_id)).data, status=status)


def _invitations(request: Request) -> QuerySet[Invitation]:
    return Invitation.objects.filter(user=user_of(request)).select_related("group", "user", "by")


@contextmanager
def _an_owner_stays() -> Iterator[None]:
    try:
        yield
    except group_members.LastOwner:
        told = _("A group needs an owner. Make somebody else an owner first.")
        raise Refused(409, "last_owner", told) from None
