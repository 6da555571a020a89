"""The methods of ``DjangoDb`` for the links between components: a team has members, a workflow has steps."""

from __future__ import annotations

from typing import Any

from agno_memory.agent_documents import Document
from agno_memory.contrib.agno.threads import from_anywhere
from agno_memory.contrib.agno.v3.component_store import ComponentStore
from agno_memory.contrib.agno.v3.documents import documents


class ComponentLinksMixin:
    """Links of the versions of components."""

    db: str | None

    @from_anywhere
    def get_links(self, component_id: str, version: int, link_kind: str | None = None) -> list[Document]:
        """Return the links of a version, by their position.

        Args:
            component_id: the id of the component.
            version: its number.
            link_kind: only links of this kind.
        """
        filters = {"parent_component_id": component_id, "parent_version": version, "link_kind": link_kind}
        return documents(ComponentStore(self.db).links.rows(None, filters).by_number())

    @from_anywhere
    def get_dependents(
        self,
        component_id: str,
        version: int | None = None,
        active_parents_only: bool = False,
        parent_user_id: str | None = None,
    ) -> list[Document]:
        """Return the links that lead to a component.

        Args:
            component_id: the id of the component.
            version: only links to this version.
            active_parents_only: only links of versions that are not deleted, of components that are not archived.
            parent_user_id: only links of this user's components and of those without a user.
        """
        store = ComponentStore(self.db)
        return store.dependents(component_id, version, active=active_parents_only, owner=parent_user_id)

    @from_anywhere
    def resolve_version(self, component_id: str, version: int | None) -> int | None:
        """Return a version, or for None the current one of a component, also of an archived one."""
        if version is not None:
            return version
        component = ComponentStore(self.db).components.get(component_id)
        return None if component is None else component["current_version"]

    @from_anywhere
    def load_component_graph(
        self, component_id: str, version: int | None = None, label: str | None = None
    ) -> dict[str, Any] | None:
        """Return a component with its version and, in ``children``, those that it consists of; None if there is none.

        Args:
            component_id: the id of the component.
            version: its number; the current one by default.
            label: ignored, as in agno's own databases.
        """
        return self._graph(component_id, version, frozenset())

    def _graph(self, component_id: str, version: int | None, path: frozenset[str]) -> dict[str, Any] | None:
        """Return the graph of a component. ``path`` has the components above it, of which it may not be one."""
        if component_id in path:
            stub = {"component": {"component_id": component_id}, "config": None}
            return {**stub, "children": [], "resolved_versions": {}, "cycle_detected": True}
        own: Any = self
        number = self.resolve_version(component_id, version)
        component = own.get_component(component_id)
        config = None if component is None or number is None else own.get_config(component_id, version=number)
        if number is None or config is None:
            return None
        children = []
        versions: dict[str, int | None] = {component_id: number}
        for link in self.get_links(component_id, number):
            child = link["child_component_id"]
            versions[child] = self.resolve_version(child, link["child_version"])
            graph = self._graph(child, versions[child], path | {component_id})
            versions |= {} if graph is None else graph["resolved_versions"]
            children.append({"link": link, "graph": graph})
        return {"component": component, "config": config, "children": children, "resolved_versions": versions}
