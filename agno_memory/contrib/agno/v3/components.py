"""The methods of ``DjangoDb`` for components: agents, teams and workflows that are stored, as ``agent.save()`` does."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from agno.db.base import ComponentType

from agno_memory.agent_document_kinds import LIVE
from agno_memory.agent_documents import Document, owner_or_none
from agno_memory.agent_record_querysets import AgentRecordQuerySet
from agno_memory.contrib.agno.threads import from_anywhere
from agno_memory.contrib.agno.v3.component_kinds import PUBLISHED, check_child_versions, check_stage
from agno_memory.contrib.agno.v3.component_store import ComponentStore, archived, check_current, refuse_dependents
from agno_memory.contrib.agno.v3.documents import documents, first_document, merged, seconds_now
from agno_memory.exceptions import RecordExists


class ComponentsMixin:
    """Components. All users read those without a user and published ones; only the owner changes or deletes one."""

    db: str | None

    # Reading

    @from_anywhere
    def get_component(
        self,
        component_id: str,
        component_type: ComponentType | None = None,
        user_id: str | None = None,
        include_deleted: bool = False,
    ) -> Document | None:
        """Return a component, or None.

        Args:
            component_id: the id of the component.
            component_type: only a component of this type.
            user_id: only a component that this user may see: their own, one without a user, or a published one.
            include_deleted: also one that is archived.
        """
        components = self._component_store().components
        rows = components.at(components.rows(None, {"component_type": _type_name(component_type)}), component_id)
        return first_document(_seen(rows, user_id, include_deleted))

    @from_anywhere
    def list_components(
        self,
        component_type: ComponentType | None = None,
        include_deleted: bool = False,
        limit: int = 20,
        offset: int = 0,
        exclude_component_ids: set[str] | None = None,
        user_id: str | None = None,
        name: str | None = None,
    ) -> tuple[list[Document], int]:
        """Return components, the newest first, and the number of all matches.

        Args:
            component_type: only components of this type.
            include_deleted: also those that are archived.
            limit: most components to return.
            offset: the number of components to skip.
            exclude_component_ids: ids of components that are no matches.
            user_id: only components that this user may see, as of ``get_component()``.
            name: only components with this name.
        """
        components = self._component_store().components
        rows = components.rows(None, {"component_type": _type_name(component_type), "name": name})
        rows = _seen(rows, user_id, include_deleted)
        if exclude_component_ids:
            rows = rows.exclude(record_id__in=exclude_component_ids)
        return documents(rows.latest_made()[offset : offset + limit]), rows.count()

    # Writing

    @from_anywhere
    def upsert_component(
        self,
        component_id: str,
        component_type: ComponentType | None = None,
        name: str | None = None,
        description: str | None = None,
        current_version: int | None = None,
        metadata: dict[str, Any] | None = None,
        user_id: str | None = None,
    ) -> Document:
        """Add a component, or write those of its values that are not None.

        Args:
            component_id: the id of the component.
            component_type: of a new component; it does not change.
            name: of the component, by default its id.
            description: of the component.
            current_version: the version to run, which is published.
            metadata: of the component.
            user_id: the owner; only their own component is changed.

        Returns:
            The component as it is now.

        Raises:
            ValueError: another user's component, another type, or a version that is not published.
            ComponentArchivedError: the component is archived.
        """
        store = self._component_store()
        new_type = _type_name(component_type)

        def write() -> Document:
            if not store.is_taken(component_id, user_id):
                if new_type is None:
                    raise ValueError("A new component needs a component_type.")
                document = _new(component_id, new_type, name or component_id, description, metadata, user_id)
                # Added by another call meanwhile: it is changed.
                with suppress(RecordExists):
                    return store.components.add(document)
            component = store.writable(component_id, user_id)
            if new_type is not None and new_type != component["component_type"]:
                raise ValueError(f"The type of {component_id} is {component['component_type']}, which cannot change.")
            if current_version is not None and store.stage(component_id, current_version) != PUBLISHED:
                raise ValueError(f"Version {current_version} of {component_id} is not published.")
            values = {"name": name, "description": description, "metadata": metadata}
            return _changed(store, component_id, current_version=current_version, **values)

        return store.as_one(write)

    @from_anywhere
    def create_component_with_config(
        self,
        component_id: str,
        component_type: ComponentType,
        name: str | None,
        config: dict[str, Any],
        description: str | None = None,
        metadata: dict[str, Any] | None = None,
        label: str | None = None,
        stage: str = "draft",
        notes: str | None = None,
        links: list[Document] | None = None,
        user_id: str | None = None,
    ) -> tuple[Document, Document]:
        """Add a component and its first version, all or nothing.

        Args:
            component_id: the id of the component.
            component_type: of the component.
            name: of the component.
            config: of the version.
            description: of the component.
            metadata: of the component.
            label: of the version.
            stage: ``"draft"`` or ``"published"``.
            notes: of the version.
            links: to the components that this one consists of, each with its ``child_version``.
            user_id: the owner; none by default.

        Returns:
            The component and the version.

        Raises:
            ValueError: a stage or a link that is not valid, or an id that is taken.
            ComponentDependencyError: a published component consists of one that is not published.
        """
        store = self._component_store()
        owner = owner_or_none(user_id)
        check_stage(stage)
        check_child_versions(links)

        def write() -> tuple[Document, Document]:
            # Of another user, too, without naming it.
            taken = ValueError(f"Component ID {component_id} is not available")
            if store.is_taken(component_id, user_id):
                raise taken
            store.check_links(component_id, links or ())
            if stage == PUBLISHED:
                store.check_pins(component_id, links or ())
            document = _new(component_id, component_type.value, name, description, metadata, owner)
            try:
                store.components.add(document | {"current_version": 1 if stage == PUBLISHED else None})
            except RecordExists as error:
                raise taken from error
            component = store.writable(component_id, None)
            written = store.add_version(component, 1, label=label, stage=stage, config=config, notes=notes)
            store.replace_links(component, 1, links or ())
            return component, written

        return store.as_one(write)

    # Deleting

    @from_anywhere
    def delete_component(
        self,
        component_id: str,
        hard_delete: bool = False,
        user_id: str | None = None,
        expected_current_version: int | None = None,
        require_no_dependents: bool = True,
        cascade_stats: dict[str, int] | None = None,
    ) -> bool:
        """Archive a component, or delete it with its versions and links, and return whether this user had it.

        The schedules of the component are disabled. Its id stays taken while it is archived.

        Args:
            component_id: the id of the component.
            hard_delete: delete it.
            user_id: the owner; any by default.
            expected_current_version: the current version, 0 for none; any by default.
            require_no_dependents: refuse if other components of this user, or without a user, consist of it.
            cascade_stats: gets ``schedules_disabled``, the number of schedules.

        Raises:
            ComponentDependencyError: other components consist of it; nothing was written.
            ComponentVersionConflictError: another version is the current one; nothing was written.
        """
        store = self._component_store()

        def delete() -> bool:
            component = store.locked(component_id, user_id)
            if component is None:
                return False
            if require_no_dependents:
                found = store.dependents(component_id, active=not hard_delete, owner=user_id)
                refuse_dependents(component_id, found)
            check_current(component, expected_current_version)
            if not (_erase(store, component_id) if hard_delete else _archive(store, component_id)):
                return False
            disabled = self._disable_schedules(component)
            if cascade_stats is not None:
                cascade_stats["schedules_disabled"] = disabled
            return True

        return store.as_one(delete)

    @from_anywhere
    def restore_component(self, component_id: str, user_id: str | None = None) -> bool:
        """Take a component of a user, or of any user, out of the archive, and return whether it was there.

        Raises:
            ComponentDependencyError: it consists of components that are archived; nothing was written.
        """
        store = self._component_store()

        def restore() -> bool:
            component = store.locked(component_id, user_id)
            if component is None or component["deleted_at"] is None:
                return False
            if (version := component["current_version"]) is not None:
                store.check_pinned_are_live(component_id, documents(store.links_of(component_id, version)))
            times = {"deleted_at": None, "updated_at": seconds_now()}
            return store.edit(component_id, lambda current: current | times, user_id) is not None

        return store.as_one(restore)

    def _disable_schedules(self, component: Document) -> int:
        """Disable the schedules of a component that is gone, and return their number."""
        kind, component_id = component["component_type"], component["component_id"]
        reason = f"target_archived:{kind}:{component_id}"
        own: Any = self
        return int(own.disable_schedules_for_target(kind, component_id, reason=reason))

    def _component_store(self) -> ComponentStore:
        return ComponentStore(self.db)


def _new(
    component_id: str,
    component_type: str,
    name: str | None,
    description: str | None,
    metadata: dict[str, Any] | None,
    user_id: str | None,
) -> Document:
    return {
        "component_id": component_id,
        "component_type": component_type,
        "name": name,
        "user_id": user_id,
        "description": description,
        "current_version": None,
        "metadata": metadata,
        "created_at": seconds_now(),
        "updated_at": None,
        "deleted_at": None,
    }


def _changed(store: ComponentStore, component_id: str, **values: Any) -> Document:
    """Write those of the values that are not None, unless the component was archived meanwhile."""

    def change(component: Document) -> Document:
        if component["deleted_at"] is not None:
            raise archived(component_id)
        return merged(component, **values) | {"updated_at": seconds_now()}

    changed = store.edit(component_id, change)
    if changed is None:
        raise ValueError(f"Component {component_id} not found")
    return changed


def _archive(store: ComponentStore, component_id: str) -> bool:
    def stamp(component: Document) -> Document | None:
        moment = seconds_now()
        return None if component["deleted_at"] else component | {"deleted_at": moment, "updated_at": moment}

    return store.edit(component_id, stamp) is not None


def _erase(store: ComponentStore, component_id: str) -> bool:
    store.links.stored({"parent_component_id": component_id}).erase()
    store.links.stored({"child_component_id": component_id}).erase()
    store.configs.stored({"component_id": component_id}).erase()
    return bool(store.components.stored_at(component_id).erase())


def _seen(rows: AgentRecordQuerySet, user_id: str | None, include_deleted: bool) -> AgentRecordQuerySet:
    """Narrow to the components that a user may see. An archived one is seen by its owner alone."""
    if not include_deleted:
        rows = rows.filter(status=LIVE)
    if user_id is None:
        return rows
    return rows.visible_to(user_id) | rows.filter(status=LIVE).exclude(sort_number=None)


def _type_name(component_type: Any) -> str | None:
    return None if component_type is None else str(getattr(component_type, "value", component_type))
