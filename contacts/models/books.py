"""Address books: of a user or of a group, their contacts and lists, and what undoes an import or a repair."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from contacts.models.people import Group, Membership, User

NAME_LENGTH = 80
TYPED_LENGTH = 100
E164 = r"^\+[1-9][0-9]{6,14}$"


class NumberKind(models.TextChoices):
    """What a number is for, as `phone_numbers.Kind`; the last words of a choice stand beside the number."""

    MOBILE = "mobile", _("mobile")
    HOME = "home", _("home")
    WORK = "work", _("work")
    FAX = "fax", _("fax")
    OTHER = "other", _("other")


class EmailKind(models.TextChoices):
    """What an e-mail address is for."""

    HOME = "home", _("home")
    WORK = "work", _("work")
    OTHER = "other", _("other")


class Book(models.Model):
    """The address book of one user, or of one group."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, null=True, related_name="book")
    group = models.OneToOneField(Group, on_delete=models.CASCADE, null=True, related_name="book")

    class Meta:
        verbose_name = _("address book")
        verbose_name_plural = _("address books")
        constraints = [
            models.CheckConstraint(
                name="book_is_of_a_user_or_of_a_group",
                condition=Q(user__isnull=False, group__isnull=True) | Q(user__isnull=True, group__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return str(self.group or self.user)


class Invitation(models.Model):
    """Somebody is asked into a group and has not answered yet."""

    group = models.ForeignKey(Group, on_delete=models.CASCADE, related_name="invitations", db_index=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="invitations")
    role = models.CharField(_("role"), max_length=6, choices=Membership.Role.choices, default=Membership.Role.READER)
    by = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="one_invitation_per_group_and_user", fields=["group", "user"]),
            models.CheckConstraint(
                name="invitation_role_is_known", condition=Q(role__in=["reader", "writer", "owner"])
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} · {self.group}"


class ImportBatch(models.Model):
    """What is imported together: its contacts point here, so that it can be undone whole.

    `imports` moves it: read from its parts into rows, looked at, then filed; workers hold it until `leased_until`.
    """

    class State(models.TextChoices):
        READING = "reading", _("being read")
        READY = "ready", _("waits for your yes")
        FILING = "filing", _("being filed")
        DONE = "done", _("done")
        FAILED = "failed", _("could not be read")
        UNDONE = "undone", _("undone")

    class Twins(models.TextChoices):
        MERGE = "merge", _("Merge: add what is new to the contact that is there")
        SKIP = "skip", _("Skip: leave the contact that is there as it is")

    book = models.ForeignKey(Book, on_delete=models.CASCADE, related_name="imports")
    by = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    source = models.CharField(max_length=200, blank=True, help_text="The name of the file.")
    created_at = models.DateTimeField()
    undone_at = models.DateTimeField(null=True)
    state = models.CharField(max_length=7, choices=State.choices, default=State.READING)
    twins = models.CharField(max_length=5, choices=Twins.choices, default=Twins.MERGE)
    size = models.PositiveIntegerField(default=0, help_text="Of the file, in bytes.")
    progress = models.PositiveIntegerField(default=0, help_text="Bytes read, then the last row filed.")
    last_row = models.PositiveIntegerField(default=0)
    rows_found = models.PositiveIntegerField(default=0)
    made = models.PositiveIntegerField(default=0)
    merged = models.PositiveIntegerField(default=0)
    skipped = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)
    fault = models.CharField(max_length=24, blank=True, help_text="Why it failed: `file_records.Fault`, or no_right.")
    fault_row = models.PositiveIntegerField(default=0)
    tries = models.PositiveSmallIntegerField(default=0, help_text="How often a worker began with this state.")
    leased_until = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        verbose_name = _("import")
        verbose_name_plural = _("imports")
        constraints = [
            models.CheckConstraint(
                name="import_state_is_known",
                condition=Q(state__in=["reading", "ready", "filing", "done", "failed", "undone"]),
            ),
            models.CheckConstraint(name="import_twins_are_known", condition=Q(twins__in=["merge", "skip"])),
            models.CheckConstraint(
                name="import_undone_has_its_moment",
                condition=Q(state="undone", undone_at__isnull=False) | ~Q(state="undone") & Q(undone_at=None),
            ),
        ]
        indexes = [
            models.Index(name="import_at_work", fields=["id"], condition=Q(state__in=["reading", "filing"])),
        ]

    def __str__(self) -> str:
        return f"{self.pk}"


class Contact(models.Model):
    """Somebody in an address book; made and changed by `filing` only, which also writes what it is found by.

    Deleted ones stay for `filing.KEPT`, so that it can be undone.
    """

    book = models.ForeignKey(Book, on_delete=models.CASCADE, related_name="contacts")
    prefix = models.CharField(_("title"), max_length=NAME_LENGTH, blank=True)
    first_name = models.CharField(_("first name"), max_length=NAME_LENGTH, blank=True)
    middle_name = models.CharField(_("middle name"), max_length=NAME_LENGTH, blank=True)
    last_name = models.CharField(_("last name"), max_length=NAME_LENGTH, blank=True)
    suffix = models.CharField(_("suffix"), max_length=NAME_LENGTH, blank=True)
    company = models.CharField(_("company"), max_length=NAME_LENGTH, blank=True)
    language = models.CharField(_("language"), max_length=2, choices=settings.LANGUAGES, blank=True)
    notes = models.TextField(_("notes"), blank=True)
    name = models.CharField(max_length=500, help_text="As it is shown: the parts of the name, else what there is.")
    sort_name = models.CharField(max_length=200, help_text="Last name first, in small letters without accents.")
    sort_company = models.CharField(max_length=NAME_LENGTH, blank=True)
    search = models.TextField(blank=True, help_text="Everything that a search looks at, folded.")
    batch = models.ForeignKey(ImportBatch, on_delete=models.SET_NULL, null=True, related_name="contacts")
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    deleted_at = models.DateTimeField(null=True)
    deleted_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        ordering = ["sort_name", "id"]
        verbose_name = _("contact")
        verbose_name_plural = _("contacts")
        indexes = [
            models.Index(name="contact_by_name", fields=["book", "sort_name", "id"], condition=Q(deleted_at=None)),
            models.Index(name="contact_to_purge", fields=["deleted_at"], condition=Q(deleted_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.name


class ContactNumber(models.Model):
    """A number of a contact: as typed, as read in `country`, and whether an SMS may go to it.

    `number` is E.164, also of a landline, empty where nothing could be read. `reason` says why it cannot be ticked
    (`number_reasons.Reason`), empty where it can. Where one click cures it, `cure` is the number that it becomes and
    `how` what the cure does; where there is a choice, or none, both are empty.
    """

    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="numbers", db_index=False)
    position = models.PositiveSmallIntegerField(default=0)
    typed = models.CharField(max_length=TYPED_LENGTH)
    country = models.CharField(max_length=2)
    kind = models.CharField(max_length=6, choices=NumberKind.choices, default=NumberKind.MOBILE)
    number = models.CharField(max_length=16, blank=True)
    reason = models.CharField(max_length=24, blank=True)
    how = models.CharField(max_length=24, blank=True)
    cure = models.CharField(max_length=16, blank=True)

    class Meta:
        ordering = ["position", "id"]
        constraints = [
            models.CheckConstraint(
                name="contact_number_kind_is_known", condition=Q(kind__in=["mobile", "home", "work", "fax", "other"])
            ),
            models.CheckConstraint(name="contact_number_is_e164", condition=Q(number="") | Q(number__regex=E164)),
            models.CheckConstraint(name="contact_cure_is_e164", condition=Q(cure="") | Q(cure__regex=E164)),
            models.CheckConstraint(
                name="tickable_is_a_mobile_number", condition=~Q(reason="") | Q(kind="mobile") & ~Q(number="")
            ),
            models.CheckConstraint(
                name="a_cure_says_how", condition=Q(how="", cure="") | ~Q(how="") & ~Q(cure="") & ~Q(reason="")
            ),
        ]
        indexes = [
            models.Index(name="contact_number_of", fields=["contact", "position"]),
            models.Index(name="contact_number_known", fields=["number"], condition=~Q(number="")),
        ]

    def __str__(self) -> str:
        return f"{self.pk}"


class ContactEmail(models.Model):
    """An e-mail address of a contact."""

    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="emails")
    position = models.PositiveSmallIntegerField(default=0)
    address = models.EmailField()
    kind = models.CharField(max_length=5, choices=EmailKind.choices, default=EmailKind.OTHER)

    class Meta:
        ordering = ["position", "id"]
        constraints = [
            models.CheckConstraint(name="contact_email_kind_is_known", condition=Q(kind__in=["home", "work", "other"])),
        ]

    def __str__(self) -> str:
        return f"{self.pk}"


class ContactList(models.Model):
    """Contacts that are written to together. A user's own list may hold contacts of groups, a group's only its own."""

    book = models.ForeignKey(Book, on_delete=models.CASCADE, related_name="lists")
    name = models.CharField(_("name"), max_length=NAME_LENGTH)
    members = models.ManyToManyField(Contact, through="ListMember", related_name="lists")
    created_at = models.DateTimeField()
    deleted_at = models.DateTimeField(null=True)
    deleted_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        ordering = ["name", "id"]
        verbose_name = _("list")
        verbose_name_plural = _("lists")

    def __str__(self) -> str:
        return self.name


class ListMember(models.Model):
    """One contact in one list."""

    list = models.ForeignKey(ContactList, on_delete=models.CASCADE, related_name="places", db_index=False)
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="places")

    class Meta:
        constraints = [models.UniqueConstraint(name="once_in_a_list", fields=["list", "contact"])]

    def __str__(self) -> str:
        return f"{self.pk}"


class RepairBatch(models.Model):
    """Numbers that were cured together, so that it can be undone."""

    book = models.ForeignKey(Book, on_delete=models.CASCADE, related_name="repairs")
    by = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField()
    undone_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.pk}"


class RepairedNumber(models.Model):
    """What a cured number was before, and what it became: undone only where it still is that."""

    batch = models.ForeignKey(RepairBatch, on_delete=models.CASCADE, related_name="numbers")
    number = models.ForeignKey(ContactNumber, on_delete=models.CASCADE, related_name="+")
    typed = models.CharField(max_length=TYPED_LENGTH)
    kind = models.CharField(max_length=6)
    understood = models.CharField(max_length=16, blank=True)
    reason = models.CharField(max_length=24)
    how = models.CharField(max_length=24, blank=True)
    cure = models.CharField(max_length=16, blank=True)
    became = models.CharField(max_length=16)

    def __str__(self) -> str:
        return f"{self.pk}"
