"""MongoDB's packages are optional. (The tests of statements, transactions and errors cover the functions.)"""

from __future__ import annotations

import subprocess
import sys

from tests.databases import ROOT

PROGRAM = """
import sys
# Import fails for a module that is None.
sys.modules.update(dict.fromkeys(("pymongo", "bson", "django_mongodb_backend")))
import django
from django.conf import settings
settings.configure(INSTALLED_APPS=["agno_memory"], USE_TZ=True, DATABASES={{"default": {{
    "ENGINE": "django.db.backends.sqlite3", "NAME": {file!r}
}}}})
django.setup()
from django.core.management import call_command
from agno_memory.db import SqliteMemoryDb
from agno_memory.memory import Memory
from agno_memory.models import UserMemory
call_command("migrate", verbosity=0)
for memory in (Memory(), Memory(db=SqliteMemoryDb(db_file={file!r} + "2"))):
    memory.add_user_memories([UserMemory(memory="a", topics=["x"]), UserMemory(memory="b")])
    assert memory.clear_user_memories() == 2
"""


def test_a_site_on_sqlite_does_not_import_them(tmp_path: object) -> None:
    program = PROGRAM.format(file=f"{tmp_path}/memories.db")
    subprocess.run([sys.executable, "-W", "error", "-c", program], cwd=ROOT, check=True)
