#!/usr/bin/env bash
# Prints the version of the tree: the tag, or how far beyond it the commit is.
set -euo pipefail
cd "$(dirname "$0")/.."
if v=$(git describe --tags --match 'v[0-9]*' --dirty 2>/dev/null); then
  echo "$v"
elif c=$(git rev-parse --short=12 HEAD 2>/dev/null); then
  dirty=""
  git diff --quiet HEAD 2>/dev/null || dirty="-dirty"
  echo "v0.0.0-$(git rev-list --count HEAD)-g$c$dirty"
else
  echo "v0.0.0-dev"
fi
