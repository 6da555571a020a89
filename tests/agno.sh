#!/usr/bin/env bash
# The lanes of agno. Only one major of agno can be installed, so each has an environment of its own. The tests of a major
# are in tests/agno<major>, beside the requirements of its environment. Usage: tests/agno.sh MAJOR [arguments of pytest]
set -euo pipefail
cd "$(dirname "$0")/.."
major=${1:?Usage: tests/agno.sh MAJOR [arguments of pytest]}
shift
environment=.venv-agno$major
requirements=tests/agno$major/requirements.txt

is_stale() {
    [ "$requirements" -nt $environment/.installed ] || [ requirements.txt -nt $environment/.installed ] || [ requirements-test.txt -nt $environment/.installed ] || [ setup.cfg -nt $environment/.installed ]
}

# A link leads to the environment of another checkout, which venv --clear would empty.
if [ ! -L $environment ] && is_stale; then
    "${PYTHON:-python3}" -m venv --clear $environment
    # The packages of the suite have the releases of the main lane; constraints may not name extras.
    $environment/bin/python -m pip install --quiet --disable-pip-version-check -c <(./tests/constraints.sh) -r "$requirements" -e .
    touch $environment/.installed
fi
TEST_AGNO=$major exec $environment/bin/python -m pytest -n "${WORKERS:-2}" "tests/agno$major" "$@"
