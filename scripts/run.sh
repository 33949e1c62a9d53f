#!/usr/bin/env bash
# Walks through the examples. Exit status 1 (no, or findings) and 2 (cannot tell) are
# answers; 3 and above mean that the run failed, and so does this script then.
set -euo pipefail
cd "$(dirname "$0")/.."
pgmoat=${PGMOAT:-bin/pgmoat}
company=examples/company
seeds=examples/seeds

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

part "Who can reach which database, as whom"
show matrix -f "$company/broken" --facts "$company/facts.yaml"

part "One refusal, layer by layer"
show explain payments/api ledger-rw.payments --as app_rw --db ledger -f "$company/broken" --facts "$company/facts.yaml"

part "One connection, policy by policy"
show connections explain payments/worker payments/ledger-pooler --port 5432 -f "$company/mended" --facts "$company/facts.yaml"

part "What is wrong, and what to change"
show audit -f "$company/broken" --facts "$company/facts.yaml"

part "A pg_hba.conf without Kubernetes: what is wrong, and what a proposed one changes"
show hba lint examples/hba/pg_hba.conf --ident examples/hba/pg_ident.conf --roles examples/hba/roles.json
show hba diff examples/hba/pg_hba.conf examples/hba/proposed.conf --roles examples/hba/roles.json --ignore-wording

part "The same company, mended"
show audit --severity high -f "$company/mended" --facts "$company/facts.yaml"
show matrix -f "$company/mended" --facts "$company/facts.yaml"

part "A repository with overlays and a chart, and a pull request laid over it"
show who-can payments/ledger -f examples/gitops
show diff examples/gitops examples/gitops-pending --over

part "Written once: what each layer has to say for it, and what somebody left open beside it"
show compile -f "$company/mended" -f "$company/access" --facts "$company/facts.yaml"
show prove -f "$company/mended" -f "$company/access" --facts "$company/facts.yaml"

part "Proven: what is compiled admits just what was declared"
show prove -f "$seeds/three-tier/estate.yaml" -f "$seeds/three-tier/access.yaml" --facts "$seeds/facts.yaml"
