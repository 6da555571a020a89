"""``UserMemory`` on another table."""

from __future__ import annotations

import threading
from copy import copy
from typing import Any, cast

from django.apps.registry import Apps
from django.db.models import Field, Index

from agno_memory.models import UserMemory

_lock = threading.Lock()
_models: dict[str, type[UserMemory]] = {}


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
    meta = type("Meta", (), {"proxy": True, "app_label": "agno_memory", "apps": Apps()})
    members = {"__module__": UserMemory.__module__, "Meta": meta, "__reduce__": _reduce}
    model = cast("type[UserMemory]", type("UserMemory", (UserMemory,), members))
    options: Any = model._meta
    options.proxy = False
    options.parents = {}
    options.db_table = table_name
    options.local_fields = [_copy_field(model, field) for field in UserMemory._meta.local_fields]
    options.pk = next(field for field in options.local_fields if field.primary_key)
    options._expire_cache()
    options.indexes = [_copy_index(model, index) for index in UserMemory._meta.indexes]
    return model


def _reduce(memory: UserMemory) -> Any:
    """Copy and pickle an instance by the name of its table: Django would use the model of the same class name."""
    state = UserMemory.__reduce__(memory)[2]
    return _empty_instance, (memory._meta.db_table,), state


def _empty_instance(table_name: str) -> UserMemory:
    model = model_for(table_name)
    return model.__new__(model)


def _copy_field(model: type[UserMemory], field: Field[Any, Any]) -> Field[Any, Any]:
    """Return a copy of a field that belongs to the model: some statements name a column with its table."""
    own = copy(field)
    own.model = model
    vars(own).pop("cached_col", None)
    return own


def _copy_index(model: type[UserMemory], index: Index) -> Index:
    """Return a copy of an index with a name made from the table: names of indexes are unique in a database."""
    own = index.clone()
    own.name = ""
    own.set_name_with_model(model)
    return own
