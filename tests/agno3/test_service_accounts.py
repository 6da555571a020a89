"""Service accounts: as on agno's own store, with unique names and owners, on every database."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from agno.db.schemas.service_accounts import ServiceAccount
from agno.os.service_accounts import ServiceAccountVerifier, VerificationStatus, generate_token

from agno_memory import people
from agno_memory.contrib.agno import AsyncDjangoDb, DjangoDb
from agno_memory.exceptions import RecordExists, ValidationError
from agno_memory.models import AgentRecord
from tests.agno3.pairs import Steps, differences
from tests.databases import commits, each_database, race, results

pytestmark = [commits]

MADE = 1_700_000_000


def account(account_id: str, **values: Any) -> dict[str, Any]:
    defaults: dict[str, Any] = {
        "id": account_id,
        "name": f"name-{account_id}",
        "token_hash": f"hash of {account_id}",
        "token_prefix": "agno_",
        "scopes": ["agents:run"],
        "created_at": MADE,
        "created_by": "boss",
    }
    return ServiceAccount(**defaults | values).to_dict()


def made(account_id: str, **values: Any) -> Steps:
    return lambda db: db.create_service_account(account(account_id, **values))


def listed(**arguments: Any) -> Steps:
    return lambda db: db.get_service_accounts(**arguments)


STEPS: list[Steps] = [
    made("a"),
    made("b", user_id="maya", created_at=MADE + 1, expires_at=MADE + 90, name="zoe"),
    made("c", user_id="noah", created_at=MADE + 2, last_used_at=MADE + 3, expires_at=MADE + 80),
    *(lambda db, each=each: db.get_service_account(each) for each in ("a", "b", "gone")),
    lambda db: db.get_service_account("a", user_id="maya"),
    lambda db: db.get_service_account("b", user_id="maya"),
    lambda db: db.get_service_account("b", user_id="noah"),
    lambda db: db.get_service_account_by_token_hash("hash of b"),
    lambda db: db.get_service_account_by_token_hash("hash"),
    lambda db: db.get_service_account_by_name("zoe"),
    lambda db: db.get_service_account_by_name("gone"),
    listed(),
    listed(limit=1, page=2),
    listed(user_id="maya"),
    listed(user_id="gone"),
    # Those without a time come first, or last.
    *(listed(sort_by=by, sort_order=order) for by in ("name", "created_at", "token_hash") for order in ("asc", "desc")),
    lambda db: db.update_service_account("a", last_used_at=MADE + 1),
    *(listed(sort_by="last_used_at", sort_order=order) for order in ("asc", "desc")),
    *(listed(sort_by="expires_at", sort_order=order) for order in ("asc", "desc")),
    lambda db: db.update_service_account("a", last_used_at=MADE + 4, return_record=False),
    lambda db: db.update_service_account("gone", last_used_at=MADE),
    lambda db: db.update_service_account("a", scopes=["admin"]),
    lambda db: db.update_service_account("a", revoked_at=None),
    lambda db: db.update_service_account("a"),
    lambda db: db.update_service_account("b", revoked_at=MADE + 6),
    lambda db: db.get_service_account_by_name("zoe"),
    lambda db: db.get_service_account_by_name("zoe", include_revoked=True),
    lambda db: db.get_service_account_by_token_hash("hash of b"),
    # The name of one that is revoked is free, which is how a token is changed.
    made("d", name="zoe", created_at=MADE + 9),
    lambda db: db.get_service_account_by_name("zoe", include_revoked=True),
    listed(include_revoked=False),
    lambda db: [db.delete_service_account(each) for each in ("d", "d", "gone")],
    listed(),
]


@each_database
def test_the_results_are_those_of_agnos_own_store(alias: str, tmp_path: Path) -> None:
    assert differences(STEPS, alias, tmp_path) == []


@each_database
def test_a_token_belongs_to_one_account(alias: str) -> None:
    db = DjangoDb(alias)
    made("a", token_hash="h")(db)
    db.update_service_account("a", revoked_at=MADE)
    with pytest.raises(RecordExists):
        made("b", token_hash="h")(db)
    assert db.get_service_account("b") is None


@each_database
def test_of_two_active_accounts_one_has_the_name(alias: str) -> None:
    (outcome,) = race(1, lambda thread, _: made(f"a{thread}", name="ci")(DjangoDb(alias)))
    assert len(results(outcome)) == 1
    assert all(isinstance(each, dict | RecordExists) for each in outcome)
    assert DjangoDb(alias).get_service_accounts()[1] == 1


@each_database
def test_the_use_of_a_token_does_not_undo_its_revocation(alias: str) -> None:
    made("a")(DjangoDb(alias))

    def write(thread: int, number: int) -> Any:
        values = {"revoked_at": MADE + 5} if thread == 0 else {"last_used_at": MADE + number}
        return DjangoDb(alias).update_service_account("a", return_record=False, **values)

    race(3, write, threads=4)
    found = DjangoDb(alias).get_service_account("a")
    assert found is not None
    assert (found["revoked_at"], found["last_used_at"] is None) == (MADE + 5, False)
    assert DjangoDb(alias).get_service_account_by_name("name-a") is None


@each_database
def test_another_users_account_does_not_exist(alias: str) -> None:
    db = DjangoDb(alias)
    made("a", user_id="maya")(db)
    assert db.get_service_account("a", user_id="noah") is None
    assert db.get_service_accounts(user_id="noah") == ([], 0)
    with pytest.raises(ValidationError):
        db.get_service_accounts(user_id="")
    people.erase("maya", db=alias)
    assert not AgentRecord.objects.using(alias).exists()


@pytest.mark.parametrize("store", [DjangoDb, AsyncDjangoDb])
@each_database
def test_agno_accepts_a_token_until_it_is_revoked(store: Any, alias: str) -> None:
    token, token_hash, prefix = generate_token()
    made("a", token_hash=token_hash, token_prefix=prefix)(DjangoDb(alias))
    verifier = ServiceAccountVerifier(store(alias), cache_ttl_seconds=0)

    async def verify(text: str) -> VerificationStatus:
        return (await verifier.verify(text)).status

    assert asyncio.run(verify(token)) == VerificationStatus.OK
    used = DjangoDb(alias).get_service_account("a")
    assert used is not None
    assert used["last_used_at"] is not None
    assert asyncio.run(verify(f"{token}x")) == VerificationStatus.INVALID
    DjangoDb(alias).update_service_account("a", revoked_at=MADE)
    assert asyncio.run(verify(token)) == VerificationStatus.INVALID
    # Nothing from which the token could be made is stored.
    (row,) = AgentRecord.objects.using(alias)
    assert token not in repr(vars(row))
