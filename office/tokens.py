"""Keys by which programs act for a user: made and shown once, kept as a digest, taken back by their owner."""

import hashlib
import secrets
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils import timezone, translation
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from contacts import clock
from contacts.models import User
from office.models import Token

WORD = "Token"
NAME_LENGTH = 60
SEEN_EVERY = timedelta(minutes=5)  # a write per call would cost more than most calls


def make(user: User, *, name: str, now: datetime) -> str:
    """Make a token of `user` and return its key, 64 characters (256 bits); nobody can read it again."""
    key = secrets.token_hex(32)
    Token.objects.create(user=user, name=name, digest=_digest(key), created_at=now)
    return key


def owner(key: str, *, now: datetime) -> User | None:
    """Return who a key acts for, and note that it was used; None for no key of ours, or of somebody switched off."""
    token = Token.objects.select_related("user").filter(digest=_digest(key), user__is_active=True).first()
    if token is None:
        return None
    if token.last_used_at is None or token.last_used_at < now - SEEN_EVERY:
        Token.objects.filter(pk=token.pk).update(last_used_at=now)
    return token.user


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Token …`, and nothing else: no cookie opens the API, so there is nothing to forge (CSRF)."""

    def authenticate(self, request: Request) -> tuple[User, None] | None:
        """Return the token's user, in whose language and zone the answer is then given; None where no token came."""
        words = get_authorization_header(request).decode("latin-1").split()
        if not words or words[0].lower() != WORD.lower():
            return None
        user = owner(words[1], now=clock.now()) if len(words) == 2 else None
        if user is None:
            raise AuthenticationFailed
        translation.activate(user.language)
        timezone.activate(ZoneInfo(user.zone_name))
        return user, None

    def authenticate_header(self, request: Request) -> str:
        """Return what a 401 asks for."""
        return WORD


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the API's description names it."""

    target_class = "office.tokens.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        """Return the scheme as OpenAPI says it."""
        told = f"`{WORD} ` and the token, which the settings show once when it is made."
        return {"type": "apiKey", "in": "header", "name": "Authorization", "description": told}


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
