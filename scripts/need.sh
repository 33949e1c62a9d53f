#!/usr/bin/env bash
# Sees to what the tests need. Later needs go here, one function call each: a
# command that is missing is installed where that is possible, else the script says
# what to install and stops.
#
#   need.sh         what every test needs
#   need.sh cc      that and a C compiler
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

need_apt git git
need_go
for what in "$@"; do
  case "$what" in
  cc) need_apt cc gcc ;;
  *)
    echo "need: nothing known of $what" >&2
    exit 1
    ;;
  esac
done
