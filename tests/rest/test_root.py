"""The address of the API lists what there is."""

from __future__ import annotations

from django.test import override_settings

from agno_memory.rest.urls import urlpatterns
from tests.rest.api import Caller, on_sqlite


@on_sqlite
def test_the_root_lists_every_address(alias: str, ana: Caller) -> None:
    response = ana.call("GET", "")
    addresses = response.json()
    assert response.status_code == 200
    assert len(addresses) == len(urlpatterns) - 1
    assert addresses["memories"] == "http://testserver/api/memories/"
    assert addresses["memories/{memory_id}"] == "http://testserver/api/memories/{memory_id}/"
    for address in addresses.values():
        answer = ana.get(address.replace("{memory_id}", "a").replace("{session_id}", "a").replace("{user_id}", "ana"))
        # An address answers to some method; a missing id is no missing address, and a search needs a question.
        assert answer.status_code in {200, 400, 403, 404, 405}
        assert answer.status_code != 404 or answer["Content-Type"] == "application/json"


@on_sqlite
@override_settings(ROOT_URLCONF="tests.rest.urls")
def test_the_addresses_are_those_of_the_mount(alias: str, ana: Caller) -> None:
    base = "/caf%C3%A9%20%26%20%3Ctea%3E/100%25/"
    address = ana.get(base).json()["memories"]
    assert address == f"http://testserver{base.replace('%26', '&')}memories/"
    assert ana.get(address).status_code == 200


@on_sqlite
def test_the_root_needs_a_login_and_knows_no_parameter(alias: str, ana: Caller) -> None:
    assert Caller().call("GET", "").status_code == 401
    assert ana.call("GET", "?colour=red").status_code == 400
    assert ana.call("POST", "", {}).status_code == 405
