"""Users, groups and their members for the office's staff."""

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.utils.translation import gettext_lazy as _

from contacts.models import Group, Membership, User


@admin.register(User)
class PersonAdmin(UserAdmin[User]):
    """Django's own user admin, with the personal record."""

    list_display = ("username", "first_name", "last_name", "mobile", "country", "is_active", "is_staff")
    search_fields = ("username", "first_name", "last_name", "email", "mobile")
    fieldsets = (
        *(UserAdmin.fieldsets or ()),
        (_("Personal record"), {"fields": ("mobile", "country", "language", "time_zone", "signature")}),
    )


class MembershipInline(admin.TabularInline[Membership, Group]):
    """The members of a group."""

    model = Membership
    autocomplete_fields = ("user",)
    extra = 1


@admin.register(Group)
class GroupAdmin(admin.ModelAdmin[Group]):
    """Groups and who is in them."""

    search_fields = ("name",)
    inlines = (MembershipInline,)
