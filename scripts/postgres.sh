#!/usr/bin/env bash
# Sees to the PostgreSQL servers of lab/postgres: 15 from Debian, which is built with
# LDAP, GSSAPI and PAM, and the other majors from npm by the exact versions of
# lab/servers/package-lock.json, in .cache/postgres. Quick when all is there.
# need.sh sees to npm and Debian's server, and calls this.
set -euo pipefail
cd "$(dirname "$0")/.."

dir=.cache/postgres
want=$(cat lab/servers/package.json lab/servers/package-lock.json scripts/postgres.sh | sha256sum | cut -c1-16)

installed() {
  [ "$(cat "$dir/installed" 2>/dev/null)" = "$want" ]
}

# Some of the packages' links are kept in a list, as npm packages cannot hold links.
# Their script makes them, run by hand: install scripts stay off, those of
# dependencies too.
install_servers() {
  echo "need: installing PostgreSQL 13, 14, 16, 17 and 18 in $dir"
  rm -rf "$dir/installed" "$dir/node_modules"
  cp lab/servers/package.json lab/servers/package-lock.json "$dir"
  (cd "$dir" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2)
  for server in "$dir"/node_modules/pg*; do
    (cd "$server" && node scripts/hydrate-symlinks.js >/dev/null)
  done
  # The servers run as another user.
  chmod -R go+rX "$dir"
  echo "$want" >"$dir/installed"
}

mkdir -p "$dir"
exec 9>"$dir/lock" # two runs at once: one installs, the other waits
flock 9
installed || install_servers
