"""The methods of ``DjangoDb`` for service accounts: programs that call AgentOS with a token, stored as a hash."""

from __future__ import annotations

from typing import Any

from agno.db.schemas.service_accounts import (
    ServiceAccount,
    resolve_service_account_sort_column,
    validate_service_account_update,
)

from agno_memory.agent_document_kinds import ACCOUNT, ACTIVE
from agno_memory.agent_documents import Document
from agno_memory.contrib.agno.threads import from_anywhere
from agno_memory.contrib.agno.v3.documents import Documents, complete, first_document
from agno_memory.contrib.agno.v3.listing import Listing
from agno_memory.exceptions import RecordExists


class ServiceAccountsMixin:
    """Service accounts. One without a user is shared; one of a user is never another user's."""

    db: str | None

    @from_anywhere
    def create_service_account(self, account_data: Document) -> Document:
        """Add an account.

        Raises:
            RecordExists: the id is taken, an active account has this name, or an account has this token; nothing was
                written.
        """
        account, accounts = complete(ServiceAccount, account_data), self._accounts()
        if accounts.stored({"token_hash": account["token_hash"]}).exists():
            raise RecordExists(account["id"])
        accounts.add(account)
        return account_data

    @from_anywhere
    def get_service_account(self, service_account_id: str, user_id: str | None = None) -> Document | None:
        """Return an account, or None.

        Args:
            service_account_id: the id of the account.
            user_id: only an account of this user, or a shared one.
        """
        return self._accounts().get(service_account_id, user_id, shared=True)

    @from_anywhere
    def get_service_account_by_token_hash(self, token_hash: str) -> Document | None:
        """Return the account with a token, or None."""
        return first_document(self._accounts().rows(None, {"token_hash": token_hash}))

    @from_anywhere
    def get_service_account_by_name(self, name: str, include_revoked: bool = False) -> Document | None:
        """Return the newest account with a name, or None.

        Args:
            name: of the account.
            include_revoked: also one that is revoked.
        """
        rows = self._accounts().rows(None, {"name": name})
        return first_document((rows if include_revoked else rows.filter(status=ACTIVE)).latest_made())

    @from_anywhere
    def get_service_accounts(
        self,
        include_revoked: bool = True,
        limit: int = 20,
        page: int = 1,
        sort_by: str = "created_at",
        sort_order: str = "desc",
        user_id: str | None = None,
    ) -> tuple[list[Document], int]:
        """Return a page of the accounts that match all arguments, and the number of all matches.

        Args:
            include_revoked: also those that are revoked.
            limit: most accounts to return.
            page: from 1.
            sort_by: ``created_at``, ``name``, ``last_used_at`` or ``expires_at``; others mean ``created_at``.
            sort_order: ``"asc"``, otherwise descending.
            user_id: only accounts of this user, and shared ones.

        Raises:
            ValueError: a page below 1.
        """
        listing = Listing(limit, page, resolve_service_account_sort_column(sort_by), sort_order)
        listing.check()
        accounts = self._accounts()
        rows = accounts.rows(user_id, shared=True)
        if not include_revoked:
            rows = rows.filter(status=ACTIVE)
        return accounts.page(rows, listing, rows.latest_made()), rows.count()

    @from_anywhere
    def update_service_account(
        self, /, service_account_id: str, return_record: bool = True, **kwargs: Any
    ) -> Document | None:
        """Write when an account was used or revoked, and return it.

        Args:
            service_account_id: the id of the account.
            return_record: return the account as it is now; otherwise None.
            kwargs: ``last_used_at`` or ``revoked_at``, in seconds since 1970.

        Raises:
            ValueError: another value, or a revocation that ends; nothing was written.
        """
        validate_service_account_update(kwargs)
        updated = self._accounts().edit(service_account_id, lambda account: account | kwargs)
        return updated if return_record else None

    @from_anywhere
    def delete_service_account(self, service_account_id: str) -> bool:
        """Delete an account of any user, and return whether it existed."""
        return bool(self._accounts().delete([service_account_id], None))

    def _accounts(self) -> Documents:
        return Documents(ACCOUNT, self.db)
