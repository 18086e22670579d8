from django.db import migrations


def make_books(apps, schema_editor):
    """Give each group that there is its book; a user's is made when it is first opened."""
    book, group = apps.get_model("contacts", "Book"), apps.get_model("contacts", "Group")
    book.objects.bulk_create([book(group=each) for each in group.objects.filter(book=None)])


class Migration(migrations.Migration):
    dependencies = [("contacts", "0003_address_books")]
    operations = [migrations.RunPython(make_books, migrations.RunPython.noop)]
