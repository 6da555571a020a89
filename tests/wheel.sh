#!/usr/bin/env bash
# Builds the source distribution and the wheel, looks into both, and uses the wheel in two empty environments: with Django
# alone, and the client without Django.
# Usage: tests/wheel.sh PYTHON, one that has the package `build`.
set -euo pipefail
python=$(realpath -s "${1:?Usage: tests/wheel.sh PYTHON}")
root=$(realpath "$(dirname "$0")/..")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

fail() {
    echo "wheel: $*" >&2
    exit 1
}

# From a copy of the committed files, so that the build leaves nothing in the repository and takes nothing from an earlier one.
# The wheel is built from the source distribution, so that one is complete too.
mkdir "$scratch/source"
git -C "$root" ls-files -z | (cd "$root" && xargs -0 cp --parents -t "$scratch/source")
"$python" -m build --outdir "$scratch/dist" "$scratch/source" >"$scratch/build.log" 2>&1 ||
    { cat "$scratch/build.log" >&2; fail "does not build"; }
wheel=$(echo "$scratch"/dist/agno_memory-*.whl)

# The source distribution can run its tests.
sources=$(tar --list --file "$scratch"/dist/agno_memory-*.tar.gz | sed 's|^[^/]*/||')
for file in $(cd "$root" && git ls-files tests demo_project docs benchmarks '*.md' 'requirements*.txt' Makefile manage.py); do
    grep -qxF "$file" <<<"$sources" || fail "the source distribution lacks $file"
done

# The package's page: a license, and no link that works only in the repository.
metadata=$("$python" -c '
import sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as wheel:
    print(wheel.read(next(name for name in wheel.namelist() if name.endswith("/METADATA"))).decode())' "$wheel")
grep -q '^License-Expression: BSD-3-Clause$' <<<"$metadata" || fail "names no license"
relative=$(grep -oE '(\]\(|src="|srcset=")(docs|LICENSE|[A-Z]+\.md|\.env)[^)" ]*' <<<"$metadata" || true)
[ -z "$relative" ] || fail "its page has relative links: $relative"

# Every module of the package, and what is no module but must come along.
contents=$("$python" -m zipfile --list "$wheel" | awk 'NR > 1 {print $1}')
required=$(cd "$root" && find agno_memory -type f \( -name '*.py' -o -name py.typed -o -path '*/templates/*' \
    -o -path '*/static/*' -o -path '*/locale/*' \) -not -path '*/__pycache__/*')
for file in $required agno_memory/migrations/0001_initial.py agno_memory/py.typed; do
    grep -qxF "$file" <<<"$contents" || fail "lacks $file"
done
stray=$(grep -vE '^agno_memory(/|-[^/]*\.dist-info/)' <<<"$contents" || true)
[ -z "$stray" ] || fail "brings more than the app: $stray"

"$python" -m venv "$scratch/venv"
bare=$scratch/venv/bin/python
"$bare" -m pip install --quiet --disable-pip-version-check "$wheel"
installed=$("$bare" -m pip list --format freeze --disable-pip-version-check)
for package in djangorestframework httpx psycopg psycopg-binary psycopg2 pymongo django-mongodb-backend agno; do
    ! grep -qi "^$package==" <<<"$installed" || fail "pulls $package along"
done

mkdir "$scratch/site"
cd "$scratch/site"
cat >site_settings.py <<'SETTINGS'
SECRET_KEY = "for one run"
USE_TZ = True
INSTALLED_APPS = ["agno_memory"]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": "site.sqlite3",
        "OPTIONS": {"init_command": "PRAGMA journal_mode=WAL", "transaction_mode": "IMMEDIATE", "timeout": 30},
    }
}
SETTINGS
cat >use.py <<'SCRIPT'
import sys
from pathlib import Path

import django

django.setup()

import agno_memory
from agno_memory.db import SqliteMemoryDb
from agno_memory.memory import Memory
from agno_memory.models import UserMemory

assert Path(agno_memory.__file__).is_relative_to(sys.prefix), agno_memory.__file__


def use(memory):
    added = memory.add_user_memory(UserMemory(memory="Likes tea", topics=["drinks"]), user_id="ana")
    assert memory.get_user_memory(added.memory_id, user_id="ana") == added
    assert memory.get_user_memories(user_id="ana", topics=["drinks"]) == [added]
    assert memory.search_user_memories("TEA", user_id="ana") == [added]
    new = UserMemory(memory="Likes coffee", topics=["drinks"])
    replaced = memory.replace_user_memory(added.memory_id, new, user_id="ana")
    assert (replaced.memory, replaced.version) == ("Likes coffee", 2)
    memory.delete_user_memory(added.memory_id, user_id="ana")
    assert memory.get_user_memories(user_id="ana") == []


use(Memory())
use(Memory(db=SqliteMemoryDb(table_name="memories", db_file="folder/memory.db")))
assert Path("site.sqlite3").exists()
assert Path("folder/memory.db").exists()
SCRIPT
export DJANGO_SETTINGS_MODULE=site_settings PYTHONPATH=$scratch/site
"$bare" -W error -m django migrate --verbosity 0
"$bare" -W error -m django check --fail-level WARNING
"$bare" -W error -m django makemigrations --check --dry-run
"$bare" -W error use.py
echo "wheel: $(basename "$wheel") works with $(grep -i '^django==' <<<"$installed") alone"

# An agent has the client, httpx and no Django.
unset DJANGO_SETTINGS_MODULE PYTHONPATH
"$python" -m venv "$scratch/agent"
agent=$scratch/agent/bin/python
"$agent" -m pip install --quiet --disable-pip-version-check --no-deps "$wheel"
needs=$(sed -n 's/^Requires-Dist: \(httpx[^;]*\);.*/\1/p' "$scratch"/agent/lib/python*/site-packages/agno_memory-*.dist-info/METADATA | sort -u)
"$agent" -m pip install --quiet --disable-pip-version-check "$needs"
installed=$("$agent" -m pip list --format freeze --disable-pip-version-check)
! grep -qi '^django' <<<"$installed" || fail "has Django where it should do without"
cp "$root/tests/client_alone.py" "$scratch"
cd "$scratch"
"$agent" -W error client_alone.py
echo "wheel: the client works with $(grep -i '^httpx==' <<<"$installed") and no Django"
