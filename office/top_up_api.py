"""Top-ups for programs: what was begun and paid, and a new one, which a person then pays on the payment page."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import Http404
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from contacts import clock
from contacts.api import ErrorSerializer, Refused, user_of
from credit import checkout, topping_up
from credit.api import MoneyField
from credit.forms import TopUpForm
from credit.models import TopUp


class WantedSerializer(serializers.Serializer[Any]):
    """What is to be paid in."""

    amount = serializers.DecimalField(
        max_digits=10, decimal_places=2, min_value=0, help_text='In the office\'s currency: "10.00".'
    )


class TopUpSerializer(serializers.Serializer[Any]):
    """One top-up: `refunded` is what went back to the card."""

    id = serializers.CharField(source="pk")
    amount = MoneyField()
    refunded = MoneyField()
    currency = serializers.CharField()
    state = serializers.ChoiceField(TopUp.State.values)
    payment = serializers.CharField(allow_null=True, help_text="The payment's id at Stripe; null until it is paid.")
    created_at = serializers.DateTimeField()
    paid_at = serializers.DateTimeField(allow_null=True)
    expires_at = serializers.DateTimeField(help_text="Until when an open one can be paid.")


class BegunSerializer(TopUpSerializer):
    """A top-up that was begun just now."""

    pay_at = serializers.URLField(help_text="Where a person pays it, by card.")


class TopUpsView(GenericAPIView[TopUp]):
    """The top-ups of the token's user."""

    serializer_class = TopUpSerializer
    queryset = TopUp.objects.none()
    ordering = ("-created_at", "-id")
    page_size = 100

    @extend_schema(responses=TopUpSerializer(many=True))
    def get(self, request: Request) -> Response:
        """List the top-ups, newest first."""
        page = self.paginate_queryset(_of(request))
        return self.get_paginated_response(TopUpSerializer(page, many=True).data)

    @extend_schema(
        request=WantedSerializer,
        responses={
            201: BegunSerializer,
            400: ErrorSerializer,
            409: ErrorSerializer,
            429: ErrorSerializer,
            503: ErrorSerializer,
        },
    )
    def post(self, request: Request) -> Response:
        """Begin a top-up. Nothing is charged until a person has paid at `pay_at`."""
        top_up, now = self._begin(request), clock.now()
        try:
            pay_at = checkout.open_page(top_up, now=now)
        except checkout.Unreachable as why:
            raise Refused(503, "unavailable", why.sentence) from why
        return Response({**TopUpSerializer(top_up).data, "pay_at": pay_at}, status=201)

    def _begin(self, request: Request) -> TopUp:
        if not checkout.is_set_up():
            raise Refused(409, "no_cards", _("This office takes no payments by card."))
        asked = WantedSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        form = TopUpForm({"own": f"{asked.validated_data['amount']:f}"})
        if not form.is_valid():
            sentences = [str(each) for name in form.errors for each in form.errors[name]]
            raise Refused(400, "invalid", sentences[0], fields={"amount": sentences})
        wanted = topping_up.Wanted(
            amount=form.units, currency=settings.CURRENCY, livemode=checkout.is_live(), vat_rate=settings.VAT_RATE
        )
        try:
            return topping_up.begin(user_of(request), wanted, now=clock.now())
        except topping_up.TooManyOpen as why:
            raise Refused(429, "too_many_open", why.sentence) from why


class TopUpView(APIView):
    """One top-up of the token's user."""

    @extend_schema(responses={200: TopUpSerializer, 404: ErrorSerializer})
    def get(self, request: Request, top_up_id: UUID) -> Response:
        """Tell how it stands; of an open one Stripe is asked."""
        found = _of(request).filter(pk=top_up_id).first()
        if found is None:
            raise Http404
        if found.state == TopUp.State.OPEN:
            checkout.ask(found, now=clock.now())
            found.refresh_from_db()
        return Response(TopUpSerializer(found).data)


def _of(request: Request) -> Any:
    return TopUp.objects.filter(account__user=user_of(request))
