"""Translations: complete, compiled, and of the current texts."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import django
import polib
import pytest
from django.utils import translation
from django.utils.translation.template import templatize

import agno_memory
from agno_memory.admin import autocomplete
from tests.admin import LIST, add, page, staff
from tests.databases import commits

PACKAGE = Path(agno_memory.__file__).parent
DJANGO = Path(django.__file__).parent
LANGUAGES = ("de", "zh_Hans")
CALLS = {"_", "gettext", "gettext_lazy", "gettext_noop"}
PLURAL_CALLS = {"ngettext", "ngettext_lazy"}
TEXT = r"u?'(?:[^'\\]|\\.)*'|u?\"(?:[^\"\\]|\\.)*\""
CALL = re.compile(rf"\b(n?)gettext\(\s*({TEXT})(?:,\s*({TEXT}))?")

Message = tuple[str, str]

each_language = pytest.mark.parametrize("language", LANGUAGES)


def catalogue(language: str, package: Path = PACKAGE) -> Any:
    return polib.pofile(str(package / "locale" / language / "LC_MESSAGES" / "django.po"))


def said_in_python(path: Path) -> Iterator[Message]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CALLS | PLURAL_CALLS:
            texts = [each.value for each in node.args if isinstance(each, ast.Constant)]
            if texts:
                yield str(texts[0]), str(texts[1]) if node.func.id in PLURAL_CALLS else ""


def said_in_template(path: Path) -> Iterator[Message]:
    for is_plural, one, many in CALL.findall(templatize(path.read_text())):
        yield ast.literal_eval(one), ast.literal_eval(many) if is_plural else ""


def said() -> set[Message]:
    python = (message for path in PACKAGE.rglob("*.py") for message in said_in_python(path))
    templates = (message for path in PACKAGE.rglob("templates/**/*.html") for message in said_in_template(path))
    return {*python, *templates}


@each_language
def test_everything_is_translated_and_nothing_else(language: str) -> None:
    entries = catalogue(language)
    assert {(entry.msgid, entry.msgid_plural) for entry in entries} == said(), "make messages"
    assert [entry.msgid for entry in entries.untranslated_entries()] == []
    assert [entry.msgid for entry in entries.fuzzy_entries()] == []


@each_language
def test_what_is_compiled_is_what_is_written(language: str) -> None:
    compiled = polib.mofile(str(PACKAGE / "locale" / language / "LC_MESSAGES" / "django.mo"))
    texts = {entry.msgid: entry.msgstr_plural or entry.msgstr for entry in compiled}
    assert texts == {entry.msgid: entry.msgstr_plural or entry.msgstr for entry in catalogue(language)}, "make messages"


def places(text: str) -> list[str]:
    """Return the placeholders and the markup of a text."""
    return sorted(re.findall(r"%\(\w+\)[sd]|</?\w+>", text))


@each_language
def test_translations_have_room_for_the_same_things(language: str) -> None:
    for entry in catalogue(language):
        for text in entry.msgstr_plural.values() or [entry.msgstr]:
            assert places(text) == places(entry.msgid), entry.msgid


@each_language
def test_django_keeps_its_own_words(language: str) -> None:
    """Whichever app comes first in a site's settings: its words would be everybody's."""
    ours = {entry.msgid: entry.msgstr for entry in catalogue(language)}
    for folder in ("conf", "contrib/admin"):
        for entry in catalogue(language, DJANGO / folder):
            if entry.msgid in ours and entry.msgstr and not entry.msgctxt and not entry.fuzzy:
                assert ours[entry.msgid] == entry.msgstr


@commits
@pytest.mark.parametrize(
    ("language", "heading"), [("de", "Übersicht der Erinnerungen"), ("zh-hans", "\u8bb0\u5fc6\u4eea\u8868\u76d8")]
)
@pytest.mark.parametrize("alias", ["default"])
def test_pages_speak_other_languages(alias: str, language: str, heading: str, site: str) -> None:
    add("Likes tea", "maya", topics=["tea"], agent_id="bot")
    client = staff()
    with translation.override(language):
        dashboard = page(client, f"{LIST}dashboard/")
        person = page(client, f"{LIST}person/maya/")
        erase = page(client, f"{LIST}person/maya/erase/")
    assert f"<h1>{heading}</h1>" in dashboard
    for content in (dashboard, person, erase):
        inside = content[content.index('class="am-dashboard"') :]
        words = set(re.findall(r"[A-Za-z]{3,}", re.sub(r"<[^>]*>", " ", inside)))
        assert words & {"Memories", "the", "Count", "Topics", "Export", "Erase", "Length", "and", "with"} == set()


@commits
@pytest.mark.parametrize("alias", ["default"])
def test_labels_of_active_filters_are_translated(alias: str, site: str) -> None:
    client = staff()
    for language, text in (("de", "Geändert ab: 2025-01-01"), ("zh-hans", "更新时间不早于\uff1a2025-01-01")):
        with translation.override(language):
            assert text in page(client, updated_after="2025-01-01T00:00:00Z")


@commits
@pytest.mark.parametrize("alias", ["default"])
def test_counts_have_the_number_format_of_the_language(alias: str, site: str) -> None:
    add(topics=["tea"])
    with translation.override("de"):
        assert f"unter den neuesten {autocomplete.SAMPLE:,} Erinnerungen".replace(",", ".") in page(staff())
