"""Limits with their counters, and the numbers, ranges and countries that a user may or may not send to.

Counters change only through `limits`.
"""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Limit(models.Model):
    """At most so many SMS in one clock hour or one day of the office (FAULTS F1). Staff set them.

    `of` is the country (two letters) or prefix (+…) that a limit of that kind is for; an empty country stands for each
    country but the sender's own that has no row. A row of one `user` takes the place of those for every user.
    """

    class Kind(models.TextChoices):
        OFFICE = "office", _("the whole office")
        USER = "user", _("a user")
        NEW_USER = "new_user", _("a user in the first seven days")
        NEW_COUNTRY = "new_country", _("a user, to countries not confirmed")
        COUNTRY = "country", _("a country")
        PREFIX = "prefix", _("a prefix")
        NUMBER = "number", _("a number")

    class Window(models.TextChoices):
        HOUR = "hour", _("an hour")
        DAY = "day", _("a day")

    kind = models.CharField(_("for"), max_length=11, choices=Kind.choices)
    window = models.CharField(_("in"), max_length=4, choices=Window.choices)
    of = models.CharField(
        _("country or prefix"), max_length=16, blank=True,
        help_text=_("BE, or +3247; an empty country is each but the sender's own."),
    )  # fmt: skip
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, blank=True, related_name="+",
        verbose_name=_("one user"), help_text=_("Takes the place of the limits for every user."),
    )  # fmt: skip
    most = models.PositiveIntegerField(_("at most so many SMS"), null=True, blank=True, help_text=_("Empty: no limit."))
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["kind", "of", "user", "window"]
        verbose_name = _("limit")
        verbose_name_plural = _("limits")
        constraints = [
            models.UniqueConstraint(
                name="one_limit_for_all", fields=["kind", "window", "of"], condition=Q(user__isnull=True)
            ),
            models.UniqueConstraint(
                name="one_limit_of_a_user", fields=["user", "window"], condition=Q(user__isnull=False)
            ),
            models.CheckConstraint(
                name="limit_is_of_its_kind",
                condition=Q(kind="country", of__regex=r"^([A-Z]{2})?$")
                | Q(kind="prefix", of__regex=r"^\+[1-9][0-9]{0,13}$")
                | Q(kind__in=["office", "user", "new_user", "new_country", "number"], of=""),
            ),
            models.CheckConstraint(name="limit_of_a_user_is_of_that_kind", condition=Q(user=None) | Q(kind="user")),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.of} {self.get_window_display()}"


class LimitCount(models.Model):
    """How much of a limit was used by what `of` names, in the window that began at `minute`. Kept for two days."""

    pk = models.CompositePrimaryKey("limit_id", "of", "minute")
    limit = models.ForeignKey(Limit, on_delete=models.CASCADE, db_constraint=False, db_index=False, related_name="+")
    of = models.CharField(max_length=16)
    minute = models.IntegerField(help_text="Since 1970.")
    used = models.IntegerField()

    class Meta:
        constraints = [models.CheckConstraint(name="limit_count_never_negative", condition=Q(used__gte=0))]

    def __str__(self) -> str:
        return f"{self.limit_id} {self.used}"


class NumberCount(models.Model):
    """The same for one number, apart and in whole numbers only: a list of 10,000 writes 10,000 of these.

    `number` is E.164 without its plus, `minute` when the window began, in minutes since 1970.
    """

    pk = models.CompositePrimaryKey("number", "limit_id", "minute")
    number = models.BigIntegerField()
    limit = models.ForeignKey(Limit, on_delete=models.CASCADE, db_constraint=False, db_index=False, related_name="+")
    minute = models.IntegerField()
    used = models.IntegerField()

    def __str__(self) -> str:
        return f"{self.limit_id} {self.used}"


class RefusedRange(models.Model):
    """Numbers that begin like this get no SMS from this office."""

    prefix = models.CharField(
        _("prefix"), max_length=16, unique=True, help_text=_("With + and country code, for instance +882.")
    )
    active = models.BooleanField(_("in force"), default=True)

    class Meta:
        ordering = ["prefix"]
        verbose_name = _("refused range")
        verbose_name_plural = _("refused ranges")
        constraints = [
            models.CheckConstraint(name="refused_range_is_a_prefix", condition=Q(prefix__regex=r"^\+[1-9][0-9]{0,13}$"))
        ]

    def __str__(self) -> str:
        return self.prefix


class BlockedNumber(models.Model):
    """A number whose owner asked not to be texted: by anybody, or by one `user`."""

    number = models.CharField(_("number"), max_length=16)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, blank=True, related_name="blocked_numbers",
        verbose_name=_("for one user"), help_text=_("Empty: for everybody in the office."),
    )  # fmt: skip
    active = models.BooleanField(_("in force"), default=True)
    created_at = models.DateTimeField(_("since"))

    class Meta:
        ordering = ["-created_at", "-id"]
        verbose_name = _("number that gets no SMS")
        verbose_name_plural = _("numbers that get no SMS")
        constraints = [
            models.UniqueConstraint(name="one_block_for_the_office", fields=["number"], condition=Q(user__isnull=True)),
            models.UniqueConstraint(
                name="one_block_of_a_user", fields=["number", "user"], condition=Q(user__isnull=False)
            ),
            models.CheckConstraint(name="blocked_number_is_e164", condition=Q(number__regex=r"^\+[1-9][0-9]{6,14}$")),
        ]

    def __str__(self) -> str:
        return f"{self.pk}"


class KnownCountry(models.Model):
    """A country that a user has confirmed to send SMS to; one's own needs no row."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="known_countries", db_index=False
    )
    country = models.CharField(max_length=2)
    confirmed_at = models.DateTimeField()

    class Meta:
        ordering = ["country"]
        constraints = [models.UniqueConstraint(name="one_row_per_user_and_country", fields=["user", "country"])]

    def __str__(self) -> str:
        return f"{self.user_id} {self.country}"
