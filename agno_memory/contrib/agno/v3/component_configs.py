"""The methods of ``DjangoDb`` for the versions of components, which agno calls configs."""

from __future__ import annotations

from typing import Any

from agno.db.base import (
    DELETED_CONFIG_STAGE,
    ComponentArchivedError,
    ComponentDraftRequiredError,
    ComponentLastConfigError,
    project_config_identity,
)
from django.db.models import Max

from agno_memory.agent_document_kinds import LIVE, config_id
from agno_memory.agent_documents import Document
from agno_memory.agent_record_querysets import AgentRecordQuerySet
from agno_memory.contrib.agno.threads import from_anywhere
from agno_memory.contrib.agno.v3.component_kinds import PUBLISHED, check_child_versions, check_stage
from agno_memory.contrib.agno.v3.component_store import ComponentStore, archived, check_current, conflict
from agno_memory.contrib.agno.v3.documents import documents, first_document, merged, seconds_now
from agno_memory.services import ANYONE


class ComponentConfigsMixin:
    """Versions of components. A published one does not change; a deleted one leaves its number taken."""

    db: str | None

    # Reading

    @from_anywhere
    def get_config(
        self, component_id: str, version: int | None = None, label: str | None = None, include_deleted: bool = False
    ) -> Document | None:
        """Return a version of a component that is not archived, or None.

        Args:
            component_id: the id of the component.
            version: its number; by default that with the label, the current one, or else the last one.
            label: of the version.
            include_deleted: also a deleted version, by its number.
        """
        store = ComponentStore(self.db)
        component = _live(store, component_id)
        if component is None:
            return None
        if version is None and label is None:
            version = component["current_version"]
        if version is None and label is None:
            return first_document(_versions(store, component_id).order_by("-sort_number"))
        rows = _versions(store, component_id, include_deleted=include_deleted and version is not None)
        return first_document(rows.filter(name=label) if version is None else rows.filter(sort_number=version))

    @from_anywhere
    def get_current_config(self, component_id: str) -> Document | None:
        """Return the current version of a component that is not archived, or None."""
        store = ComponentStore(self.db)
        component = _live(store, component_id)
        if component is None or component["current_version"] is None:
            return None
        return first_document(_versions(store, component_id).filter(sort_number=component["current_version"]))

    @from_anywhere
    def get_latest_config(self, component_id: str) -> Document | None:
        """Return the last version of a component that is not archived, or None."""
        store = ComponentStore(self.db)
        if _live(store, component_id) is None:
            return None
        return first_document(_versions(store, component_id).order_by("-sort_number"))

    @from_anywhere
    def get_latest_configs(self, component_ids: set[str]) -> dict[str, Document | None]:
        """Return the last version of each of some components, None for one that is archived or does not exist."""
        store = ComponentStore(self.db)
        live = store.components.at(store.components.rows(None), *component_ids).filter(status=LIVE)
        rows = store.configs.rows(None).filter(parent_id__in=[each["component_id"] for each in documents(live)])
        rows = rows.exclude(status=DELETED_CONFIG_STAGE)
        last: Any = rows.order_by().values("parent_id").annotate(last=Max("sort_number"))
        ids = [config_id(each["parent_id"], each["last"]) for each in last]
        configs = {each["component_id"]: each for each in documents(store.configs.at(store.configs.rows(None), *ids))}
        return {component_id: configs.get(component_id) for component_id in component_ids}

    @from_anywhere
    def list_configs(
        self, component_id: str, include_config: bool = False, include_deleted: bool = False
    ) -> list[Document]:
        """Return the versions of a component that is not archived, the last one first.

        Args:
            component_id: the id of the component.
            include_config: with their ``config``.
            include_deleted: also deleted versions.
        """
        store = ComponentStore(self.db)
        if _live(store, component_id) is None:
            return []
        found = documents(_versions(store, component_id, include_deleted=include_deleted).order_by("-sort_number"))
        if include_config:
            return found
        return [{name: value for name, value in config.items() if name != "config"} for config in found]

    # Writing

    @from_anywhere
    def upsert_config(
        self,
        component_id: str,
        config: dict[str, Any] | None = None,
        version: int | None = None,
        label: str | None = None,
        stage: str | None = None,
        notes: str | None = None,
        links: list[Document] | None = None,
        expected_latest_version: int | None = None,
        expected_current_version: int | None = None,
        user_id: str | None = None,
    ) -> Document:
        """Add a version, or write those values of a draft that are not None. A published one becomes the current one.

        Args:
            component_id: the id of the component.
            config: of the version; a new version needs one.
            version: the number of a draft; by default a new version is added.
            label: of the version; no other version has it.
            stage: ``"draft"`` or ``"published"``; a new version is a draft.
            notes: of the version.
            links: to the components that it consists of, each with its ``child_version``; None keeps them.
            expected_latest_version: the last version before; any by default.
            expected_current_version: the current version before, 0 for none; any by default.
            user_id: the owner of the component; any by default.

        Returns:
            The version as it is now.

        Raises:
            ValueError: this user has no such component or draft, or a value is not valid.
            ComponentArchivedError: the component, or one that it links to, is archived.
            ComponentCycleError: the links would make a circle.
            ComponentDependencyError: a published version consists of components that are not published.
            ComponentVersionConflictError: another version is the last or the current one.
        """
        store = ComponentStore(self.db)
        check_stage(stage)
        values = {"config": config, "label": label, "stage": stage, "notes": notes}

        def write() -> Document:
            component = store.writable(component_id, user_id)
            # Before the check of the last version: without transactions, another call may add one meanwhile, and
            # then it has this number.
            number = store.next_version(component_id)
            if expected_latest_version is not None:
                latest = store.latest_version(component_id)
                if latest != expected_latest_version:
                    raise conflict(component_id, "latest", latest, expected_latest_version)
            store.check_links(component_id, links or ())
            store.check_label(component_id, label, version)
            check_child_versions(links)
            if version is None:
                written = _appended(store, component, number, links or (), expected_current_version, **values)
            else:
                written = _edited(store, component, version, links, expected_current_version, **values)
            if links is not None:
                store.replace_links(component, written["version"], links)
            if written["stage"] == PUBLISHED:
                identity = project_config_identity(written["config"]) if isinstance(written["config"], dict) else {}
                store.move_pointer(component_id, written["version"], expected_current_version, **identity)
            return written

        return store.as_one(write)

    @from_anywhere
    def set_current_version(
        self, component_id: str, version: int, expected_current_version: int | None = None, user_id: str | None = None
    ) -> bool:
        """Make a published version the current one, and return whether this user has the component and the version.

        Args:
            component_id: the id of the component.
            version: its number.
            expected_current_version: the current version before, 0 for none; any by default.
            user_id: the owner of the component; any by default.

        Raises:
            ValueError: the version is a draft.
            ComponentDependencyError: it consists of components that are archived.
            ComponentVersionConflictError: another version is the current one.
        """
        store = ComponentStore(self.db)

        def move() -> bool:
            component = store.locked(component_id, user_id)
            stage = None if component is None else store.stage(component_id, version)
            if component is None or component["deleted_at"] is not None or stage is None:
                return False
            if stage != PUBLISHED:
                raise ValueError(f"Version {version} of {component_id} is not published.")
            check_current(component, expected_current_version)
            store.check_pinned_are_live(component_id, documents(store.links_of(component_id, version)))
            try:
                store.move_pointer(component_id, version, expected_current_version)
            except ComponentArchivedError:
                return False
            return True

        return store.as_one(move)

    # Deleting

    @from_anywhere
    def delete_config(self, component_id: str, version: int, user_id: str | None = None) -> bool:
        """Delete a draft, and return whether this user had it. Its number stays taken.

        Args:
            component_id: the id of the component.
            version: the number of the draft.
            user_id: the owner of the component; any by default.

        Raises:
            ComponentArchivedError: the component is archived.
            ComponentDraftRequiredError: the version is published.
            ComponentLastConfigError: it is the last version.
            ComponentDependencyError: another component consists of it.
            ValueError: it is the current version.
        """
        store = ComponentStore(self.db)

        def delete() -> bool:
            component = store.locked(component_id, user_id)
            if component is None and user_id is not None:
                return False
            if component is not None and component["deleted_at"] is not None:
                raise archived(component_id)
            if not _check_deletable(store, component_id, version, component):
                return False
            deleted = store.configs.edit(config_id(component_id, version), _deleted_draft, ANYONE)
            if deleted is None:
                # Published or deleted since it was checked.
                return _check_deletable(store, component_id, version, component)
            store.links_of(component_id, version).erase()
            return True

        return store.as_one(delete)


def _live(store: ComponentStore, component_id: str) -> Document | None:
    components = store.components
    return first_document(components.at(components.rows(None), component_id).filter(status=LIVE))


def _versions(store: ComponentStore, component_id: str, *, include_deleted: bool = False) -> AgentRecordQuerySet:
    rows = store.configs.rows(None, {"component_id": component_id})
    return rows if include_deleted else rows.exclude(status=DELETED_CONFIG_STAGE)


def _appended(
    store: ComponentStore, component: Document, number: int, links: Any, expected_current: int | None, **values: Any
) -> Document:
    """Add a version after all others."""
    if values["config"] is None:
        raise ValueError("A new version needs a config.")
    values["stage"] = values["stage"] or "draft"
    if values["stage"] == PUBLISHED:
        check_current(component, expected_current)
        store.check_pins(component["component_id"], links)
    return store.add_version(component, number, **values)


def _edited(
    store: ComponentStore,
    component: Document,
    version: int,
    links: Any,
    expected_current: int | None,
    **values: Any,
) -> Document:
    """Write those values of a draft that are not None."""
    component_id = component["component_id"]
    _check_draft(component_id, version, store.stage(component_id, version))
    if values["stage"] == PUBLISHED:
        check_current(component, expected_current)
        store.check_pins(component_id, documents(store.links_of(component_id, version)) if links is None else links)

    def change(config: Document) -> Document:
        _check_draft(component_id, version, config["stage"])
        return merged(config, **values) | {"updated_at": seconds_now()}

    edited = store.configs.edit(config_id(component_id, version), change, ANYONE)
    if edited is None:
        raise ValueError(f"Config {component_id} v{version} not found")
    return edited


def _check_draft(component_id: str, version: int, stage: str | None) -> None:
    if stage in (None, DELETED_CONFIG_STAGE):
        raise ValueError(f"Config {component_id} v{version} not found")
    if stage == PUBLISHED:
        raise ValueError(f"Version {version} of {component_id} is published, and does not change: add another one.")


def _check_deletable(store: ComponentStore, component_id: str, version: int, component: Document | None) -> bool:
    """Return whether a version exists; raises an error if it cannot be deleted."""
    stage = store.stage(component_id, version)
    if stage in (None, DELETED_CONFIG_STAGE):
        return False
    if stage == PUBLISHED:
        raise ComponentDraftRequiredError(f"Version {version} of {component_id} is published; only drafts are deleted.")
    if component is not None and component["current_version"] == version:
        raise ValueError(f"Version {version} is the current one of {component_id}.")
    if store.versions(component_id).count() <= 1:
        raise ComponentLastConfigError(f"Version {version} is the last one of {component_id}.")
    store.check_unpinned(component_id, version)
    return True


def _deleted_draft(config: Document) -> Document | None:
    if config["stage"] != "draft":
        return None
    return config | {"stage": DELETED_CONFIG_STAGE, "label": None, "updated_at": seconds_now()}
