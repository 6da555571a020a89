#!/usr/bin/env bash
# The lanes of agno: its two majors exclude each other, so each has an environment of its own. Their tests are in
# tests/agno1 and tests/agno3. Usage: tests/agno.sh MAJOR [arguments of pytest]
set -euo pipefail
cd "$(dirname "$0")/.."
major=${1:?Usage: tests/agno.sh MAJOR [arguments of pytest]}
shift
environment=.venv-agno$major
wanted=tests/agno$major/requirements.txt

if [ "$wanted" -nt $environment/.installed ] || [ requirements.txt -nt $environment/.installed ] || [ setup.cfg -nt $environment/.installed ]; then
    "${PYTHON:-python3}" -m venv --clear $environment
    # What the suite needs, in the releases of the main lane; constraints may not name extras.
    $environment/bin/python -m pip install --quiet --disable-pip-version-check -c <(sed "s/\[.*\]//" requirements.txt) -r "$wanted" -e .
    touch $environment/.installed
fi
TEST_AGNO=$major exec $environment/bin/python -m pytest -n "${WORKERS:-2}" "tests/agno$major" "$@"
