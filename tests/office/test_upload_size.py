"""A body that is larger than any page takes is refused in words, before it is kept."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from contacts.books import book_of
from contacts.models import ImportBatch
from office import upload_size
from tests.people import person

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("most", "status"), [(2_000, 400), (200_000, 302)])
def test_more_than_the_office_takes_is_refused(client, monkeypatch, most, status):
    """As much is taken, and more is not: the announced length alone decides."""
    monkeypatch.setattr(upload_size, "MOST_BYTES", most)
    user = person()
    client.force_login(user)
    file = SimpleUploadedFile("crowd.csv", b"First name\n" + b"Jan\n" * 5_000)
    answer = client.post("/contacts/import/", {"file": file, "book": book_of(user).pk, "twins": "merge"})
    assert answer.status_code == status
    assert ("more than the office takes at once" in answer.content.decode()) == (status == 400)
    assert ImportBatch.objects.exists() == (status == 302)
