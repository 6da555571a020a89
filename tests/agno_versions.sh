#!/usr/bin/env bash
# The oldest and the newest versions of agno 3, each in a folder beside the environment of tests/agno.sh, with the other
# packages of that environment. Usage: tests/agno_versions.sh [VERSION ...]
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- 3.0.0 3.0.11 3.1.0 3.1.10
environment=.venv-agno3
tests="test_versions.py test_base_db.py test_agents.py test_agentos.py test_agentos_site.py test_tracing.py"

./tests/agno.sh 3 --collect-only --quiet >/dev/null
for version in "$@"; do
    folder=$environment/versions/$version
    # An interrupted installation is not finished by the next one.
    if [ ! -f "$folder/.installed" ]; then
        rm -rf "$folder"
        $environment/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --target "$folder" "agno==$version"
        touch "$folder/.installed"
    fi
    echo "agno $version"
    AGNO_VERSION=$version TEST_AGNO=3 PYTHONPATH="$PWD/$folder" $environment/bin/python -m pytest -n "${WORKERS:-2}" \
        $(printf 'tests/agno3/%s ' $tests)
done
