"""``ContractCase``: the base of all parts of the contract."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import connections
from django.dispatch import Signal
from django.test import TransactionTestCase
from django.test.utils import CaptureQueriesContext

from agno_memory.memory import Memory
from agno_memory.models import UserMemory
from agno_memory.querysets import UserMemoryQuerySet
from agno_memory.test.contract.capabilities import Capabilities
from agno_memory.test.helpers import values

if TYPE_CHECKING:
    # For the type checker alone: at run time a subclass chooses its test case, and the parts are not tests themselves.
    _Base = TransactionTestCase
else:
    _Base = object

ALICE = "alice@example.com"
BOB = "bob@example.com"


class ContractCase(Capabilities, _Base):
    """Base of the parts of the contract. A subclass sets ``database`` and adds a test case of Django."""

    databases = "__all__"

    def setUp(self) -> None:
        super().setUp()
        self.memory = Memory(db=self.database)
        self.memory.clear()

    @property
    def rows(self) -> UserMemoryQuerySet:
        """All memories in the store, of all owners."""
        return UserMemory.objects.using(self.database).all()

    def add(self, text: str = "The user prefers dark mode", user_id: object = ALICE, **content: Any) -> UserMemory:
        """Add a memory and return it."""
        return self.memory.add_user_memory(UserMemory(memory=text, **content), user_id)

    def assert_refused(self, field: str, verb: Callable[..., Any], *args: Any, **kwargs: Any) -> ValidationError:
        """Check that a call raises ValidationError for this field and leaves the store unchanged.

        Returns:
            The error.
        """
        before = [values(memory) for memory in self.rows.newest()]
        with self.assertRaises(ValidationError) as caught:
            verb(*args, **kwargs)
        self.assertIn(field, caught.exception.message_dict)
        self.assertEqual([values(memory) for memory in self.rows.newest()], before)
        return caught.exception

    @contextmanager
    def at_most(self, statements: int) -> Iterator[None]:
        """Check that a block runs at most this many statements, those of a transaction included."""
        with CaptureQueriesContext(connections[self.database]) as captured:
            yield
        self.assertLessEqual(len(captured), statements, captured.captured_queries)

    @contextmanager
    def received(self, signal: Signal) -> Iterator[list[dict[str, Any]]]:
        """Collect the arguments of each sending of a signal."""
        sent: list[dict[str, Any]] = []

        def receiver(signal: Signal, **kwargs: Any) -> None:
            sent.append(kwargs)

        signal.connect(receiver)
        try:
            yield sent
        finally:
            signal.disconnect(receiver)
