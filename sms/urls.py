"""The addresses of the SMS pages, below /sms/."""

from django.urls import path

from sms import compose_views, history_views, message_views, proof_views, resend_views, sender_card

app_name = "sms"

urlpatterns = [
    path("", compose_views.compose, name="compose"),
    path("quote/", compose_views.cost, name="quote"),
    path("sender.vcf", sender_card.card, name="sender_card"),
    path("history/", history_views.history, name="history"),
    path("history/sms.csv", history_views.export, name="export"),
    path("<uuid:message_id>/", message_views.message, name="message"),
    path("<uuid:message_id>/live/", message_views.live, name="live"),
    path("<uuid:message_id>/cancel/", message_views.cancel, name="cancel"),
    path("<uuid:message_id>/again/", message_views.write_again, name="again"),
    path("<uuid:message_id>/resend/", resend_views.resend, name="resend"),
    path("<uuid:message_id>/proof/<int:delivery_id>/", proof_views.sheet, name="proof"),
    path("<uuid:message_id>/proof/<int:delivery_id>.json", proof_views.sheet, name="proof_json"),
]
