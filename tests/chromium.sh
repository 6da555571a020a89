#!/usr/bin/env bash
# Install a browser where none is found: Debian's as root, elsewhere playwright's own, whose program is the argument.
set -euo pipefail
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    # Ubuntu's package of this name is another one, which needs snap.
    # Read whole before it is searched: under pipefail, a `grep -q` that stops early fails the pipe.
    if apt-get update -qq && candidate=$(apt-cache policy chromium) && grep -qE 'Candidate: [0-9.]+-' <<<"$candidate" &&
        apt-get install -qq --no-install-recommends chromium; then
        exit 0
    fi
fi
exec "$1" install chromium
