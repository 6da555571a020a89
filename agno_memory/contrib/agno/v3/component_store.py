"""Components of agno 3 (agents, teams and workflows that are stored), their versions, and the links between them.

``ComponentStore`` has the rules that several methods of ``DjangoDb`` share. A write locks its component first, if the
database has locks. Without transactions (a stand-alone MongoDB) each row is still written by a conditional statement.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from agno.db.base import (
    DELETED_CONFIG_STAGE,
    PIN_LINK_KINDS,
    ComponentArchivedError,
    ComponentCycleError,
    ComponentDependencyError,
    ComponentVersionConflictError,
    current_version_matches,
)
from django.db.models import F

from agno_memory.agent_document_kinds import ARCHIVED, COMPONENT, CONFIG, LINK, config_id
from agno_memory.agent_documents import Document, owner_or_none
from agno_memory.agent_record_querysets import AgentRecordQuerySet
from agno_memory.contrib.agno import owners
from agno_memory.contrib.agno.v3.component_kinds import PUBLISHED
from agno_memory.contrib.agno.v3.documents import Documents, Edit, documents, first_document, seconds_now
from agno_memory.db.transactions import all_or_nothing
from agno_memory.exceptions import RecordExists

Result = TypeVar("Result")


def archived(component_id: str) -> ComponentArchivedError:
    """Return the error for a write of a component that is archived."""
    return ComponentArchivedError(f"Component {component_id} is archived: restore it before you write to it.")


def conflict(component_id: str, which: str, found: int | None, expected: int) -> ComponentVersionConflictError:
    """Return the error for a version that is not the expected one."""
    return ComponentVersionConflictError(f"The {which} version of {component_id} is {found}, not {expected}.")


class ComponentStore:
    """The records of components, versions and links in one database.

    Args:
        db: an alias of ``DATABASES``; ``None`` follows the router.
    """

    def __init__(self, db: str | None) -> None:
        self.components = Documents(COMPONENT, db)
        self.configs = Documents(CONFIG, db)
        self.links = Documents(LINK, db)

    def as_one(self, work: Callable[[], Result]) -> Result:
        """Do several writes as one transaction; see ``all_or_nothing()``."""
        return all_or_nothing(self.components.records.write_alias, work)

    # Components

    def locked(self, component_id: str, user_id: str | None = None) -> Document | None:
        """Lock a component until the end of the transaction, and return it.

        Args:
            component_id: the id of the component.
            user_id: the owner; any by default. Another user's component, and a shared one, does not exist.
        """
        rows = self.components.stored_at(component_id)
        if user_id is not None:
            rows = rows.for_user(user_id)
        return first_document(rows) if rows.update(version=F("version") + 1) else None

    def is_taken(self, component_id: str, user_id: str | None) -> bool:
        """Return whether an id is taken, by a component of any user. Lock the component if it is this user's."""
        # The lock comes first: in SQLite, a transaction that begins with a read may not write after another one did.
        return self.locked(component_id, user_id) is not None or self.components.stored_at(component_id).exists()

    def writable(self, component_id: str, user_id: str | None) -> Document:
        """Lock a component to write to it, and return it.

        Raises:
            ValueError: this user has no such component.
            ComponentArchivedError: it is archived.
        """
        component = self.locked(component_id, user_id)
        if component is None:
            raise ValueError(f"Component {component_id} not found")
        if component["deleted_at"] is not None:
            raise archived(component_id)
        return component

    def edit(self, component_id: str, edit: Edit, user_id: str | None = None) -> Document | None:
        """Change a component, if this user (or any) has it, and return it."""
        return self.components.edit(component_id, edit, owners.reader(user_id))

    def move_pointer(self, component_id: str, version: int, expected: int | None, **values: Any) -> Document:
        """Make a version the current one of a component.

        Args:
            component_id: the id of the component.
            version: the new current version.
            expected: the current version before, 0 for none; any by default.
            values: other values of the component to write.

        Raises:
            ComponentArchivedError: the component is archived, or was deleted.
            ComponentVersionConflictError: another version is the current one.
        """

        def move(component: Document) -> Document:
            if component["deleted_at"] is not None:
                raise archived(component_id)
            check_current(component, expected)
            return component | {"current_version": version, "updated_at": seconds_now(), **values}

        moved = self.edit(component_id, move)
        if moved is None:
            raise archived(component_id)
        return moved

    # Versions

    def versions(self, component_id: str) -> AgentRecordQuerySet:
        """Return the versions of a component, without deleted ones, on the database to write to."""
        return self.configs.stored({"component_id": component_id}).exclude(status=DELETED_CONFIG_STAGE)

    def version(self, component_id: str, version: int) -> Document | None:
        """Return a version, also a deleted one, from the database to write to."""
        return first_document(self.configs.stored_at(config_id(component_id, version)))

    def stage(self, component_id: str, version: int) -> str | None:
        """Return the stage of a version, or None."""
        config = self.version(component_id, version)
        return None if config is None else config["stage"]

    def latest_version(self, component_id: str) -> int | None:
        """Return the last version of a component that is not deleted, or None."""
        return _last(self.versions(component_id))

    def add_version(self, component: Document, version: int, **values: Any) -> Document:
        """Add a version; raises ComponentVersionConflictError if another call has taken the number."""
        component_id = component["component_id"]
        document = {
            "component_id": component_id,
            "version": version,
            **values,
            "created_at": seconds_now(),
            "updated_at": None,
        }
        try:
            return self.configs.add(document, component["user_id"])
        except RecordExists as error:
            raise ComponentVersionConflictError(f"Version {version} of {component_id} was taken meanwhile.") from error

    def next_version(self, component_id: str) -> int:
        """Return the number after the last version, also a deleted one: no number is used twice."""
        return (_last(self.configs.stored({"component_id": component_id})) or 0) + 1

    def check_label(self, component_id: str, label: str | None, version: int | None = None) -> None:
        """Raise ValueError if another version has this label."""
        if label is None:
            return
        others = (each["version"] for each in documents(self.versions(component_id).filter(name=label)))
        if any(other != version for other in others):
            raise ValueError(f"Label '{label}' already exists for {component_id}")

    # Links

    def links_of(self, component_id: str, version: int) -> AgentRecordQuerySet:
        """Return the links of a version to other components, on the database to write to."""
        return self.links.stored({"parent_component_id": component_id, "parent_version": version})

    def replace_links(self, component: Document, version: int, links: Iterable[Document]) -> None:
        """Write the links of a version in the place of those that it has."""
        component_id = component["component_id"]
        self.links_of(component_id, version).erase()
        for link in links:
            names = ("link_kind", "link_key", "child_component_id", "child_version", "position")
            document = {
                "parent_component_id": component_id,
                "parent_version": version,
                **{name: link[name] for name in names},
                "meta": link.get("meta"),
                "created_at": seconds_now(),
                "updated_at": None,
            }
            self.links.add(document, component["user_id"])

    def check_links(self, component_id: str, links: Iterable[Document]) -> None:
        """Check that links lead to components that are not archived, and make no circle.

        A child without a record is defined in code, which is allowed.

        Raises:
            ComponentCycleError: a circle.
            ComponentArchivedError: a child is archived.
        """
        children = {link["child_component_id"] for link in links if link.get("child_component_id")}
        if component_id in children:
            raise ComponentCycleError(f"Component {component_id} refers to itself.")
        if gone := self.archived_among(children):
            raise ComponentArchivedError(f"Component {component_id} links to archived components: {', '.join(gone)}.")
        seen: set[str] = set()
        while children:
            seen |= children
            found = self.links.stored().filter(parent_id__in=children).values_list("reference_id", flat=True)
            children = {str(child) for child in found if child} - seen
            if component_id in children:
                raise ComponentCycleError(f"These links of {component_id} would lead back to it.")

    def check_pins(self, component_id: str, links: Iterable[Document]) -> None:
        """Check that the versions that a published version consists of are published, too, and not archived.

        Raises:
            ComponentDependencyError: one of them is not.
        """
        pins = [link for link in links if link["link_kind"] in PIN_LINK_KINDS]
        for link in pins:
            child, version = link["child_component_id"], link["child_version"]
            if self.stage(child, version) != PUBLISHED:
                raise ComponentDependencyError(f"Publish {child} v{version} first: {component_id} consists of it.")
        self.check_pinned_are_live(component_id, pins)

    def check_pinned_are_live(self, component_id: str, links: Iterable[Document]) -> None:
        """Raise ComponentDependencyError if components that a version consists of are archived."""
        children = {link["child_component_id"] for link in links if link["link_kind"] in PIN_LINK_KINDS}
        # This locks them if the database has locks: none is archived before the end of the transaction.
        self.components.stored_at(*children).update(version=F("version") + 1)
        if gone := self.archived_among(children):
            raise ComponentDependencyError(f"Restore {', '.join(gone)} first: {component_id} consists of it.")

    def archived_among(self, component_ids: Iterable[str]) -> list[str]:
        """Return those of the ids of which the component is archived."""
        rows = self.components.stored_at(*component_ids).filter(status=ARCHIVED)
        return sorted(component["component_id"] for component in documents(rows))

    def dependents(
        self, component_id: str, version: int | None = None, *, active: bool = False, owner: str | None = None
    ) -> list[Document]:
        """Return the links that lead to a component.

        Args:
            component_id: the id of the component.
            version: only links to this version.
            active: only links of versions that are not deleted, of components that are not archived.
            owner: only links of this user's components and of those without a user.
        """
        owner = owner_or_none(owner)
        return [
            link
            for link, parent in self._links_to(component_id, version)
            if (owner is None or (parent is not None and parent["user_id"] in (owner, None)))
            and (not active or (parent is not None and parent["deleted_at"] is None and self._is_visible(link)))
        ]

    def check_unpinned(self, component_id: str, version: int) -> None:
        """Raise ComponentDependencyError if a version is a part of another component.

        An archived component, and a version that is deleted, hold no part; a component without a record does.
        """
        parents = {
            link["parent_component_id"]
            for link, parent in self._links_to(component_id, version)
            if (parent is None or parent["deleted_at"] is None) and self._stage_above(link) != DELETED_CONFIG_STAGE
        }
        if parents:
            raise ComponentDependencyError(
                f"Version {version} of {component_id} is a part of {', '.join(sorted(parents))}."
            )

    def _links_to(self, component_id: str, version: int | None) -> list[tuple[Document, Document | None]]:
        """Return the links that lead to a component, each with the component that has it, if that is stored."""
        links = documents(self.links.stored({"child_component_id": component_id, "child_version": version}))
        rows = self.components.stored_at(*{link["parent_component_id"] for link in links})
        parents = {component["component_id"]: component for component in documents(rows)}
        return [(link, parents.get(link["parent_component_id"])) for link in links]

    def _stage_above(self, link: Document) -> str | None:
        """Return the stage of the version that has a link."""
        return self.stage(link["parent_component_id"], link["parent_version"])

    def _is_visible(self, link: Document) -> bool:
        return self._stage_above(link) not in (None, DELETED_CONFIG_STAGE)


def check_current(component: Document, expected: int | None) -> None:
    """Raise ComponentVersionConflictError if the current version is another one; 0 expects none, None any."""
    current = component["current_version"]
    if expected is not None and not current_version_matches(current, expected):
        raise conflict(component["component_id"], "current", current, expected)


def refuse_dependents(component_id: str, dependents: Iterable[Document]) -> None:
    """Raise ComponentDependencyError if links lead to a component."""
    if parents := sorted({link["parent_component_id"] for link in dependents}):
        raise ComponentDependencyError(f"Cannot delete {component_id}: {', '.join(parents)} refer to it.")


def _last(configs: AgentRecordQuerySet) -> int | None:
    return configs.order_by("-sort_number").values_list("sort_number", flat=True).first()
