#!/usr/bin/env bash
# Makes the installed pgmoat a kubectl plugin: kubectl runs what it finds on PATH as
# kubectl-pgmoat, and completes with kubectl_complete-pgmoat.
set -euo pipefail
cd "$(dirname "$0")/.."
dir=$(go env GOBIN)
[ -n "$dir" ] || dir=$(go env GOPATH)/bin
ln -sf pgmoat "$dir/kubectl-pgmoat"
install -m 755 packaging/kubectl_complete-pgmoat "$dir/kubectl_complete-pgmoat"
echo "installed $dir/pgmoat, $dir/kubectl-pgmoat and $dir/kubectl_complete-pgmoat"
case ":$PATH:" in
*":$dir:"*) ;;
*) echo "add $dir to PATH" ;;
esac
