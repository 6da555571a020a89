"""AgentOS inside a Django site: one ASGI application for both, with the users of the site.

agno decides by a token for whom a request acts, and has the rules for it: a user reads and writes what is theirs,
also where a form, a query or a message names another. So each request gets a token of its user here, which lives for
a minute and is signed with a key that only this process knows. What the client sends in its place is removed.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from importlib.metadata import version
from types import MappingProxyType
from typing import Any, Final, NamedTuple, TypeAlias

import jwt
from agno.os import AgentOS
from agno.os.middleware import JWTMiddleware
from django.core.exceptions import ImproperlyConfigured, PermissionDenied, SuspiciousOperation

from agno_memory.acting import acting
from agno_memory.contrib.agno.threads import worker_connections
from agno_memory.contrib.agno.v3.site_users import Authenticate, as_request, session_user
from agno_memory.identifiers import owner_id
from agno_memory.privacy import private_headers

Scope: TypeAlias = dict[str, Any]
Message: TypeAlias = dict[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Application: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]
# Returns the scopes of a user. It runs in a worker thread, so it may use the ORM.
ScopesOf: TypeAlias = Callable[[Any], Iterable[str]]

# What agno calls scopes: to run what there is, and to read, change and delete what is the user's own.
OWN_SCOPES: Final = (
    "config:read",
    *(f"{kind}:{action}" for kind in ("agents", "teams", "workflows") for action in ("read", "run")),
    *(f"{kind}:{action}" for kind in ("sessions", "memories", "learnings") for action in ("read", "write", "delete")),
    *(f"{kind}:read" for kind in ("knowledge", "traces", "metrics", "approvals")),
)
# Everything, also the data of other users.
ADMIN_SCOPES: Final = ("agent_os:admin",)
# agno lets every user use a route for which it has no scope. These are of the user's own runs and sessions.
OWN_ROUTES: Final = {
    f"POST /{kind}/*/{route}": [f"{kind}:run"]
    for kind in ("agents", "teams", "workflows")
    for route in ("runs/*/resume", "sessions/*/fork", "sessions/*/compact")
}
# All others are for those who may do everything, also in a release of agno that has more of them.
OTHER_ROUTES: Final = {
    f"{method} /*": list(ADMIN_SCOPES) for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
}

# The first release known to choose scopes by the path inside AgentOS: before, by the whole one, so by those of others.
OLDEST: Final = (3, 0, 11)
TOKEN_SECONDS: Final = 60
ALGORITHM: Final = "HS256"
# The headers by which a client proves who it is, which AgentOS must not see.
PROOFS: Final = (b"authorization", b"cookie")
TWO_AUTHENTICATIONS: Final = (
    "This AgentOS has an authentication of its own, but with_agentos() lets the site authenticate: "
    "remove authorization, OS_SECURITY_KEY, JWTMiddleware or mcp_auth."
)
WEBSOCKET: Final = "/workflows/ws"
# The messages with the headers of a response.
STARTS: Final = ("http.response.start", "websocket.http.response.start")
POLICY_VIOLATION: Final = 1008


class Identity(NamedTuple):
    """The user of a request, and the scopes of their token."""

    user_id: str
    scopes: tuple[str, ...]


class Refused(Exception):
    """A request that does not reach AgentOS."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status


def own_scopes(user: Any) -> Iterable[str]:
    """Return ``OWN_SCOPES``: the same rights for all users."""
    return OWN_SCOPES


def with_agentos(
    site: Application,
    agent_os: AgentOS,
    path: str = "/agents/",
    *,
    authenticate: Authenticate = session_user,
    scopes: ScopesOf = own_scopes,
    routes: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> Application:
    """Return one ASGI application for a Django site and an AgentOS.

    Every request below the path needs a user of the site: others are answered with 401, the pages of AgentOS's
    documentation included. agno's user is the id under which the site's memories are kept (``USER_ID_FIELD``).

    Args:
        site: Django's application, as ``get_asgi_application()`` returns it.
        agent_os: without ``authorization``, ``OS_SECURITY_KEY``, ``JWTMiddleware`` or ``mcp_auth``: the site decides.
        path: where AgentOS is; everything else is the site's.
        authenticate: returns the user of a request, or None; by default the one of the session. It may raise
            ``PermissionDenied``, which is answered with 403.
        scopes: returns the scopes of a user, such as ``OWN_SCOPES`` or ``ADMIN_SCOPES``.
        routes: the scopes that routes of your own need, such as ``{"POST /orders/*": ["agents:run"]}``, as in agno's
            ``scope_mappings``. Without one, a route that agno has no scopes for needs ``ADMIN_SCOPES``.

    Raises:
        ImproperlyConfigured: a path without a name, an AgentOS that authenticates by itself, or an agno before 3.0.11.
    """
    if tuple(map(int, re.findall(r"\d+", version("agno"))[:3])) < OLDEST:
        raise ImproperlyConfigured(
            f"with_agentos() needs agno {'.'.join(map(str, OLDEST))} or later, not {version('agno')}: "
            "there, AgentOS does not protect its routes if it has a path."
        )
    prefix = "/" + path.strip("/")
    if prefix == "/":
        raise ImproperlyConfigured("AgentOS needs a path of its own, such as /agents/: the site has the others.")
    return _SiteWithAgentOS(site, _Guarded(agent_os, authenticate, scopes, routes), prefix)


class _SiteWithAgentOS:
    """Passes each request on, to the site or to AgentOS."""

    def __init__(self, site: Application, agents: _Guarded, prefix: str) -> None:
        self.site, self.agents, self.prefix = site, agents, prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            # Django has none.
            await self.agents.app(scope, receive, send)
            return
        root = scope.get("root_path", "") + self.prefix
        if scope["path"] != root and not scope["path"].startswith(root + "/"):
            await self.site(scope, receive, send)
            return
        # A path inside of a root is whole in ASGI. The root itself would be an empty path for AgentOS.
        inside = "/" if scope["path"].rstrip("/") == root else scope["path"]
        await self.agents({**scope, "path": inside, "root_path": root}, receive, send)


class _Guarded:
    """AgentOS behind the site's authentication."""

    def __init__(
        self, agent_os: AgentOS, authenticate: Authenticate, scopes: ScopesOf, routes: Mapping[str, Sequence[str]]
    ) -> None:
        if getattr(agent_os, "mcp_auth", None) is not None:
            raise ImproperlyConfigured(TWO_AUTHENTICATIONS)
        self.app: Any = agent_os.get_app()
        self.authenticate, self.scopes = authenticate, scopes
        self._key = secrets.token_urlsafe(32)
        if any(issubclass(each.cls, JWTMiddleware) for each in self.app.user_middleware if isinstance(each.cls, type)):
            raise ImproperlyConfigured(TWO_AUTHENTICATIONS)
        self.app.add_middleware(
            JWTMiddleware,
            verification_keys=[self._key],
            algorithm=ALGORITHM,
            authorization=True,
            # The first pattern that matches counts, after those of agno.
            scope_mappings={**routes, **OWN_ROUTES, **OTHER_ROUTES},
            user_isolation=True,
        )
        # The innermost, as in AgentOS: the others change the path by which it chooses the scopes.
        self.app.user_middleware.append(self.app.user_middleware.pop(0))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        send = _privately(send)
        if self._is_from_agentos(scope) or _is_preflight(scope):
            await self.app(scope, receive, send)
            return
        try:
            identity = await self._identity(scope)
        except Refused as refused:
            await _refuse(scope, send, refused)
            return
        headers = [(name, value) for name, value in scope["headers"] if name.lower() not in PROOFS]
        headers.append((b"authorization", b"Bearer " + self._token(identity).encode()))
        if scope["type"] == "websocket":
            receive = self._as_user(identity, scope, receive, send)
        with acting(identity.user_id):
            await self.app({**scope, "headers": headers}, receive, send)

    async def _identity(self, scope: Scope) -> Identity:
        """Return the user of a request.

        Raises:
            Refused: there is none, or the request is not one of the site's pages.
        """
        request = as_request(scope)

        def find() -> Identity | None:
            with worker_connections():
                request.get_host()
                user = self.authenticate(request)
                if user is None or not getattr(user, "is_authenticated", True):
                    return None
                return Identity(owner_id(user), tuple(sorted(self.scopes(user))))

        try:
            found = await asyncio.to_thread(find)
        except PermissionDenied as error:
            raise Refused(403, str(error) or "Permission denied.") from error
        except SuspiciousOperation as error:
            # Such as a host that is not in ALLOWED_HOSTS.
            raise Refused(400, "Bad request.") from error
        if found is None:
            raise Refused(401, "Log in to the site first.")
        return found

    def _token(self, identity: Identity) -> str:
        claims = {"sub": identity.user_id, "scopes": list(identity.scopes), "exp": int(time.time()) + TOKEN_SECONDS}
        return jwt.encode(claims, self._key, algorithm=ALGORITHM)

    def _is_from_agentos(self, scope: Scope) -> bool:
        """Return whether AgentOS's own scheduler sends a request: its token is in no other hands."""
        token = getattr(self.app.state, "internal_service_token", None)
        sent = [value for name, value in scope["headers"] if name.lower() == b"authorization"]
        return bool(token) and len(sent) == 1 and hmac.compare_digest(sent[0], f"Bearer {token}".encode())

    def _as_user(self, identity: Identity, scope: Scope, receive: Receive, send: Send) -> Receive:
        """Return the messages of a WebSocket, which say who sends them before AgentOS asks for it.

        The user is looked up again for each message: a connection ends with the login, or when the scopes change.
        """
        is_workflows = scope["path"] == scope["root_path"] + WEBSOCKET
        waiting: list[Message] = []

        async def receive_as_user() -> Message:
            if waiting:
                return waiting.pop()
            message = await receive()
            if message["type"] == "websocket.connect" and is_workflows:
                waiting.append(self._introduction(identity))
            if message["type"] != "websocket.receive":
                return message
            try:
                is_same = await self._identity(scope) == identity
            except Refused:
                is_same = False
            if not is_same:
                await send({"type": "websocket.close", "code": POLICY_VIOLATION})
                return {"type": "websocket.disconnect", "code": POLICY_VIOLATION}
            return self._introduction(identity) if _authenticates(message) else message

        return receive_as_user

    def _introduction(self, identity: Identity) -> Message:
        text = json.dumps({"action": "authenticate", "token": self._token(identity)})
        return {"type": "websocket.receive", "text": text}


def _authenticates(message: Message) -> bool:
    """Return whether a message would make a connection another user's."""
    try:
        content = json.loads(message.get("text") or "")
    except ValueError:
        return False
    return isinstance(content, dict) and content.get("action") == "authenticate"


def _privately(send: Send) -> Send:
    """Return the same with responses that no cache keeps: they have memories, or the pages of one user."""

    async def send_privately(message: Message) -> None:
        if message["type"] in STARTS:
            message = {**message, "headers": private_headers(message.get("headers", ()))}
        await send(message)

    return send_privately


def _is_preflight(scope: Scope) -> bool:
    """Return whether a browser asks if a page of another site may send a request, which it does without a login."""
    names = {name.lower() for name, _value in scope["headers"]}
    return scope.get("method") == "OPTIONS" and {b"origin", b"access-control-request-method"} <= names


async def _refuse(scope: Scope, send: Send, refused: Refused) -> None:
    if scope["type"] == "websocket" and "websocket.http.response" not in scope.get("extensions", {}):
        # Before the connection is accepted, servers answer with 403.
        await send({"type": "websocket.close", "code": POLICY_VIOLATION})
        return
    kind = "websocket.http.response" if scope["type"] == "websocket" else "http.response"
    body = json.dumps({"detail": str(refused)}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if refused.status == 401:
        headers.append((b"www-authenticate", b"Session"))
    await send({"type": f"{kind}.start", "status": refused.status, "headers": headers})
    await send({"type": f"{kind}.body", "body": body})
