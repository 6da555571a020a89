#!/usr/bin/env bash
# Install PgBouncer where none is found: Debian's package as root or by sudo, and otherwise its files in a folder, which is
# the argument.
set -euo pipefail
if ! command -v apt-get >/dev/null; then
    echo "The tests of connection pools need PgBouncer. Install it, for example with: brew install pgbouncer" >&2
    exit 1
fi
if [ "$(id -u)" = 0 ]; then
    apt-get update -qq && exec apt-get install -qq --no-install-recommends pgbouncer
elif sudo -n true 2>/dev/null; then
    sudo apt-get update -qq && exec sudo apt-get install -qq --no-install-recommends pgbouncer
fi
mkdir -p "$1" && cd "$1"
# With the two libraries that a machine without it may lack; their names differ by release.
libraries=$(apt-cache depends pgbouncer | sed -nE 's/.*Depends: (lib(event|c-ares)[^ ]*)$/\1/p')
apt-get download -qq pgbouncer $libraries
for package in *.deb; do dpkg-deb -x "$package" .; done
cat >pgbouncer <<'SCRIPT'
#!/bin/sh
folder=$(dirname "$(readlink -f "$0")")
LD_LIBRARY_PATH=$(echo "$folder"/usr/lib/*-linux-gnu) exec "$folder/usr/sbin/pgbouncer" "$@"
SCRIPT
chmod +x pgbouncer
