"""The API in OpenAPI: complete, correct for a site's own viewsets, and equal to the committed copy."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.urls import include, path
from django_filters import CharFilter
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.settings import spectacular_settings
from drf_spectacular.utils import extend_schema
from drf_spectacular.validation import validate_schema
from rest_framework import serializers
from rest_framework.response import Response

from agno_memory.names import FIELDS, VERSION_FIELDS
from agno_memory.rest.filters import UserMemoryFilter
from agno_memory.rest.serializers import UserMemorySerializer
from agno_memory.rest.urls import urls
from agno_memory.rest.views import MemoryViewSet
from tests.databases import ROOT
from tests.rest.api import site

PROBLEM = "application/problem+json"
EVERYWHERE = {"400", "401", "403", "406", "429", "503"}
MEMORY_PATH = "/api/memories/{memory_id}/"


def described(*patterns: Any, **settings: Any) -> Any:
    """Return drf-spectacular's schema of these paths, and assert that it gives no warning."""
    spectacular_settings.apply_patches(settings)
    try:
        schema = SchemaGenerator(patterns=list(patterns)).get_schema(public=True)
    finally:
        spectacular_settings.clear_patches()
    validate_schema(schema)
    assert not GENERATOR_STATS
    return schema


@pytest.fixture(scope="module")
def schema() -> Any:
    return described(path("api/", include(urls())))


def operations(schema: Any) -> Iterator[tuple[str, str, Any]]:
    for url, methods in schema["paths"].items():
        for method, operation in methods.items():
            yield method, url, operation


def parameters(schema: Any, url: str, method: str = "get") -> dict[str, Any]:
    return {each["name"]: each for each in schema["paths"][url][method]["parameters"]}


def body(schema: Any, url: str, method: str = "post") -> Any:
    return schema["paths"][url][method]["requestBody"]["content"]["application/json"]


def resolved(schema: Any, reference: Any) -> Any:
    found = schema
    for name in reference["$ref"].removeprefix("#/").split("/"):
        found = found[name]
    return found


# The committed copy


def test_the_committed_copy_is_that_of_the_code(tmp_path: Path) -> None:
    written = tmp_path / "openapi.yaml"
    command = [sys.executable, "-W", "error", str(ROOT / "manage.py"), "spectacular", "--validate", "--fail-on-warn"]
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "demo_project.settings"}
    subprocess.run([*command, f"--file={written}"], cwd=tmp_path, env=environment, check=True)
    assert written.read_text() == (ROOT / "docs" / "openapi.yaml").read_text(), "`make openapi` updates it"


# Complete


def test_an_example_of_a_memory_has_every_field(schema: Any) -> None:
    responses = [operation["responses"] for _method, _url, operation in operations(schema)]
    examples = [each for each in dictionaries(responses) if {"memory_id", "created_at"} <= each.keys()]
    memories = [each for each in examples if isinstance(each["memory_id"], str)]
    assert len(memories) > 5
    assert {tuple(each) for each in memories} == {FIELDS, (*FIELDS, *VERSION_FIELDS)}


def dictionaries(tree: Any) -> Iterator[dict[str, Any]]:
    """Yield every dictionary in a tree."""
    children = tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ()
    if isinstance(tree, dict):
        yield tree
    for child in children:
        yield from dictionaries(child)


def test_every_endpoint_is_described(schema: Any) -> None:
    assert {(method, url.removeprefix("/api/")) for method, url, _ in operations(schema)} == {
        ("get", "memories/"),
        ("post", "memories/"),
        ("post", "memories/bulk/"),
        ("post", "memories/delete/"),
        ("get", "memories/export/"),
        ("get", "memories/search/"),
        ("post", "memories/merge/"),
        ("get", "memories/duplicates/"),
        ("get", "memories/{memory_id}/history/"),
        ("post", "memories/{memory_id}/restore/"),
        ("get", "memories/{memory_id}/"),
        ("put", "memories/{memory_id}/"),
        ("patch", "memories/{memory_id}/"),
        ("delete", "memories/{memory_id}/"),
        ("get", "topics/"),
        ("get", "stats/"),
        ("get", "users/"),
        ("delete", "users/{user_id}/memories/"),
        ("get", "users/{user_id}/"),
        ("delete", "users/{user_id}/"),
        ("get", "sessions/"),
        ("get", "sessions/export/"),
        ("get", "sessions/{session_id}/"),
        ("patch", "sessions/{session_id}/"),
        ("delete", "sessions/{session_id}/"),
        ("get", "sessions/{session_id}/runs/"),
    }
    for _method, _url, operation in operations(schema):
        assert operation["summary"]
        assert {"tokenAuth": []} in operation["security"]
        assert all(parameter["description"] for parameter in operation["parameters"] if parameter["name"] != "format")


def test_every_error_is_described(schema: Any) -> None:
    for method, url, operation in operations(schema):
        responses = operation["responses"]
        has_body = {"411", "413", "415"} if method in {"post", "put", "patch"} else set()
        assert {*EVERYWHERE, *has_body} <= responses.keys()
        names_one = "{memory_id}" in url or "{session_id}" in url or url.endswith("/merge/")
        assert ("404" in responses) is names_one
        for status in (each for each in responses if each >= "400"):
            answer = resolved(schema, responses[status])
            assert answer["content"].keys() == {"application/json", PROBLEM}
            assert answer["content"][PROBLEM]["example"]["status"] == int(status)
    answers = schema["components"]["responses"]
    assert answers["MemoryUnavailable"]["headers"]["Retry-After"]["required"]
    assert "Retry-After" in answers["MemoryTooManyRequests"]["headers"]
    assert "WWW-Authenticate" in answers["MemoryUnauthorized"]["headers"]


def test_versions_are_described(schema: Any) -> None:
    one = schema["paths"][MEMORY_PATH]
    created = schema["paths"]["/api/memories/"]["post"]["responses"]["201"]
    assert created["headers"].keys() == {"ETag", "Location"}
    assert one["get"]["responses"]["304"]["headers"]["ETag"]
    assert one["put"]["responses"].keys() >= {"200", "201", "412"}
    for method, headers in {"get": {"If-None-Match"}, "put": {"If-Match", "If-None-Match"}}.items():
        assert {each["name"] for each in one[method]["parameters"] if each["in"] == "header"} == headers


def test_a_created_memory_links_to_its_operations(schema: Any) -> None:
    links = schema["paths"]["/api/memories/"]["post"]["responses"]["201"]["links"]
    one = schema["paths"][MEMORY_PATH]
    assert {link["operationId"] for link in links.values()} == {each["operationId"] for each in one.values()}


def test_parameters_are_described(schema: Any) -> None:
    known = parameters(schema, "/api/memories/")
    assert known.keys() == {
        *UserMemoryFilter.base_filters,
        *("user_id", "cursor", "page_size", "ordering", "metadata", "as_of", "deleted"),
    }
    # Each property of the object is a parameter of its own.
    assert (known["metadata"]["style"], known["metadata"]["explode"]) == ("form", True)
    assert known["metadata"]["example"] == {"metadata.plan": "pro"}
    for name in ("topic", "any_topic"):
        assert (known[name]["schema"]["type"], known[name]["explode"]) == ("array", True)
    assert known["page_size"]["schema"] == {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}
    assert known["ordering"]["schema"]["enum"] == ["-last_updated", "last_updated", "-created_at", "created_at"]
    of_lists = {"cursor", "page_size", "ordering", "as_of", "deleted"}
    assert parameters(schema, "/api/memories/export/").keys() == {*known.keys() - of_lists, "format", "history"}
    assert parameters(schema, "/api/memories/duplicates/").keys() == {*known.keys() - of_lists, "limit"}
    assert parameters(schema, f"{MEMORY_PATH}history/").keys() == {"cursor", "memory_id", "page_size", "user_id"}
    assert parameters(schema, "/api/users/").keys() == {"cursor", "page_size"}
    for route in ("/api/users/{user_id}/memories/", "/api/users/{user_id}/"):
        assert parameters(schema, route, "delete")["confirm"]["required"]


def test_an_export_has_two_forms(schema: Any) -> None:
    export = schema["paths"]["/api/memories/export/"]["get"]["responses"]["200"]
    assert export["content"].keys() == {"application/x-ndjson", "text/csv"}


def test_limits_are_those_of_the_settings() -> None:
    limits = {"MAX_MEMORY_LENGTH": 7, "MAX_TOPIC_LENGTH": 8, "REST_MAX_BULK": 9, "REST_MAX_PAGE_SIZE": 60}
    with site("default", **limits):
        found = described(path("api/", include(urls())))
    known = found["components"]["schemas"]["UserMemoryRequest"]["properties"]
    assert (known["memory"]["maxLength"], known["topics"]["items"]["maxLength"]) == (7, 8)
    assert body(found, "/api/memories/bulk/")["schema"]["maxItems"] == 9
    assert parameters(found, "/api/memories/")["page_size"]["schema"]["maximum"] == 60


@pytest.mark.parametrize("setting", [{}, {"COMPONENT_SPLIT_REQUEST": True}, {"OAS_VERSION": "3.1.0"}])
def test_requests_and_responses_are_separate_components(setting: dict[str, Any]) -> None:
    """For all settings of the site."""
    found = described(path("api/", include(urls())), **setting)
    sent = resolved(found, body(found, "/api/memories/")["schema"])
    answered = found["components"]["schemas"]["UserMemory"]
    assert (sent["required"], sent["additionalProperties"]) == (["memory"], False)
    assert set(answered["required"]) == answered["properties"].keys() == sent["properties"].keys()
    assert "required" not in resolved(found, body(found, MEMORY_PATH, "patch")["schema"])


# Subclasses of a site


class WithMood(UserMemorySerializer):
    mood = serializers.SerializerMethodField()

    class Meta(UserMemorySerializer.Meta):
        fields = (*UserMemorySerializer.Meta.fields, "mood")

    def get_mood(self, memory: Any) -> str:
        return "fine"


class WithOrigin(UserMemoryFilter):
    origin = CharFilter("input", label="Where it is from")


class Memories(MemoryViewSet):
    serializer_class = WithMood
    filterset_class = WithOrigin

    @extend_schema(exclude=True)
    def bulk(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        return super().bulk(request, *args, **kwargs)

    @extend_schema(summary="Mine", responses={202: WithMood, 409: None})
    def create(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        return super().create(request, *args, **kwargs)

    def moods(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        """Return the moods."""
        return Response([])


def test_additions_of_a_site_are_described() -> None:
    moods = path("moods/", Memories.as_view({"get": "moods"}))
    found = described(path("v1/", include([*urls(memories=Memories), moods])))
    sent, answered = (found["components"]["schemas"][name] for name in ("WithMoodRequest", "WithMood"))
    assert answered["properties"]["mood"] == {"type": "string", "readOnly": True}
    assert "mood" in answered["required"]
    # It may be sent back, as machine-written fields may, and is ignored.
    assert "type" not in sent["properties"]["mood"]
    assert parameters(found, "/v1/memories/")["origin"]["description"] == "Where it is from"
    # Our examples do not match their serializer.
    assert "examples" not in body(found, "/v1/memories/")
    assert "/v1/memories/bulk/" not in found["paths"]
    # Their decorator takes precedence, and the rest of our facts stay.
    created = found["paths"]["/v1/memories/"]["post"]
    assert (created["summary"], created["operationId"]) == ("Mine", "memories_create")
    assert created["responses"].keys() >= {*EVERYWHERE, "202", "409"}
    assert "$ref" not in created["responses"]["409"]
    assert "201" not in created["responses"]
    assert found["paths"]["/v1/moods/"]["get"]["description"] == "Return the moods."


def test_mounted_twice_each_has_its_own_names() -> None:
    found = described(path("one/", include(urls())), path("two/", include(urls())))
    names = [operation["operationId"] for _, _, operation in operations(found)]
    assert len(set(names)) == len(names) == 52
    links = found["paths"]["/two/memories/"]["post"]["responses"]["201"]["links"]
    assert links["memories_retrieve"]["operationId"] == "two_memories_retrieve"


def test_a_site_without_it_serves_the_api() -> None:
    """It is not imported if it is not installed."""
    program = """
import sys

for name in ("drf_spectacular", "drf_spectacular_sidecar"):
    sys.modules[name] = None
import django
from django.conf import settings

settings.configure(
    SECRET_KEY="x", USE_TZ=True, ROOT_URLCONF="agno_memory.rest.urls", ALLOWED_HOSTS=["testserver"],
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "agno_memory", "rest_framework"],
)
django.setup()
from django.test import Client

assert Client().get("/memories/").status_code == 403
assert "agno_memory.rest.openapi.extensions" not in sys.modules
"""
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    subprocess.run([sys.executable, "-W", "error", "-c", program], cwd=ROOT, env=environment, check=True)


def test_nothing_but_its_room_imports_it() -> None:
    room = ROOT / "agno_memory" / "rest" / "openapi"
    modules = [module for module in (ROOT / "agno_memory").rglob("*.py") if room not in module.parents]
    assert [m.name for m in modules if re.search(r"^\s*(from|import) drf_spectacular", m.read_text(), re.M)] == []
