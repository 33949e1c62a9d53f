#!/usr/bin/env bash
# Walks through the examples. Exit status 1 (no, or findings) and 2 (cannot tell) are
# answers; 3 and above mean that the run failed, and so does this script then.
set -euo pipefail
cd "$(dirname "$0")/.."
pgmoat=${PGMOAT:-bin/pgmoat}

part() { printf '\n## %s\n' "$1"; }

show() {
  printf '\n$ pgmoat %s\n' "$*"
  local status=0
  "$pgmoat" "$@" || status=$?
  case "$status" in
  0 | 1 | 2) printf '(exit status %d)\n' "$status" ;;
  *)
    printf '(exit status %d: the run failed)\n' "$status" >&2
    exit "$status"
    ;;
  esac
}

estate=(-f examples/company/broken --facts examples/company/facts.yaml)

part "Who can reach the database, and as whom"
show who-can payments/ledger "${estate[@]}"

part "Everyone against every server"
show matrix "${estate[@]}"

part "One connection, layer by layer"
show explain shop/orders ledger-pooler.payments --as app_ro --db ledger "${estate[@]}"

part "What is wrong, and where"
show audit "${estate[@]}"
