"""The methods of ``DjangoDb`` for the tokens with which an agent calls other services in the name of a user."""

from __future__ import annotations

from agno_memory.agent_document_kinds import AUTH_TOKEN, token_id
from agno_memory.agent_documents import Document
from agno_memory.contrib.agno import owners
from agno_memory.contrib.agno.threads import from_anywhere
from agno_memory.contrib.agno.v3.documents import Documents, seconds_now
from agno_memory.contrib.agno.v3.rows import to_json
from agno_memory.json_texts import object_or_none
from agno_memory.keys import uuid7


class AuthTokensMixin:
    """Tokens. One of a user is never another user's; agno's ``""`` means no user."""

    db: str | None

    @from_anywhere
    def get_auth_token(self, provider: str, user_id: str | None, service: str) -> Document | None:
        """Return the token of a user for a service of a provider, or None."""
        key = _key(provider, user_id, service)
        tokens = self._tokens()
        found = tokens.records.get_record(token_id(key), owners.writer(key["user_id"]))
        document = None if found is None else object_or_none(found.data)
        return None if document is None else _result(document)

    @from_anywhere
    def upsert_auth_token(self, token: Document) -> Document:
        """Add a token, or replace the data and the scopes of the one of this user for this service, and return it.

        Args:
            token: with ``provider``, ``user_id``, ``service`` and ``token_data``.
        """
        moment = seconds_now()
        key = _key(token["provider"], token.get("user_id"), token["service"])
        document = {"granted_scopes": None, "created_at": moment, **token, **key, "id": uuid7(), "updated_at": moment}
        written = {name: document[name] for name in ("token_data", "granted_scopes", "updated_at")}
        tokens = self._tokens()
        stored = tokens.records.upsert_record(
            AUTH_TOKEN.record(to_json(document)),
            tokens.change(lambda current: current | written),
            owners.writer(key["user_id"]),
        )
        return _result(stored.data)

    @from_anywhere
    def delete_auth_token(self, provider: str, user_id: str | None, service: str) -> bool:
        """Delete the token of a user for a service of a provider, and return whether it existed."""
        key = _key(provider, user_id, service)
        return bool(self._tokens().records.delete_records([token_id(key)], owners.writer(key["user_id"])))

    def _tokens(self) -> Documents:
        return Documents(AUTH_TOKEN, self.db)


def _key(provider: str, user_id: str | None, service: str) -> Document:
    # agno itself passes "" for the token of the whole installation, such as that of its xAI models.
    return {"provider": provider, "user_id": None if user_id == "" else user_id, "service": service}


def _result(document: Document) -> Document:
    return document | {"user_id": document.get("user_id") or ""}
