"""``VersionedQuerySet``: the earlier versions that meet the conditions of a queryset of memories.

A queryset notes its conditions, because the same questions go to the table of earlier versions.
"""

from __future__ import annotations

import datetime
import operator
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, NoReturn, Self

from django.db import NotSupportedError
from django.db.models import F, Q
from django.db.models.sql import Query
from django.db.models.sql.where import ExtraWhere, WhereNode

from agno_memory.kept_querysets import KeptQuerySet

if TYPE_CHECKING:
    from agno_memory.revision_querysets import RevisionQuerySet

# The primary key in a lookup or an order.
KEY: Final = re.compile(r"^(-?)(?:key|pk)(?=__|$)")
# The condition of no rows.
NOTHING: Final = Q(pk__in=[])


class VersionedQuerySet(KeptQuerySet):
    """Base of querysets of memories: leads to their earlier versions."""

    # The calls of filter() and exclude(), for the same questions about earlier versions.
    _conditions: tuple[tuple[bool, Any, Any], ...] = ()
    _moment: datetime.datetime | None = None
    _is_without_deleted = False
    _is_current = False

    def without_deleted(self) -> Self:
        """Leave out what ``as_of()`` and ``versions()`` have of memories that have been deleted or have expired since.

        For readers who may not see deleted memories.
        """
        rows = self.all()
        rows._is_without_deleted = True
        return rows

    def versions(self) -> RevisionQuerySet:
        """Return the earlier versions that meet the conditions of this queryset, those of deleted memories included.

        Versions older than ``HISTORY_DAYS`` are left out, also before they are pruned. ``current()`` is no condition on
        versions, nor are an order and a slice.

        Raises:
            NotSupportedError: after ``union()`` and the like, or conditions of ``extra()``.
        """
        return self.every_version().shown()

    versions.queryset_only = True  # type: ignore[attr-defined]

    def every_version(self) -> RevisionQuerySet:
        """Return ``versions()`` with those that are too old."""
        own: Any = self
        if self.query.combinator or any(isinstance(each, ExtraWhere) for each in self.query.where.children):
            raise NotSupportedError("Earlier versions follow filter() and exclude(), not union() or extra().")
        versions: RevisionQuerySet = self.model.revisions(own._db)
        for negate, args, kwargs in self._conditions:
            condition = _of_revisions(Q(*args, **kwargs))
            versions = versions.filter(~condition if negate else condition)
        if self._is_without_deleted:
            versions = versions.of_existing(type(self)(self.model, using=own._db).current())
        return versions

    every_version.queryset_only = True  # type: ignore[attr-defined]

    def _filter_or_exclude_inplace(self, negate: bool, args: Any, kwargs: Any) -> None:
        self._conditions = (*self._conditions, (negate, args, kwargs))
        super()._filter_or_exclude_inplace(negate, args, kwargs)  # type: ignore[misc]

    def none(self) -> Self:
        rows: Self = super().none()
        rows._conditions = (*rows._conditions, (False, (NOTHING,), {}))
        return rows

    def __and__(self, other: Any) -> Any:
        return self._combined(super().__and__(other), other, operator.and_)

    def __or__(self, other: Any) -> Any:
        return self._combined(super().__or__(other), other, operator.or_)

    def __xor__(self, other: Any) -> Any:
        return self._combined(super().__xor__(other), other, operator.xor)

    def _combined(self, rows: Any, other: VersionedQuerySet, combine: Callable[[Any, Any], Any]) -> Any:
        """Let the versions of two combined querysets meet the conditions of both, as their memories do."""
        if self._moment != other._moment:
            self._refuse(combine.__name__)
        rows = rows.all()
        rows._conditions = ((False, (combine(self._condition(), other._condition()),), {}),)
        rows._is_without_deleted = self._is_without_deleted or other._is_without_deleted
        currents = self._is_current, other._is_current
        rows._is_current = any(currents) if combine is operator.and_ else all(currents)
        return rows

    def _condition(self) -> Q:
        """Return the calls of filter() and exclude() as one condition."""
        calls = [(negate, Q(*args, **kwargs)) for negate, args, kwargs in self._conditions]
        return Q(~NOTHING, *(~condition if negate else condition for negate, condition in calls))

    def _clone(self) -> Self:
        clone = super()._clone()  # type: ignore[misc]
        clone._conditions, clone._moment = self._conditions, self._moment
        clone._is_without_deleted, clone._is_current = self._is_without_deleted, self._is_current
        return clone  # type: ignore[no-any-return]

    @staticmethod
    def _refuse(method: str) -> NoReturn:
        raise NotSupportedError(f"{method}() is not supported after as_of(): memories of an earlier moment are read.")


def _of_revisions(condition: Any) -> Any:
    """Return the same condition for revisions.

    Raises:
        NotSupportedError: an expression names the key of a memory, which a revision has under another name.
    """
    if isinstance(condition, Q):
        children = [_of_revisions(child) for child in condition.children]
        return Q(*children, _connector=condition.connector, _negated=condition.negated)
    if isinstance(condition, tuple):
        _check_key(condition[1])
        return lookup_of_revisions(condition[0]), condition[1]
    _check_key(condition)
    return condition


def _check_key(expression: Any) -> None:
    """Raise NotSupportedError if an expression names the key, also inside a subquery: ``OuterRef("pk")``."""
    if isinstance(expression, F) and KEY.match(str(getattr(expression, "name", ""))):
        raise NotSupportedError("Earlier versions follow conditions on user_id and memory_id, not those on the key.")
    query = getattr(expression, "query", expression)
    inner = list(query.where.children) if isinstance(query, Query) else []
    if hasattr(expression, "get_source_expressions"):
        inner += expression.get_source_expressions()
    if isinstance(expression, WhereNode):
        inner += expression.children
    for each in inner:
        if each is not expression:
            _check_key(each)


def lookup_of_revisions(lookup: str) -> str:
    """Return a lookup, or an order, of memories as one of revisions."""
    return KEY.sub(r"\1memory_key", lookup)
