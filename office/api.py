"""Everything below /api/v1/: the calls of each floor, their description, and the page that shows it (CONTRACT.md)."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import include, path, re_path
from django.views.decorators.http import require_safe
from drf_spectacular import renderers
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.views import APIView

from contacts import book_api, clock, group_api
from contacts.api import user_of
from credit import limits
from credit.api import CreditSerializer, LimitsSerializer
from office.api_schema import schema
from office.quota import quota_of
from office.statement_api import StatementView
from office.top_up_api import TopUpsView, TopUpView
from sms import api as sms

app_name = "api"


class CreditView(APIView):
    """What the token's user can spend."""

    @extend_schema(responses=CreditSerializer)
    def get(self, request: Request) -> Response:
        """Tell both pockets as they stand, with what they paid this month."""
        return Response(CreditSerializer(quota_of(user_of(request), now=clock.now())).data)


class LimitsView(APIView):
    """What the token's user may send."""

    @extend_schema(responses=LimitsSerializer)
    def get(self, request: Request) -> Response:
        """Tell the limits that hold now, what of them is used, and the confirmed countries."""
        user = user_of(request)
        countries = [user.country, *user.known_countries.values_list("country", flat=True)]
        told = {"limits": limits.holding_for(user, now=clock.now()), "countries": countries}
        return Response(LimitsSerializer(told).data)


class Door(APIView):
    """Open to everybody; reads no token."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    schema = None


class RootView(Door):
    """Where to begin."""

    def get(self, request: Request) -> Response:
        """List the addresses that need no id."""
        names = (
            "messages", "quote", "credit", "statement", "top_ups", "limits", "contacts", "lists", "groups",
            "invitations", "schema", "docs",
        )  # fmt: skip
        return Response({name: reverse(f"api:{name}", request=request) for name in names})


class SchemaView(Door):
    """The description of the API, as JSON, or as YAML for who asks for it."""

    renderer_classes = (
        renderers.OpenApiJsonRenderer2,
        renderers.OpenApiJsonRenderer,
        renderers.OpenApiYamlRenderer2,
        renderers.OpenApiYamlRenderer,
    )

    def get(self, request: Request) -> Response:
        """Return the description."""
        return Response(schema())


class NowhereView(Door):
    """Every other address: 404 in the API's own shape."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse whatever the verb."""
        raise Http404


@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    """Show the description as a page on which calls can be tried."""
    return render(request, "office/api_docs.html")


urlpatterns = [
    path("", RootView.as_view(), name="root"),
    path("schema/", SchemaView.as_view(), name="schema"),
    path("docs/", docs, name="docs"),
    path("credit/", CreditView.as_view(), name="credit"),
    path("statement/", StatementView.as_view(), name="statement"),
    path("top-ups/", TopUpsView.as_view(), name="top_ups"),
    path("top-ups/<uuid:top_up_id>/", TopUpView.as_view(), name="top_up"),
    path("limits/", LimitsView.as_view(), name="limits"),
    path("sms/", include(sms.urlpatterns)),
    path("", include(book_api.urlpatterns)),
    path("", include(group_api.urlpatterns)),
    re_path("^", NowhereView.as_view(), name="nowhere"),
]
