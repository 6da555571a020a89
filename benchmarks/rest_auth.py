"""Authentication of the benchmark: a signed user name, checked without a database by the API and by the bare views."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.core.signing import Signer
from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request


def token_of(username: str) -> str:
    return Signer().sign(username)


def caller(request: HttpRequest) -> str:
    """Return the user name of a request."""
    return Signer().unsign(request.headers["Authorization"].removeprefix("Token "))


class SignedName(BaseAuthentication):
    def authenticate(self, request: Request) -> tuple[User, None]:
        return User(username=caller(request._request)), None
