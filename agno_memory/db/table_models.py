"""``UserMemory`` and ``MemoryVector`` on other tables."""

from __future__ import annotations

import threading
from copy import copy
from typing import Any, Final, TypeVar, cast

from django.apps.registry import Apps
from django.db.backends.utils import names_digest
from django.db.models import BaseConstraint, Field, Index, Model

from agno_memory.keys import composite_key
from agno_memory.models import UserMemory
from agno_memory.revision_models import MemoryRevision
from agno_memory.revision_querysets import RevisionQuerySet
from agno_memory.vector_models import MemoryVector
from agno_memory.vector_querysets import VectorQuerySet

TModel = TypeVar("TModel", bound=Model)

_lock = threading.Lock()
_models: dict[str, type[UserMemory]] = {}
# The tables beside that of the memories have its name with an ending; PostgreSQL limits its length.
VECTORS_ENDING: Final = "_vectors"
REVISIONS_ENDING: Final = "_revisions"
CONSTRAINT_ENDING: Final = "_unique_text"
MAX_NAME_LENGTH: Final = 63


def model_for(table_name: str) -> type[UserMemory]:
    """Return the subclass of ``UserMemory`` for a table; the same one for each call.

    Django has no API for "this model on that table". A proxy model comes closest: its ``_meta`` is changed to name the
    table, and queries, ``save()`` and the schema editor all read ``_meta``.
    """
    with _lock:
        if table_name not in _models:
            _models[table_name] = _make_model(table_name)
        return _models[table_name]


def _make_model(table_name: str) -> type[UserMemory]:
    vectors = _on_table(MemoryVector, _beside(table_name, VECTORS_ENDING), {})
    revisions = _on_table(MemoryRevision, _beside(table_name, REVISIONS_ENDING), {})

    def vectors_of(cls: type[UserMemory], alias: str | None) -> VectorQuerySet:
        return vectors.objects.using(alias)

    def revisions_of(cls: type[UserMemory], alias: str | None) -> RevisionQuerySet:
        return revisions.objects.using(alias)

    members = {
        "__reduce__": _reduce,
        "vectors": classmethod(vectors_of),
        "revisions": classmethod(revisions_of),
    }
    return _on_table(UserMemory, table_name, members)


def _beside(table_name: str, ending: str) -> str:
    """Return a name that a table's name begins; a digest keeps a name that is cut unique."""
    name = f"{table_name}{ending}"
    if len(name) <= MAX_NAME_LENGTH:
        return name
    unique = composite_key(table_name)[:8]
    return f"{table_name[: MAX_NAME_LENGTH - len(ending) - len(unique)]}{unique}{ending}"


def _on_table(base: type[TModel], table_name: str, members: dict[str, Any]) -> type[TModel]:
    """Return a subclass of a model for a table."""
    meta = type("Meta", (), {"proxy": True, "app_label": "agno_memory", "apps": Apps()})
    own = {"__module__": base.__module__, "Meta": meta, **members}
    model = cast("type[TModel]", type(base.__name__, (base,), own))
    options: Any = model._meta
    options.proxy = False
    options.parents = {}
    options.db_table = table_name
    options.local_fields = [_copy_field(model, field) for field in base._meta.local_fields]
    options.pk = next(field for field in options.local_fields if field.primary_key)
    options._expire_cache()
    options.indexes = [_copy_index(model, index) for index in base._meta.indexes]
    options.constraints = [_copy_constraint(model, constraint) for constraint in base._meta.constraints]
    return model


def _reduce(memory: UserMemory) -> Any:
    """Copy and pickle an instance by the name of its table: Django would use the model of the same class name."""
    state = UserMemory.__reduce__(memory)[2]
    return _empty_instance, (memory._meta.db_table,), state


def _empty_instance(table_name: str) -> UserMemory:
    model = model_for(table_name)
    return model.__new__(model)


def _copy_field(model: type[Model], field: Field[Any, Any]) -> Field[Any, Any]:
    """Return a copy of a field that belongs to the model: some statements name a column with its table."""
    own = copy(field)
    own.model = model
    vars(own).pop("cached_col", None)
    return own


def _copy_index(model: type[Model], index: Index) -> Index:
    """Return a copy of an index with a name made from the table: names of indexes are unique in a database."""
    own = index.clone()
    own.name = ""
    own.set_name_with_model(model)
    if own.condition is not None:
        # The name is made from the columns, which another index may have without a condition.
        own.name = f"{own.name[: own.max_name_length - 4]}_{names_digest(index.name, length=3)}"
    return own


def _copy_constraint(model: type[Model], constraint: BaseConstraint) -> BaseConstraint:
    """Return a copy of a constraint, also with a name made from the table."""
    own = constraint.clone()
    own.name = _beside(model._meta.db_table, CONSTRAINT_ENDING)
    return own
