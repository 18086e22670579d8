"""Who gets in where: one line for each address, which `test_permissions` holds against what the office does.

door   open: everybody · entrance: everybody, and who is signed in is led on · person: who is signed in ·
       program: who has a token · gateway: nobody without its signature · demo: nobody outside the demo
       of the administration, where who is no staff is led to the door:
       desk: all staff · model: staff with the permission, which nobody but a superuser has from the start ·
       right: the same, and then the verb counts · kept: as model, and a post is 403 ·
       hidden: the same, but 404 for others · sealed: no permission helps · lookup: sealed, OPTIONS apart ·
       nothing: 404 for all · staff-in: 403 for who is signed in and no staff · leave: leads who is no staff away
verbs  those that the address takes, `read` for GET and HEAD, `any` for all; every other is 405
thing  what the id in the address names, which is then there for its owner and for nobody else;
       list: the page lists things of the reader, and of nobody else; -: neither
"""

from dataclasses import dataclass

VERBS = ("get", "head", "post", "put", "patch", "delete", "options")
WRITTEN = {"read": {"get", "head"}, "any": set(VERBS)}
TABLE = """
name                                       door      verbs                   thing

account_inactive                           open      read options            -
account_login                              entrance  read post put options   -
account_logout                             open      read post options       -
account_reset_password                     open      read post put options   -
account_reset_password_done                open      read options            -
account_reset_password_from_key            open      any                     -
account_reset_password_from_key_done       open      read options            -
healthz                                    open      read                    -
readyz                                     open      read                    -
set_language                               open      post                    -
metrics                                    gateway   read                    -
receipts                                   gateway   get post                -
stripe_webhook                             gateway   post                    -
handset                                    demo      read post               -
handset_receipt                            demo      post                    -

welcome                                    person    read                    list
personal_record                            person    read post               -
signature                                  person    read                    -
test_sms                                   person    post                    -
own_card                                   person    read                    -
programs                                   person    read post               list
revoke_token                               person    post                    token
quota                                      person    read post               -
credit_figure                              person    read                    -
balance                                    person    read post               -
top_up                                     person    read                    top_up
top_up_pay                                 person    post                    top_up
receipt                                    person    read                    top_up
receipt_pdf                                person    read                    top_up
statement                                  person    read                    list
statement_file                             person    read                    list
limits                                     person    read post               -
unblock                                    person    post                    block
notice_seen                                person    post                    notice
help                                       person    read                    -
sms:compose                                person    read post               -
sms:sender_card                            open      read                    -
sms:quote                                  person    post                    -
sms:history                                person    read                    list
sms:export                                 person    read                    list
sms:message                                person    read                    message
sms:live                                   person    read                    message
sms:cancel                                 person    post                    message
sms:again                                  person    post                    message
contacts:book                              person    read                    list
contacts:selected                          person    post                    -
contacts:restore                           person    post                    -
contacts:add                               person    read post               -
contacts:card                              person    read                    contact
contacts:edit                              person    read post               contact
contacts:remove                            person    post                    contact
contacts:imports                           person    read post               list
contacts:import                            person    read post               import
contacts:csv                               person    read                    list
contacts:vcf                               person    read                    list
contacts:card_vcf                          person    read                    contact
contacts:lists                             person    read post               list
contacts:list                              person    post                    contact_list
contacts:groups                            person    read post               list
contacts:group                             person    read post               group
contacts:invitation                        person    post                    invitation
contacts:check_up                          person    read post               list
contacts:cure                              person    post                    number
contacts:undo                              person    post                    repair

sms:proof                                  person    read                    message
sms:proof_json                             person    read                    message
sms:resend                                 person    read post               message
proof                                      gateway   read post               -
proof_json                                 gateway   read post               -

api:root                                   open      read                    -
api:schema                                 open      read                    -
api:docs                                   open      read                    -
api:credit                                 program   read                    -
api:statement                              program   read                    list
api:top_ups                                program   read post               list
api:top_up                                 program   read                    top_up
api:limits                                 program   read                    -
api:quote                                  program   post                    -
api:messages                               program   read post               list
api:message                                program   read                    message
api:deliveries                             program   read                    message
api:contacts                               program   read post               list
api:contact                                program   read put patch delete   contact
api:lists                                  program   read post               list
api:list                                   program   read put delete         contact_list
api:list_members                           program   post                    contact_list
api:groups                                 program   read post               list
api:group                                  program   read put delete         group
api:group_members                          program   post                    group
api:group_member                           program   put delete              group
api:invitations                            program   read                    list
api:invitation                             program   post delete             invitation
api:cancel                                 program   post                    message

admin:index                                desk      any                     -
admin:login                                staff-in  read post put options   -
admin:logout                               leave     post options            -
admin:password_change                      desk      any                     -
admin:password_change_done                 desk      read options            -
admin:jsi18n                               desk      read options            -
admin:autocomplete                         lookup    read options            -
admin:app_list                             hidden    any                     -
admin:view_on_site                         nothing   any                     -
admin:contacts_group_changelist            model     any                     -
admin:contacts_group_add                   model     any                     -
admin:contacts_group_change                model     any                     -
admin:contacts_group_history               desk      any                     -
admin:contacts_group_delete                sealed    any                     -
admin:contacts_book_changelist             model     any                     -
admin:contacts_book_add                    sealed    any                     -
admin:contacts_book_change                 kept      any                     -
admin:contacts_book_history                desk      any                     -
admin:contacts_book_delete                 sealed    any                     -
admin:contacts_importbatch_changelist      model     any                     -
admin:contacts_importbatch_add             sealed    any                     -
admin:contacts_importbatch_change          kept      any                     -
admin:contacts_importbatch_history         desk      any                     -
admin:contacts_importbatch_delete          sealed    any                     -
admin:contacts_user_changelist             model     any                     -
admin:contacts_user_add                    model     any                     -
admin:contacts_user_change                 model     any                     -
admin:contacts_user_history                desk      any                     -
admin:contacts_user_delete                 sealed    any                     -
admin:contacts_staffact_changelist         model     any                     -
admin:contacts_staffact_add                sealed    any                     -
admin:contacts_staffact_change             kept      any                     -
admin:contacts_staffact_history            desk      any                     -
admin:contacts_staffact_delete             sealed    any                     -
admin:contacts_user_step                   model     any                     -
admin:sms_message_changelist               model     any                     -
admin:sms_message_add                      sealed    any                     -
admin:sms_message_change                   model     any                     -
admin:sms_message_history                  desk      any                     -
admin:sms_message_delete                   sealed    any                     -
admin:sms_message_text                     right     any                          -
admin:gateways                             right     any                     -
admin:gateways_change                      right     any                     -
admin:gateways_test                        right     post                    -
admin:credit_account_changelist            model     any                     -
admin:credit_account_add                   sealed    any                     -
admin:credit_account_change                model     any                     -
admin:credit_account_history               desk      any                     -
admin:credit_account_delete                sealed    any                     -
admin:credit_topup_changelist              model     any                     -
admin:credit_topup_add                     sealed    any                     -
admin:credit_topup_change                  kept      any                     -
admin:credit_topup_history                 desk      any                     -
admin:credit_topup_delete                  sealed    any                     -
admin:credit_topup_refund                  right     any                     -
admin:credit_plan_changelist               model     any                     -
admin:credit_plan_add                      model     any                     -
admin:credit_plan_change                   model     any                     -
admin:credit_plan_history                  desk      any                     -
admin:credit_plan_delete                   sealed    any                     -
admin:credit_limit_changelist              model     any                     -
admin:credit_limit_add                     model     any                     -
admin:credit_limit_change                  model     any                     -
admin:credit_limit_history                 desk      any                     -
admin:credit_limit_delete                  sealed    any                     -
admin:credit_refusedrange_changelist       model     any                     -
admin:credit_refusedrange_add              model     any                     -
admin:credit_refusedrange_change           model     any                     -
admin:credit_refusedrange_history          desk      any                     -
admin:credit_refusedrange_delete           sealed    any                     -
admin:credit_blockednumber_changelist      model     any                     -
admin:credit_blockednumber_add             model     any                     -
admin:credit_blockednumber_change          model     any                     -
admin:credit_blockednumber_history         desk      any                     -
admin:credit_blockednumber_delete          sealed    any                     -
"""


@dataclass(frozen=True)
class Entry:
    """One line of the table."""

    name: str
    door: str
    verbs: frozenset[str]
    thing: str

    @classmethod
    def read(cls, line: str) -> "Entry":
        name, door, *verbs, thing = line.split()
        return cls(name, door, frozenset().union(*(WRITTEN.get(verb, {verb}) for verb in verbs)), thing.strip("-"))


ENTRIES = {entry.name: entry for entry in map(Entry.read, filter(None, TABLE.splitlines()[2:]))}
