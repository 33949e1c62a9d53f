#!/usr/bin/env bash
# Prints the path of a tool that tools/go.mod pins, built once for each tools/go.sum
# and each Go.
#
#   tool.sh NAME PACKAGE
set -euo pipefail
cd "$(dirname "$0")/.."
name=$1 package=$2
key=$({ cat tools/go.mod tools/go.sum; go env GOVERSION; } | sha256sum | cut -c1-16)
bin=$PWD/.cache/$name-$key
if [ ! -x "$bin" ]; then
  echo "building $name, once for this version (a few minutes on a small machine)" >&2
  mkdir -p .cache
  rm -f .cache/"$name"-*
  (cd tools && CGO_ENABLED=0 go build -trimpath -o "$bin.new" "$package") >&2
  mv "$bin.new" "$bin"
fi
echo "$bin"
