"""SMS by program, below /api/v1/sms/: each call is read, done by one call to the front door, and told (CONTRACT.md)."""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.urls import path
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from contacts import clock
from contacts.api import ErrorSerializer, user_of
from contacts.models import User
from contacts.phone_numbers import Entry, Reading, read_many, split_many
from sms import api_refusals, history, parts, shapes, submission
from sms.gateways.configured import NoGateway
from sms.models import Delivery, Message
from sms.quote import quote, signed
from sms.recipients import barred

_PLAIN_NUMBER = re.compile(r"\+?[0-9]{1,15}")
KEY = OpenApiParameter(
    "Idempotency-Key", {"type": "string", "pattern": r"^[!-~]([ -~]{0,253}[!-~])?$"}, OpenApiParameter.HEADER,
    required=True, description="Your own name of this call. The same key and body again: the first answer, sent once.",
)  # fmt: skip


class QuoteView(APIView):
    """What an SMS would cost."""

    @extend_schema(request=shapes.SmsSerializer, responses={200: shapes.QuoteSerializer, 400: shapes.NotSentSerializer})
    def post(self, request: Request) -> Response:
        """Tell what it would cost and how each number is read. Nothing is sent, nothing is paid."""
        user, wanted = user_of(request), _body(request)
        text = _finished(wanted, user)
        _check_length(text)
        readings = _readings(wanted["to"], user)
        numbers = {reading.number for reading in readings if reading.number}
        found = quote(user, text=text, recipients=len(numbers), now=clock.now())
        return Response(shapes.QuoteSerializer(shapes.Quoted(found, readings)).data)


class MessagesView(GenericAPIView[Message]):
    """The SMS of the token's user."""

    serializer_class = shapes.MessageSerializer
    queryset = Message.objects.none()
    ordering = ("-created_at", "-id")
    page_size = history.PAGE
    limits: Mapping[str, str] = {"POST": "sends_per_minute"}

    @extend_schema(parameters=[shapes.HistorySerializer], responses=shapes.MessageSerializer(many=True))
    def get(self, request: Request) -> Response:
        """List the SMS, newest first, as narrowed down."""
        page = self.paginate_queryset(history.messages_of(user_of(request), _filter(request)))
        return self.get_paginated_response(shapes.MessageSerializer(_shown(page or []), many=True).data)

    @extend_schema(
        parameters=[KEY], request=shapes.SmsSerializer,
        responses={
            201: shapes.MessageSerializer, 200: shapes.MessageSerializer, 400: shapes.NotSentSerializer,
            402: shapes.NotEnoughSerializer, 403: ErrorSerializer, 409: ErrorSerializer,
            429: shapes.OverLimitSerializer, 503: ErrorSerializer,
        },
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        """Send, or plan to send. The answer tells the message as it was accepted; GET it to see what becomes of it."""
        user, key, wanted = user_of(request), _key(request), _body(request)
        digest = shapes.digest_of(wanted)
        first = _accepted_before(user, key, digest)
        if first:
            return Response(shapes.MessageSerializer(_as_accepted(first)).data)
        try:
            submitted = submission.submit(_request(user, key, wanted, digest), now=clock.now())
        except (submission.NotAccepted, NoGateway) as why:
            raise api_refusals.of(why, readings=lambda: _readings(wanted["to"], user)) from why
        status = 200 if submitted.repeated else 201
        return Response(shapes.MessageSerializer(_as_accepted(submitted.message)).data, status=status)


class MessageView(APIView):
    """One SMS of the token's user."""

    @extend_schema(responses=shapes.MessageSerializer)
    def get(self, request: Request, message_id: UUID) -> Response:
        """Tell what became of it."""
        [shown] = _shown([_own(request, message_id)])
        return Response(shapes.MessageSerializer(shown).data)


class DeliveriesView(GenericAPIView[Delivery]):
    """The numbers that one SMS went to."""

    serializer_class = shapes.DeliverySerializer
    queryset = Delivery.objects.none()
    ordering = ("position",)
    page_size = history.DELIVERIES_PAGE

    @extend_schema(responses=shapes.DeliverySerializer(many=True))
    def get(self, request: Request, message_id: UUID) -> Response:
        """List its deliveries in the order of `to`."""
        page = self.paginate_queryset(_own(request, message_id).deliveries.select_related("message"))
        return self.get_paginated_response(shapes.DeliverySerializer(page, many=True).data)


class CancelView(APIView):
    """What has not left yet."""

    @extend_schema(request=None, responses=shapes.CancelledSerializer)
    def post(self, request: Request, message_id: UUID) -> Response:
        """Cancel what has not been handed over, and pay it back."""
        message = _own(request, message_id)
        spared = submission.cancel(message, now=clock.now())
        message.refresh_from_db()
        [shown] = _shown([message], cancelled=spared)
        return Response(shapes.CancelledSerializer(shown).data)


urlpatterns = [
    path("", MessagesView.as_view(), name="messages"),
    path("quote/", QuoteView.as_view(), name="quote"),
    path("<uuid:message_id>/", MessageView.as_view(), name="message"),
    path("<uuid:message_id>/deliveries/", DeliveriesView.as_view(), name="deliveries"),
    path("<uuid:message_id>/cancel/", CancelView.as_view(), name="cancel"),
]


def _own(request: Request, message_id: UUID) -> Message:
    return get_object_or_404(Message, pk=message_id, user=user_of(request))


def _body(request: Request) -> dict[str, Any]:
    body = shapes.SmsSerializer(data=request.data)
    body.is_valid(raise_exception=True)
    read: dict[str, Any] = body.validated_data
    return read


def _key(request: Request) -> str:
    key = shapes.request_key(request.headers.get("Idempotency-Key"))
    if key is None:
        raise api_refusals.key_missing()
    return key


def _filter(request: Request) -> history.Filter:
    form = shapes.HistorySerializer(data=request.query_params.dict())
    form.is_valid(raise_exception=True)
    read = form.validated_data
    since = max(read["from"], shapes.EARLIEST_DAY) if "from" in read else None
    return history.Filter(read.get("q", ""), read.get("state", ""), since, read.get("to"))


def _finished(wanted: Mapping[str, Any], user: User) -> str:
    text: str = wanted["text"]
    return signed(text, user) if wanted["sign"] else text


def _entries(to: Sequence[str]) -> list[Entry]:
    """Return each recipient; one text may hold several, apart by commas, or a name and a number."""
    entries = [entry for typed in to for entry in _apart(typed)]
    if len(entries) > shapes.MOST_NUMBERS:
        raise api_refusals.too_many()
    return entries


def _apart(typed: str) -> list[Entry]:
    # A third of the time of a list of 10,000 would go into looking for a second number where there can be none.
    one = [Entry("", typed)]
    return one if _PLAIN_NUMBER.fullmatch(typed) else split_many(typed) or one


def _readings(to: Sequence[str], user: User) -> list[Reading]:
    return barred(read_many([entry.typed for entry in _entries(to)], country=user.country), user=user)


def _check_length(text: str) -> None:
    try:
        parts.within_limit(parts.clean(text).rstrip())
    except parts.TooLong as long:
        raise api_refusals.too_long(length=long.length, most=long.most) from None


def _request(user: User, key: str, wanted: Mapping[str, Any], digest: str) -> submission.Request:
    return submission.Request(
        user=user, text=_finished(wanted, user), occasion=Message.Occasion.API, request_key=key, request_digest=digest,
        to=[submission.Recipient(entry.typed, entry.name) for entry in _entries(wanted["to"])],
        release_at=wanted["send_at"],
    )  # fmt: skip


def _accepted_before(user: User, key: str, digest: str) -> Message | None:
    """Return what was accepted under this key; raises `Refused` where that was another call."""
    first = Message.objects.filter(user=user, request_key=key).first()
    if first and first.request_digest != digest:
        raise api_refusals.key_reused()
    return first


def _shown(messages: Sequence[Message], *, cancelled: int = 0) -> list[shapes.Shown]:
    """Return how messages stand now, in two statements."""
    counts = history.counts(messages)
    rows: dict[UUID, list[Delivery]] = {message.pk: [] for message in messages}
    for row in _first_deliveries().filter(message__in=list(rows)).select_related("message"):
        rows[row.message_id].append(row)
    return [
        shapes.Shown(
            message=message,
            states=counts[message.pk] or {message.state: message.recipients},
            deliveries=rows[message.pk],
            from_allowance=message.from_allowance,
            from_balance=message.from_balance,
            reason=message.why_not or None,
            cancelled=cancelled,
        )
        for message in messages
    ]


def _as_accepted(message: Message) -> shapes.Shown:
    """Return a message as it stood when it was accepted: the first answer under its key, and every later one."""
    if message.release_at:
        return shapes.Shown(message, {"planned": message.recipients}, [], 0, 0, None)
    rows = _first_deliveries().filter(message=message).values_list("pk", "number", "name")
    waiting = [
        Delivery(pk=pk, message=message, number=number, name=name, state=Delivery.State.QUEUED)
        for pk, number, name in rows
    ]
    return shapes.Shown(
        message, {"queued": message.recipients}, waiting, message.from_allowance, message.from_balance, None
    )


def _first_deliveries() -> QuerySet[Delivery]:
    return Delivery.objects.filter(position__lt=history.DELIVERIES_PAGE).order_by("position")
