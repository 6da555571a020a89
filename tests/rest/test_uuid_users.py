"""Sites whose users have UUIDs as ids: over HTTP too, each user has one form, in any spelling."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import pytest
from django.test import override_settings

from agno_memory.models import UserMemory
from tests.rest.api import Caller, add, each_database, ids, on_sqlite, site
from tests.uuid_users.models import STAFF, Account

ANA = UUID("0192f0a0-0000-7000-8000-0000000000aa")
BOB = UUID("0192f0a0-0000-7000-8000-0000000000bb")


def spellings(user: UUID) -> list[str]:
    text = str(user)
    return [text, text.upper(), user.hex, user.hex.upper(), f"{{{text}}}", user.urn]


@pytest.fixture
def uuid_site(site: None, alias: str) -> Iterator[None]:
    with override_settings(AUTH_USER_MODEL="uuid_users.Account"), uuid_settings(alias):
        yield


def uuid_settings(alias: str) -> override_settings:
    return site(alias, USER_ID_FIELD="pk")


def caller(user: UUID) -> Caller:
    client = Caller()
    client.force_authenticate(Account(pk=user))
    return client


@each_database
def test_callers_name_themselves_in_any_spelling(alias: str, uuid_site: None) -> None:
    ana = caller(ANA)
    for spelling in spellings(ANA):
        created = [
            ana.call("POST", "memories/", {"memory": "x"}, user_id=spelling),
            ana.call("POST", "memories/", {"memory": "x", "user_id": spelling}),
        ]
        for response in created:
            assert (response.status_code, response.json()["user_id"]) == (201, str(ANA))
            assert "user_id" not in response["Location"]
        many = ana.call("POST", "memories/bulk/", [{"memory": "x", "user_id": each} for each in spellings(ANA)])
        assert {memory["user_id"] for memory in many.json()} == {str(ANA)}
        added = [memory["memory_id"] for memory in [*(response.json() for response in created), *many.json()]]
        assert sorted(ids(ana.call("GET", "memories/", user_id=spelling))) == sorted(added)
        assert ana.call("GET", "memories/", user_id=spellings(ANA)).status_code == 200
        stats = ana.call("GET", "stats/", user_id=spelling).json()
        assert (stats["user_id"], stats["total"]) == (str(ANA), len(added))
        body = {"memory_ids": added[1:], "user_id": spelling}
        assert ana.call("POST", "memories/delete/", body).json() == {"deleted": added[1:]}
        for path in ("me", spelling):
            refused = ana.call("DELETE", f"users/{path}/memories/", confirm=str(BOB))
            assert (refused.status_code, list(refused.json())) == (400, ["confirm"])
        erased = ana.call("DELETE", f"users/{spelling}/memories/?confirm={str(ANA).upper()}")
        assert (erased.status_code, erased.json()) == (200, {"deleted": 1})


@each_database
def test_others_are_named_in_any_spelling(alias: str, uuid_site: None) -> None:
    ana, staff = caller(ANA), caller(STAFF)
    bobs = add(str(BOB), memory_id="m")
    for spelling in spellings(BOB):
        for method, path in (
            ("GET", "memories/m/"),
            ("GET", "memories/"),
            ("GET", "stats/"),
            ("DELETE", "memories/m/"),
        ):
            assert ana.call(method, path, user_id=spelling).status_code == 403
        assert ana.call("DELETE", f"users/{spelling}/memories/", confirm=spelling).status_code == 403
        assert staff.call("GET", "memories/m/", user_id=spelling).json()["user_id"] == bobs.user_id
        changed = staff.call("PATCH", f"memories/m/?user_id={spelling}", {"user_id": str(BOB), "feedback": spelling})
        assert (changed.status_code, changed.json()["feedback"]) == (200, spelling)
        created = staff.call("POST", "memories/", {"memory": "x", "user_id": spelling})
        assert created["Location"].endswith(f"?user_id={BOB}")
        assert staff.call("GET", created["Location"]).json() == created.json()
    assert [(owner.user_id, owner.count) for owner in UserMemory.objects.owners(limit=9)] == [(str(BOB), 7)]
    erased = staff.call("DELETE", f"users/{BOB.hex}/memories/?confirm={BOB.hex.upper()}")
    assert erased.json() == {"deleted": 7}


@each_database
def test_ids_of_memories_have_one_spelling(alias: str, uuid_site: None) -> None:
    """Only users are identified by UUIDs; the id of a memory is any text."""
    ana = caller(ANA)
    lower, upper = str(BOB), str(BOB).upper()
    for memory_id in (lower, upper):
        assert ana.call("POST", "memories/", {"memory": memory_id, "memory_id": memory_id}).status_code == 201
        assert ana.call("GET", f"memories/{memory_id}/").json()["memory"] == memory_id


@on_sqlite
def test_a_text_that_is_not_a_uuid_is_another_user(alias: str, uuid_site: None) -> None:
    """Agents have memories too."""
    for name in ("agent", "", str(ANA)[:-1], f"{ANA} "):
        assert caller(ANA).call("GET", "memories/", user_id=name).status_code == 403
        assert caller(ANA).call("DELETE", "users/me/memories/", confirm=name).status_code == 400
    assert caller(STAFF).call("GET", "stats/", user_id="agent").json()["user_id"] == "agent"


@on_sqlite
def test_other_sites_compare_ids_by_every_character(alias: str, ana: Caller) -> None:
    """Where the users' id is not a UUID, spellings are different users."""
    name = str(ANA)
    add(name.upper(), memory_id="m")
    ana.user.username = name
    ana.user.save()
    assert ana.call("GET", "stats/", user_id=name).json()["total"] == 0
    assert ana.call("GET", "stats/", user_id=name.upper()).status_code == 403
    assert ana.call("DELETE", "users/me/memories/", confirm=name.upper()).status_code == 400
