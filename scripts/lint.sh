#!/usr/bin/env bash
# Linters, formatting, go.mod, generated code. Every part runs, whatever the parts
# before it found, and the script fails if one did.
set -euo pipefail
cd "$(dirname "$0")/.."
bash scripts/need.sh
failed=0

# Names and contents of everything that is ours, as one number.
fingerprint() {
  git ls-files -co --exclude-standard -z | xargs -0 sha256sum 2>/dev/null | sha256sum
}

echo "lint: gofmt"
unformatted=$(git ls-files -co --exclude-standard -z '*.go' | xargs -0 -r gofmt -l)
if [ -n "$unformatted" ]; then
  printf 'not formatted, run make fmt:\n%s\n' "$unformatted"
  failed=1
fi

echo "lint: go.mod"
go mod tidy -diff || failed=1

echo "lint: generated code"
before=$(fingerprint)
go generate ./... || failed=1
if [ "$before" != "$(fingerprint)" ]; then
  echo "make gen changed files; they are new now, commit them:"
  git status --short
  failed=1
fi

linter=$(bash scripts/tool.sh golangci-lint github.com/golangci/golangci-lint/v2/cmd/golangci-lint)
echo "lint: golangci-lint"
"$linter" run ./... || failed=1

exit "$failed"
