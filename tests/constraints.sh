#!/usr/bin/env bash
# Prints the pinned releases as constraints for the other environments: constraints may name neither files nor extras.
set -euo pipefail
cd "$(dirname "$0")/.."
sed -e '/^-r/d' -e 's/\[.*\]//' requirements.txt requirements-test.txt
