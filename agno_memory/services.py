"""``Service``: the base of ``Memory`` and ``AgentSessions``. Users, databases, async twins and signals."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, ClassVar, Concatenate, Generic, ParamSpec, TypeVar

from asgiref.sync import sync_to_async
from django.db.models import Model
from django.dispatch import Signal

from agno_memory.db import MemoryDb
from agno_memory.db.table import OwnedRows, Table
from agno_memory.scopes import ANYONE as ANYONE  # also imported from here
from agno_memory.scopes import NO_USER as NO_USER
from agno_memory.scopes import UserScope as UserScope
from agno_memory.signals import send

Instance = TypeVar("Instance")
Params = ParamSpec("Params")
Result = TypeVar("Result")


class Service(Generic[OwnedRows]):
    """Verbs on the rows of a model, each of which belongs to a user.

    Args:
        table: the rows and their database.
    """

    # The ``sender`` of the service's signals. It is the same for a handle, although a handle's rows have another model.
    _sender: ClassVar[type[Model]]

    def __init__(self, table: Table[OwnedRows]) -> None:
        self._table = table

    def __repr__(self) -> str:
        return f"{type(self).__name__}(db={self.db!r})"

    @property
    def db(self) -> str | MemoryDb | None:
        """The argument of the constructor: an alias, a handle, or None for the router's choice."""
        return self._table.db

    @property
    def read_alias(self) -> str:
        """The alias of the database to read from."""
        return self._table.read_alias

    @property
    def write_alias(self) -> str:
        """The alias of the database to write to."""
        return self._table.write_alias

    def rows(self, user_id: object = None) -> OwnedRows:
        """Return the rows of a user as a queryset to read from, filter, order and slice.

        Args:
            user_id: a string, an int, a Django user, ``None`` for ``DEFAULT_USER_ID``, ``ANYONE`` or ``NO_USER``.

        Raises:
            ValidationError: an anonymous user, or a value that is not a user.
        """
        return of_user(self._table.rows(), user_id)

    def rows_to_write(self, user_id: object = None) -> OwnedRows:
        """Return the rows of a user as a queryset on the database to write to; see ``rows()``."""
        return of_user(self._table.rows_to_write(), user_id)

    def _send(self, signal: Signal, **details: Any) -> None:
        """Send one of the service's signals; ``signals`` documents them."""
        # The alias costs a handle a look at its file. The router's choice of it also records the write at its end.
        if self.db is None or signal.has_listeners(self._sender):
            send(signal, self._sender, using=self.write_alias, **details)


def of_user(rows: OwnedRows, user_id: object) -> OwnedRows:
    """Narrow rows to those of a user; see ``Service.rows()``."""
    if user_id is ANYONE:
        return rows
    return rows.filter(user_id=None) if user_id is NO_USER else rows.for_user(user_id)


def async_twin(
    verb: Callable[Concatenate[Instance, Params], Result],
) -> Callable[Concatenate[Instance, Params], Coroutine[Any, Any, Result]]:
    """Return the async twin of a verb: the same arguments, run in a thread by ``sync_to_async``.

    Its name is the verb's, prefixed by ``a``. Concurrent calls, as in ``asyncio.gather()``, run one after the other in
    the same thread, like Django's own async methods.
    """

    @wraps(verb)
    async def twin(self: Instance, /, *args: Params.args, **kwargs: Params.kwargs) -> Result:
        return await sync_to_async(verb)(self, *args, **kwargs)

    twin.__name__ = f"a{verb.__name__}"
    twin.__qualname__ = verb.__qualname__.removesuffix(verb.__name__) + twin.__name__
    return twin
