"""Every address of the office. CONTRACT.md fixes the names that others rely on."""

from allauth.account import views as door
from django.contrib import admin
from django.urls import include, path, re_path

from contacts import views as contacts
from credit import limit_views, statement_views
from credit import views as credit
from office import handset, health, help_pages, metrics, own_number, personal_record, programs, quota, welcome
from sms import proof_views, receipt_views

handler400 = "office.bad_request.bad_request"
handler500 = "office.failures.failed"
handler429 = "contacts.sign_in.too_many_tries"

accounts = [
    path("login/", door.login, name="account_login"),
    path("logout/", door.logout, name="account_logout"),
    path("inactive/", door.account_inactive, name="account_inactive"),
    path("password/reset/", door.password_reset, name="account_reset_password"),
    path("password/reset/done/", door.password_reset_done, name="account_reset_password_done"),
    path("password/reset/key/done/", door.password_reset_from_key_done, name="account_reset_password_from_key_done"),
    re_path(
        r"^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        door.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
]

urlpatterns = [
    path("", welcome.welcome, name="welcome"),
    path("sms/", include("sms.urls")),
    path("contacts/", include("contacts.urls")),
    path("settings/", personal_record.personal_record, name="personal_record"),
    path("settings/signature/", personal_record.signature, name="signature"),
    path("settings/test-sms/", own_number.send_test, name="test_sms"),
    path("settings/own-card.vcf", own_number.own_card, name="own_card"),
    path("settings/programs/", programs.programs, name="programs"),
    path("settings/programs/<int:token_id>/revoke/", programs.revoke, name="revoke_token"),
    path("settings/quota/account/", quota.quota, name="quota"),
    path("settings/quota/account/figure/", quota.figure, name="credit_figure"),
    path("settings/account/balance/", credit.balance, name="balance"),
    path("settings/account/balance/<uuid:top_up_id>/", credit.top_up, name="top_up"),
    path("settings/account/balance/<uuid:top_up_id>/pay/", credit.pay, name="top_up_pay"),
    path("settings/account/balance/<uuid:top_up_id>/receipt/", credit.receipt, name="receipt"),
    path("settings/account/balance/<uuid:top_up_id>/receipt.pdf", credit.receipt_pdf, name="receipt_pdf"),
    path("settings/account/statement/", statement_views.statement_page, name="statement"),
    path("settings/account/statement.csv", statement_views.statement_file, name="statement_file"),
    path("stripe/webhook/", credit.stripe_webhook, name="stripe_webhook"),
    path("settings/limits/", limit_views.page, name="limits"),
    path("settings/limits/numbers/<int:block_id>/remove/", limit_views.unblock, name="unblock"),
    path("notices/<int:notice_id>/seen/", contacts.notice_seen, name="notice_seen"),
    path("help/<slug:tool>/", help_pages.help_page, name="help"),
    path("phone/", handset.handset, name="handset"),
    path("phone/<int:message_id>/receipt/", handset.receipt, name="handset_receipt"),
    path("api/v1/", include("office.api")),
    path("receipts/<str:alias>/", receipt_views.receive, name="receipts"),
    path("proof/<str:code>.json", proof_views.check, name="proof_json"),
    path("proof/<str:code>/", proof_views.check, name="proof"),
    path("language/", contacts.choose_language, name="set_language"),
    path("accounts/", include(accounts)),
    path("admin/", admin.site.urls),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", metrics.metrics, name="metrics"),
]
