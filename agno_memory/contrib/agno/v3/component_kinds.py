"""The documents of agno 3's components: the components themselves, their versions, and the links between them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from agno_memory.contrib.agno.v3.documents import Document, Kind, kind
from agno_memory.keys import composite_key
from agno_memory.models import AgentRecord

PUBLISHED: Final = "published"
# The values of ``status`` of a component's record.
LIVE, ARCHIVED = "live", "archived"


@dataclass(frozen=True)
class ComponentKind(Kind):
    """Components, of which agno knows by ``deleted_at`` whether they are archived."""

    def fill(self, record: AgentRecord, document: Document) -> None:
        super().fill(record, document)
        record.status = LIVE if document.get("deleted_at") is None else ARCHIVED


def _part_id(*names: str) -> Callable[[Document], str]:
    """Return the function for the id of a document that several columns identify."""
    return lambda document: composite_key(*(str(document[name]) for name in names))


def config_id(component_id: str, version: int) -> str:
    """Return the id of the record of a version."""
    return CONFIG.id_of({"component_id": component_id, "version": version})


_component: Final = kind(
    "component", "component_id", "name", record_type="component_type", sort_number="current_version"
)
COMPONENT: Final = ComponentKind(_component.name, _component.id_of, _component.columns)
CONFIG: Final = Kind(
    "component_config",
    _part_id("component_id", "version"),
    {"name": "label", "status": "stage", "parent_id": "component_id", "sort_number": "version"},
)
LINK: Final = Kind(
    "component_link",
    _part_id("parent_component_id", "parent_version", "link_kind", "link_key"),
    {
        "name": "link_key",
        "record_type": "link_kind",
        "parent_id": "parent_component_id",
        "namespace": "parent_version",
        "reference_id": "child_component_id",
        "reference_type": "child_version",
        "sort_number": "position",
    },
)


def check_stage(stage: str | None) -> None:
    """Raise ValueError for a stage that does not exist; None keeps the stage."""
    if stage not in (None, "draft", PUBLISHED):
        raise ValueError(f"Invalid stage: {stage}")


def check_child_versions(links: list[Document] | None) -> None:
    """Raise ValueError for a link without the version of its child."""
    for link in links or ():
        if link.get("child_version") is None:
            raise ValueError(f"The link to {link['child_component_id']} needs a child_version.")
