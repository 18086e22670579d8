"""People: the user as a personal record, groups with members, notices to a user, and what staff did."""

from typing import ClassVar, Self

from django.conf import settings
from django.contrib.auth.models import AbstractUser, UserManager
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils.translation import gettext_lazy as _

SIGNATURE_LENGTH = 100


class User(AbstractUser):
    """Somebody who works in the office; the row is the personal record of the source document (S21, S22)."""

    mobile = models.CharField(_("mobile"), max_length=16, blank=True, help_text=_("Kept as E.164."))
    mobile_typed = models.CharField(max_length=40, blank=True)
    country = models.CharField(_("country"), max_length=2, default="BE")
    language = models.CharField(_("language"), max_length=2, choices=settings.LANGUAGES, default="nl")
    time_zone = models.CharField(_("time zone"), max_length=64, blank=True, help_text=_("Empty: the office's."))
    signature = models.CharField(_("signature"), max_length=SIGNATURE_LENGTH, blank=True)

    objects: ClassVar[UserManager[Self]] = UserManager()

    class Meta(AbstractUser.Meta):
        constraints = [
            models.CheckConstraint(
                name="user_mobile_is_e164",
                condition=models.Q(mobile="") | models.Q(mobile__regex=r"^\+[1-9][0-9]{6,14}$"),
            ),
            models.CheckConstraint(
                name="user_country_is_two_letters", condition=models.Q(country__regex=r"^[A-Z]{2}$")
            ),
        ]

    def __str__(self) -> str:
        return self.get_full_name() or self.username

    @property
    def zone_name(self) -> str:
        """The time zone that this user reads times in (IANA name)."""
        return self.time_zone or settings.TIME_ZONE


class Group(models.Model):
    """People who share contacts."""

    name = models.CharField(_("name"), max_length=80)
    members = models.ManyToManyField(User, through="Membership", related_name="office_groups")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name", "id"]
        verbose_name = _("group")
        verbose_name_plural = _("groups")

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """One user in one group, and what that user may do there."""

    class Role(models.TextChoices):
        READER = "reader", _("reads")
        WRITER = "writer", _("reads and changes")
        OWNER = "owner", _("owns")

    group = models.ForeignKey(Group, on_delete=models.CASCADE, db_index=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE)
    role = models.CharField(_("role"), max_length=6, choices=Role.choices, default=Role.READER)

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        constraints = [
            models.UniqueConstraint(name="one_membership_per_group_and_user", fields=["group", "user"]),
            models.CheckConstraint(
                name="membership_role_is_known", condition=models.Q(role__in=["reader", "writer", "owner"])
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} · {self.group}"


class Notice(models.Model):
    """What the office has to tell a user: shown in the office, sent by e-mail once, one per `key`."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="notices", db_index=False)
    key = models.CharField(max_length=100)
    text = models.TextField()
    link = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField()
    seen_at = models.DateTimeField(null=True)
    mail_from_at = models.DateTimeField(
        null=True, help_text="Not mailed before this moment; empty: mailed, or not to be."
    )

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [models.UniqueConstraint(name="one_notice_per_user_and_key", fields=["user", "key"])]
        indexes = [
            models.Index(
                name="notice_to_mail", fields=["mail_from_at"], condition=models.Q(mail_from_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return self.key


class StaffAct(models.Model):
    """One thing that staff did: who, when, to what, what changed, and why. Append-only, in the database itself.

    It outlives erasure, so it holds nothing that somebody typed but the reason: `model` and `key` say which object it
    was; `changes` names each field, with the value before and after where that is a number, a choice or a reference.
    """

    class Kind(models.TextChoices):
        ADDED = "added", _("added")
        CHANGED = "changed", _("changed")
        DELETED = "deleted", _("deleted")
        INVITED = "invited", _("invited")
        SUSPENDED = "suspended", _("suspended")
        READMITTED = "readmitted", _("readmitted")
        READ = "read", _("text read")
        HELD = "held", _("held")
        RELEASED = "released", _("released")
        TESTED = "tested", _("tested")

    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("by"))
    at = models.DateTimeField(_("when"))
    kind = models.CharField(_("what was done"), max_length=10, choices=Kind.choices)
    model = models.CharField(_("to what"), max_length=40)
    key = models.CharField(max_length=64, blank=True)
    changes = models.JSONField(_("changes"), default=dict, encoder=DjangoJSONEncoder)
    why = models.CharField(_("reason"), max_length=200, blank=True)

    class Meta:
        ordering = ["-at", "-id"]
        verbose_name = _("act of staff")
        verbose_name_plural = _("acts of staff")
        indexes = [models.Index(name="staff_act_on", fields=["model", "key", "-at"])]

    def __str__(self) -> str:
        return f"{self.model} {self.key} {self.kind}"
