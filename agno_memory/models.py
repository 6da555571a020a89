from __future__ import annotations

import datetime
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models, router, transaction
from django.db.models.base import ModelBase
from django.utils.translation import gettext_lazy as _

from agno_memory.agent_metric_models import AgentMetric as AgentMetric  # as Django asks
from agno_memory.agent_record_models import AgentRecord as AgentRecord
from agno_memory.agent_session_models import AgentRun as AgentRun
from agno_memory.agent_session_models import AgentSession as AgentSession
from agno_memory.agent_trace_models import AgentSpan as AgentSpan
from agno_memory.agent_trace_models import AgentTrace as AgentTrace
from agno_memory.conf import conf
from agno_memory.content_models import MemoryContent
from agno_memory.db.connections import connected_to
from agno_memory.db.damaged import Damaged, damaged_fields
from agno_memory.db.transactions import all_or_nothing
from agno_memory.derived_fields import DerivedTextField, FoldedTextField, SearchTermsField, TextKeyField
from agno_memory.fields import (
    CompositeKeyField,
    CreatedAtField,
    LastUpdatedField,
    MachineWritten,
    VersionField,
)
from agno_memory.querysets import UserMemoryQuerySet
from agno_memory.revision_models import MemoryRevision
from agno_memory.revision_querysets import RevisionQuerySet
from agno_memory.times import BEGINNING, now
from agno_memory.vector_models import MemoryVector
from agno_memory.vector_querysets import VectorQuerySet

if TYPE_CHECKING:
    # Type checkers without the plugin of django-stubs do not find the methods of a queryset on its manager.
    class UserMemoryManager(UserMemoryQuerySet, models.Manager["UserMemory"]):  # type: ignore[misc]
        """The manager of memories."""


class UserMemory(MemoryContent):
    """One fact about one person.

    Callers pass unsaved instances, ``UserMemory(memory="...", topics=[...])``, to ``Memory``, which returns saved ones.
    Writes through the ORM also change the machine-written fields, but do not check the owner.
    """

    key = CompositeKeyField(_("key"), of=("user_id", "memory_id"))
    version = VersionField(_("version"), editable=False, default=1)
    last_updated = LastUpdatedField(_("last updated"), editable=False)
    created_at = CreatedAtField(_("created at"), editable=False)
    search_text = FoldedTextField(_("search text"), source="memory")
    search_terms = SearchTermsField(_("search terms"), text="memory", topics="topics")
    text_key = TextKeyField(_("text key"), of=("user_id", "memory"))

    # The time of a write by save(), which the version before and the next one share.
    writes_at: datetime.datetime | None = None

    objects: ClassVar[UserMemoryManager] = UserMemoryQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("user memory")
        verbose_name_plural = _("user memories")
        constraints = (
            # Two additions of one text at the same time cannot both succeed, if ON_DUPLICATE asks for that.
            models.UniqueConstraint(
                fields=["user_id", "text_key"], name="agno_memory_unique_text", condition=models.Q(text_key__gt="")
            ),
        )
        # Taking all texts out of the site is more than seeing them.
        permissions = (
            ("export_usermemory", "Can export user memories"),
            ("view_deleted", "Can view deleted user memories"),
        )
        indexes = (
            # One person's newest memories, and so all filters and searches within one person's memories.
            models.Index(fields=["user_id", "-last_updated", "-memory_id"], name="agno_memory_user_newest"),
            # The same in the order in which they were added, which no later write changes.
            models.Index(fields=["user_id", "created_at", "memory_id"], name="agno_memory_user_created"),
            # The same two orders over the memories of all persons.
            models.Index(fields=["-last_updated", "-memory_id", "-key"], name="agno_memory_newest"),
            models.Index(fields=["created_at", "memory_id", "key"], name="agno_memory_created"),
            # For readers that have an id and no owner. It is not unique: two owners may use the same id.
            models.Index(fields=["memory_id"], name="agno_memory_memory_id"),
            # One person's pinned memories, and the memories that have expired; of the others these know nothing.
            models.Index(
                fields=["user_id", "-last_updated", "-memory_id"],
                name="agno_memory_pinned",
                condition=models.Q(pinned=True),
            ),
            models.Index(
                fields=["expires_at", "memory_id", "key"],
                name="agno_memory_expires",
                condition=models.Q(expires_at__gt=BEGINNING),
            ),
        )

    def __str__(self) -> str:
        # Not the text: str() is written to logs, tracebacks and the admin's history, which outlive an erased memory.
        return str(self.memory_id)

    def save(
        self,
        *args: Any,
        force_insert: bool | tuple[ModelBase, ...] = False,
        force_update: bool = False,
        using: str | None = None,
        update_fields: Iterable[str] | None = None,
    ) -> None:
        """Save as any model; the machine-written fields change and are read back.

        Checks neither the owner nor the version: to replace only the version that you have read, call
        ``Memory.replace_user_memory()``. A memory that has been deleted is not added again. The owner and the id are
        written only when the memory is added.

        Raises:
            DatabaseError: the memory has been deleted.
            IntegrityError: a new memory with an id that its owner uses already.
            ValueError: another owner or id than the memory was read with.
        """
        alias = connected_to(using or router.db_for_write(type(self), instance=self)).alias
        # A row of a replica is a row of the primary.
        is_copy = self._state.db != alias and (using is not None or self._state.db not in conf.READ_DATABASES)
        if force_insert or is_copy:
            self._state.adding = True
        if self._state.adding:
            super().save(
                *args,
                # Django would first try to update a row with this key.
                force_insert=force_insert or not (force_update or update_fields),
                force_update=force_update,
                using=alias,
                update_fields=update_fields,
            )
            return
        self.check_identity()
        # In one transaction, if the database has them, so that no later write is read back.
        with transaction.atomic(using=alias, savepoint=False):
            self.writes_at = now()
            self._own_row(alias).filter(pk=self.pk).keep("replaced", moment=self.writes_at)
            super().save(*args, using=alias, update_fields=self._names_to_save(update_fields))
            self.refresh_from_db(fields=self._machine_written(), from_queryset=self._own_row(alias))
            # Of the sources of the words, the instance may have values that it does not save.
            if update_fields is not None:
                own: Any = type(self)._default_manager.using(alias).filter(user_id=self.user_id, pk=self.pk)
                own.compute_terms(set(update_fields))

    save.alters_data = True  # type: ignore[attr-defined]

    @classmethod
    def vectors(cls, alias: str | None) -> VectorQuerySet:
        """Return the vectors of the memories in this model's table.

        Args:
            alias: of their database; None for the router's choice.
        """
        return MemoryVector.objects.using(alias)

    @classmethod
    def revisions(cls, alias: str | None) -> RevisionQuerySet:
        """Return the earlier versions of the memories in this model's table; see ``vectors()``."""
        return MemoryRevision.objects.using(alias)

    def delete(self, using: str | None = None, keep_parents: bool = False) -> tuple[int, dict[str, int]]:
        """Delete as any model, and the vectors too."""
        alias = using or router.db_for_write(type(self), instance=self)
        key = self.key

        def delete_all() -> tuple[int, dict[str, int]]:
            self.key = key
            own: Any = type(self)._default_manager.using(alias).filter(user_id=self.user_id, pk=key)
            own.keep("deleted")
            deleted = super(UserMemory, self).delete(using=using, keep_parents=keep_parents)
            self.vectors(alias).of_memories(self.user_id, [key]).erase()
            return deleted

        return all_or_nothing(alias, delete_all)

    delete.alters_data = True  # type: ignore[attr-defined]

    def check_identity(self) -> None:
        """Check that the owner and the id are those that the memory was read with; if one is deferred, it is read.

        Raises:
            ValueError: they have changed.
        """
        key: Any = self._meta.pk
        if self.get_deferred_fields() >= set(key.of):
            return
        if self.key != key.get_pk_value_on_save(self):
            raise ValueError(
                "The user_id and the memory_id of a saved memory cannot change. To change the owner, call "
                "BulkMemory(rows).reassign(user); to change the id, add a copy and delete this memory."
            )

    def has_expired(self, moment: datetime.datetime) -> bool:
        """Return whether the memory has expired at a moment."""
        expires_at: datetime.datetime | None = self.expires_at
        return expires_at is not None and not isinstance(expires_at, Damaged) and expires_at <= moment

    @property
    def damaged_fields(self) -> list[str]:
        """The names of the fields with values that cannot be read as stored, because another program wrote them."""
        return damaged_fields(self)

    def _own_row(self, alias: str) -> Any:
        return type(self)._default_manager.using(alias).filter(user_id=self.user_id)

    def _do_update(self, base_qs: Any, *args: Any) -> Any:
        # Names the owner as every statement does, so a database that is distributed by owner asks one server.
        return super()._do_update(base_qs.filter(user_id=self.user_id), *args)

    def _names_to_save(self, update_fields: Iterable[str] | None) -> set[str]:
        """Return the names of the fields to save, with the fields that follow from them, without owner and id."""
        key: Any = self._meta.pk
        every = {field.name for field in self._meta.concrete_fields}
        names = every - self.get_deferred_fields() if update_fields is None else set(update_fields)
        names -= {key.name, *key.of}
        followers = {
            field.name
            for field in self._meta.concrete_fields
            if isinstance(field, DerivedTextField) and names.intersection(field.sources)
        }
        return names | followers | set(self._machine_written())

    def _machine_written(self) -> list[str]:
        return [field.name for field in self._meta.concrete_fields if isinstance(field, MachineWritten)]
