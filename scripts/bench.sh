#!/usr/bin/env bash
# Runs the benchmarks of the packages that have some.
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p .cache
mapfile -t packages < <(git ls-files -co --exclude-standard '*_test.go' |
  xargs -r grep -lE '^func Benchmark' | xargs -r -n1 dirname | sort -u | sed 's,^,./,')
if [ "${#packages[@]}" = 0 ]; then
  echo "bench: no package has a benchmark"
  exit
fi
echo "bench: ${packages[*]}"
go test -run '^$' -bench . -benchmem -count 1 "${packages[@]}" | tee .cache/bench.txt
