"""The addresses of the address books, below /contacts/."""

from django.urls import path

from contacts import book_views, card_views, check_up_views, export_views, group_views, import_views, list_views

app_name = "contacts"

urlpatterns = [
    path("", book_views.book, name="book"),
    path("selected/", book_views.selected, name="selected"),
    path("restore/", book_views.restore, name="restore"),
    path("new/", card_views.add, name="add"),
    path("<int:contact_id>/", card_views.card, name="card"),
    path("<int:contact_id>/edit/", card_views.edit, name="edit"),
    path("<int:contact_id>/delete/", card_views.remove, name="remove"),
    path("import/", import_views.all_imports, name="imports"),
    path("import/<int:batch_id>/", import_views.one_import, name="import"),
    path("contacts.csv", export_views.as_csv, name="csv"),
    path("contacts.vcf", export_views.as_vcards, name="vcf"),
    path("<int:contact_id>/contact.vcf", export_views.one_vcard, name="card_vcf"),
    path("lists/", list_views.all_lists, name="lists"),
    path("lists/<int:list_id>/", list_views.change_list, name="list"),
    path("groups/", group_views.groups, name="groups"),
    path("groups/<int:group_id>/", group_views.group, name="group"),
    path("invitations/<int:invitation_id>/", group_views.answer, name="invitation"),
    path("check-up/", check_up_views.check_up, name="check_up"),
    path("numbers/<int:number_id>/cure/", check_up_views.cure, name="cure"),
    path("repairs/<int:batch_id>/undo/", check_up_views.undo, name="undo"),
]
