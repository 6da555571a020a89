"""Ids in URLs. test_admin_list.py and test_admin_person.py open pages with any id."""

from __future__ import annotations

import pytest

from agno_memory.admin.urls import memory_page_url, quoted, unquoted


@pytest.mark.parametrize(("key", "url"), [(".", "_2E"), ("..", "_2E_2E"), ("a/b", "a_2Fb"), ("a.b", "a.b")])
def test_ids_in_urls(key: str, url: str) -> None:
    assert quoted(key) == url
    assert unquoted(url) == key
    assert memory_page_url("person", key, site=None) == f"/admin/agno_memory/usermemory/person/{url}/"
