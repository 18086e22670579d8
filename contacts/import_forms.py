"""What is said when a file of contacts is brought: the file, the book it goes into, and what becomes of doubles."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from contacts.books import Access
from contacts.models import ImportBatch


class ImportForm(forms.Form):
    """A file for one of the books in which the user may write."""

    file = forms.FileField(
        label=_("File"),
        help_text=_(
            "A vCard (.vcf) or CSV file, at most 20 MB and 20,000 contacts. Telephones, Outlook and Google export both."
        ),
        widget=forms.FileInput({"accept": ".vcf,.vcard,.csv,.txt,text/vcard,text/csv"}),
        error_messages={"required": _("Choose a file first."), "empty": _("There is nothing in this file.")},
    )
    book = forms.ChoiceField(label=_("Into"))
    twins = forms.ChoiceField(
        label=_("Contacts that are there already"), choices=ImportBatch.Twins.choices, initial=ImportBatch.Twins.MERGE,
        widget=forms.RadioSelect,
    )  # fmt: skip

    def __init__(self, *args: Any, books: Sequence[Access], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.books = {str(each.book.pk): each for each in books}
        names = [(key, each.group.name if each.group else _("Personal")) for key, each in self.books.items()]
        self.fields["book"].choices = names  # type: ignore[attr-defined]

    @property
    def into(self) -> Access:
        """The chosen book."""
        return self.books[self.cleaned_data["book"]]
