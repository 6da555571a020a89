"""The documents of agno 3's components: the components themselves, their versions, and the links between them."""

from __future__ import annotations

from typing import Final

from agno_memory.agent_documents import Document

PUBLISHED: Final = "published"


def check_stage(stage: str | None) -> None:
    """Raise ValueError for a stage that does not exist; None keeps the stage."""
    if stage not in (None, "draft", PUBLISHED):
        raise ValueError(f"Invalid stage: {stage}")


def check_child_versions(links: list[Document] | None) -> None:
    """Raise ValueError for a link without the version of its child."""
    for link in links or ():
        if link.get("child_version") is None:
            raise ValueError(f"The link to {link['child_component_id']} needs a child_version.")
