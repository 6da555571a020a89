"""Replacing a memory, and upserts."""

from __future__ import annotations

import datetime

from django.core.exceptions import ObjectDoesNotExist

from agno_memory.exceptions import AgnoMemoryError, MemoryChanged, MemoryNotFound
from agno_memory.models import UserMemory
from agno_memory.test.contract.case import ALICE, ContractCase
from agno_memory.test.helpers import at, texts, values, with_settings


class ReplaceContract(ContractCase):
    """A replace sets all content fields, and overwrites nothing silently."""

    def test_replace_puts_everything_that_callers_set(self) -> None:
        added = self.add(topics=["a"], input="i", metadata={"a": 1}, agent_id="x", feedback="f")
        replaced = self.memory.replace_user_memory(added.memory_id, UserMemory(memory="New", topics=["b"]), ALICE)
        self.assertEqual(
            values(replaced),
            values(UserMemory(memory="New", topics=["b"], user_id=ALICE, memory_id=added.memory_id))
            | {
                "key": added.key,
                "version": 2,
                "created_at": added.created_at,
                "last_updated": replaced.last_updated,
                "search_text": "new",
                "search_terms": replaced.search_terms,
            },
        )
        read = self.memory.get_user_memory(added.memory_id, ALICE)
        assert read is not None
        self.assertEqual(values(read), values(replaced))

    def test_values_are_data(self) -> None:
        added = self.add()
        content = {
            "memory": "$memory",
            "topics": ["$topics", "$$ROOT", "%s", "{}"],
            "metadata": {"a": "$user_id", "b": {"c.d": ["$x"]}, "%(e)s": "%s"},
            "agent_id": "$agent",
            "input": "'; DROP TABLE agno_memory_usermemory; --",
        }
        replaced = self.memory.replace_user_memory(added.memory_id, UserMemory(**content), ALICE)
        self.assertEqual({name: getattr(replaced, name) for name in content}, content)

    def test_replace_of_a_version(self) -> None:
        added = self.add()
        replaced = self.memory.replace_user_memory(added.memory_id, UserMemory(memory="2"), ALICE, version=1)
        self.assertEqual(replaced.version, 2)
        with self.assertRaises(MemoryChanged) as caught:
            self.memory.replace_user_memory(added.memory_id, UserMemory(memory="3"), ALICE, version=1)
        self.assertEqual((caught.exception.memory_id, caught.exception.version), (added.memory_id, 1))
        self.assertEqual([values(memory) for memory in self.rows], [values(replaced)])

    def test_a_memory_as_it_was_read_is_not_one_that_was_added_again(self) -> None:
        read = self.add("first", memory_id="m")
        for permanently in (False, True):
            self.memory.delete_user_memory("m", ALICE, version=read, permanently=permanently)
            with at(read.created_at + datetime.timedelta(milliseconds=1)):
                again = self.add("second", memory_id="m")
            self.assertEqual(again.version, read.version)
            for write in (
                lambda read=read: self.memory.replace_user_memory("m", UserMemory(memory="x"), ALICE, version=read),
                lambda read=read: self.memory.delete_user_memory("m", ALICE, version=read),
                lambda read=read: self.memory.delete_user_memory("m", ALICE, version=read, permanently=True),
            ):
                with self.assertRaises(MemoryChanged) as caught:
                    write()
                self.assertEqual(caught.exception.version, 1)
            self.assertEqual([values(memory) for memory in self.rows], [values(again)])
            replaced = self.memory.replace_user_memory("m", UserMemory(memory="third"), ALICE, version=again)
            self.assertEqual((replaced.version, replaced.created_at), (2, again.created_at))
            self.memory.delete_user_memory("m", ALICE, version=replaced, permanently=permanently)
            read = self.add("first", memory_id="m")

    def test_a_memory_of_which_the_version_is_unknown_is_no_version(self) -> None:
        self.add(memory_id="m")
        unsaved = UserMemory(memory="x")
        unsaved.version = 0
        self.assert_refused("version", self.memory.delete_user_memory, "m", ALICE, version=unsaved)

    def test_what_does_not_exist_is_not_found(self) -> None:
        for error in (MemoryNotFound, ObjectDoesNotExist, AgnoMemoryError):
            with self.assertRaises(error):
                self.memory.replace_user_memory("nothing", UserMemory(memory="x"), ALICE)
            with self.assertRaises(error):
                self.memory.delete_user_memory("nothing", ALICE)
        self.assertIsNone(self.memory.get_user_memory("nothing", ALICE))

    def test_upsert_adds_then_replaces(self) -> None:
        first = self.memory.upsert_user_memory(UserMemory(memory_id="m", memory="one"), ALICE)
        second = self.memory.upsert_user_memory(UserMemory(memory_id="m", memory="two"), ALICE)
        self.assertEqual([first.version, second.version], [1, 2])
        self.assertEqual([values(memory) for memory in self.rows], [values(second)])

    def test_words_stay_when_another_field_is_written(self) -> None:
        added = self.add("Likes green tea")
        other = UserMemory(memory_id=added.memory_id, memory="Plays chess", feedback="good")
        for days in (30, 0):
            with with_settings(HISTORY_DAYS=days):
                self.assertEqual(self.memory.upsert_fields(other, ALICE, ["feedback"]).memory, "Likes green tea")
            for query, found in (("tea", ["Likes green tea"]), ("chess", [])):
                for method in ("ranked", "keyword"):
                    self.assertEqual(texts(self.memory.search_user_memories(query, None, method, ALICE)), found)

    def test_statements_of_a_replace(self) -> None:
        """Without history, a replace is one statement, or two where an UPDATE cannot return its row."""
        statements = 1 if self.can_return_updated_row else 2
        added = self.add()
        with with_settings(HISTORY_DAYS=0):
            for version in (None, 2):
                with self.assertNumQueries(statements, using=self.database):
                    self.memory.replace_user_memory(added.memory_id, UserMemory(memory="x"), ALICE, version=version)
            memory = UserMemory(memory_id=added.memory_id, memory="x")
            with self.assertNumQueries(statements, using=self.database):
                self.memory.upsert_user_memory(memory, ALICE)
            with self.assertNumQueries(statements, using=self.database):
                self.memory.upsert_fields(memory, ALICE, ["feedback"])

    def test_statements_of_a_replace_that_keeps_the_version_before(self) -> None:
        """One statement or a transaction of two, and one more where an UPDATE cannot return its row."""
        added = self.add()
        with self.at_most(4 if self.can_return_updated_row else 5):
            self.memory.replace_user_memory(added.memory_id, UserMemory(memory="x"), ALICE)
