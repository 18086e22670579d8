"""The statement for programs: every line, newest first, by kind and month."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from contacts import clock
from contacts.api import user_of
from contacts.instant import at_one_instant
from credit import statement
from credit.api import LineSerializer
from credit.models import Entry
from office.api_pages import CURSOR

KIND = OpenApiParameter("kind", OpenApiTypes.STR, enum=Entry.Kind.values, description="Lines of this kind only.")
OF_A_MONTH = r"^[1-9][0-9]{3}-(0[1-9]|1[0-2])$"
MONTH = OpenApiParameter(
    "month", {"type": "string", "pattern": OF_A_MONTH}, description="Lines of this month only: `2026-11`."
)


class AskedSerializer(serializers.Serializer[Any]):
    """What the statement is narrowed to."""

    kind = serializers.ChoiceField(Entry.Kind.choices, required=False)
    month = serializers.RegexField(OF_A_MONTH, required=False)


class StatementView(GenericAPIView[Entry]):
    """What moved the credit of the token's user."""

    serializer_class = LineSerializer
    queryset = Entry.objects.none()
    ordering = ("-created_at", "-id")
    page_size = 100

    @extend_schema(parameters=[KIND, MONTH], responses=LineSerializer(many=True))
    def get(self, request: Request) -> Response:
        """List the lines of the statement; without a filter they add up to what `credit/` tells."""
        asked = request.query_params
        narrowed = AskedSerializer(data=asked.dict())  # of a form, what is empty would count as absent
        narrowed.is_valid(raise_exception=True)
        wanted = statement.Filter(**narrowed.validated_data)
        with at_one_instant():
            due = statement.due(user_of(request), now=clock.now(), wanted=wanted)
            page = self.paginate_queryset(wanted.of(Entry.objects.filter(account__user=user_of(request))))
        lines = [*([] if asked.get(CURSOR) else due), *map(statement.line_of, page or [])]
        answer = self.get_paginated_response(LineSerializer(lines, many=True).data)
        told: dict[str, Any] = answer.data
        told["count"] += len(due)
        return answer
