#!/usr/bin/env bash
# Sees to what the tests need. Later needs go here, one function call each: a
# command that is missing is installed where that is possible, else the script says
# what to install and stops.
#
#   need.sh         what every test needs
#   need.sh cc      that and a C compiler
#   need.sh servers that and the servers of lab/postgres and lab/pgbouncer
#   need.sh packets that and what lab/enforce sends packets through
#   need.sh cluster that and the API server of lab/controlplane
set -euo pipefail
cd "$(dirname "$0")/.."

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

# need_apt COMMAND PACKAGE
need_apt() {
  command -v "$1" >/dev/null && return
  echo "need: $1 is missing, installing the package $2"
  if ! command -v apt-get >/dev/null ||
    ! as_root apt-get update -q >&2 ||
    ! as_root env DEBIAN_FRONTEND=noninteractive apt-get install -yq --no-install-recommends "$2" >&2; then
    echo "need: could not install it; install $1 (Debian package $2) and try again" >&2
    exit 1
  fi
}

# Go is not installed from here: which one to use is the developer's choice, and any
# Go since 1.21 fetches the version that go.mod names.
need_go() {
  if ! command -v go >/dev/null; then
    echo "need: Go is missing; install Go $(awk '$1 == "go" { print $2 }' go.mod) or newer" >&2
    exit 1
  fi
  local err
  if ! err=$(go list -m 2>&1 >/dev/null); then
    echo "need: this Go does not do: $err" >&2
    exit 1
  fi
}

# The package starts its PgBouncer, which no test asks.
need_pgbouncer() {
  [ ! -e /usr/sbin/pgbouncer ] || return 0
  need_apt /usr/sbin/pgbouncer pgbouncer
  if [ -d /run/systemd/system ]; then as_root systemctl disable --now --quiet pgbouncer; fi
}

# The servers are for root on Linux and amd64. Elsewhere their tests are skipped, and
# say so; in CI a missing server is a failure.
need_servers() {
  if [ "$(uname -sm)" != "Linux x86_64" ] || [ "$(id -u)" != 0 ]; then
    echo "need: PostgreSQL and PgBouncer are for root on Linux x86_64; the tests with real servers will be skipped"
    return
  fi
  # A server for our tests is no reason to start one for the whole machine.
  if [ ! -e /etc/postgresql-common ]; then
    mkdir -p /etc/postgresql-common/createcluster.d
    echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.d/pgmoat.conf
  fi
  if ! (
    need_apt /usr/lib/postgresql/15/bin/postgres postgresql-15 &&
      need_pgbouncer &&
      need_apt ip iproute2 && need_apt node nodejs && need_apt npm npm &&
      bash scripts/postgres.sh
  ); then
    echo "need: no PostgreSQL servers or no PgBouncer; the tests with real servers will be skipped" >&2
    [ -z "${CI:-}" ] || exit 1
  fi
}

# Real packets are for Linux, where whoever runs the tests may make network namespaces.
need_packets() {
  if [ "$(uname -s)" != Linux ]; then
    echo "need: network namespaces are for Linux; the tests with real packets will be skipped"
    return
  fi
  local PATH="$PATH:/usr/sbin:/sbin" # not on every user's
  if ! (need_apt nft nftables && need_apt ip iproute2); then
    echo "need: no nftables; the tests with real packets will be skipped" >&2
    [ -z "${CI:-}" ] || exit 1
  fi
}

# The API server is built from source, which needs nothing but Go and some minutes, once.
need_cluster() {
  if [ "$(uname -s)" != Linux ]; then
    echo "need: the API server of the lab is for Linux; the tests with it will be skipped"
    return
  fi
  if ! bash scripts/controlplane.sh; then
    echo "need: no API server; the tests with it will be skipped" >&2
    [ -z "${CI:-}" ] || exit 1
  fi
}

need_apt git git
need_go
for what in "$@"; do
  case "$what" in
  cc) need_apt cc gcc ;;
  servers) need_servers ;;
  packets) need_packets ;;
  cluster) need_cluster ;;
  *)
    echo "need: nothing known of $what" >&2
    exit 1
    ;;
  esac
done
