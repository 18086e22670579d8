"""A program of a user: calls the API with that user's token."""

import json
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from contacts.models import User
from office import tokens


@dataclass(frozen=True)
class Program:
    """Calls the API; `key` is the token, empty for none."""

    key: str = ""

    @classmethod
    def of(cls, user: User) -> "Program":
        return cls(tokens.make(user, name="test", now=timezone.now()))

    def call(self, verb: str, path: str, body: Any = None, **headers: str) -> HttpResponse:
        if self.key:
            headers["Authorization"] = f"Token {self.key}"
        data = "" if body is None else json.dumps(body)
        return Client(raise_request_exception=False, headers=headers).generic(
            verb, f"/api/v1/{path}", data, content_type="application/json"
        )

    def get(self, path: str, **headers: str) -> HttpResponse:
        return self.call("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> HttpResponse:
        return self.call("POST", path, body, **headers)

    def send(self, *to: str, text: str = "See you at 9", key: str = "k1", **more: Any) -> HttpResponse:
        return self.post("sms/", {"to": list(to), "text": text, **more}, **{"Idempotency-Key": key})
