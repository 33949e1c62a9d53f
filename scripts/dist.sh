#!/usr/bin/env bash
# Builds the release in dist/. Nothing in it depends on the clock, the machine or the
# directory: two runs on one commit with one Go give the same bytes.
#
#   dist.sh VERSION
set -euo pipefail
cd "$(dirname "$0")/.."
version=$1
main=${MAIN:-./cmd/pgmoat}
epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 946684800)}
work=.cache/dist
rm -rf dist "$work"
mkdir -p dist/completions "$work"
export CGO_ENABLED=0

build() { # OUTPUT
  go build -trimpath -buildvcs=false \
    -ldflags "-s -w -buildid= -X github.com/pgmoat/pgmoat/app/cli.version=$version" -o "$1" "$main"
}

echo "dist: packer and completions"
(cd tools && go build -o "../$work/pack" ./pack)
build "$work/host-pgmoat"
for shell in bash zsh fish; do
  "$work/host-pgmoat" completion "$shell" >"dist/completions/pgmoat.$shell"
done

for platform in linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64; do
  os=${platform%/*} arch=${platform#*/}
  stage=$work/$os-$arch bin=pgmoat archive=pgmoat_${version}_${os}_${arch}.tar.gz
  if [ "$os" = windows ]; then
    bin=pgmoat.exe archive=${archive%.tar.gz}.zip
  fi
  echo "dist: $archive"
  mkdir -p "$stage/completions"
  GOOS=$os GOARCH=$arch build "$stage/$bin"
  cp LICENSE README.md "$stage"
  cp dist/completions/* "$stage/completions"
  if [ "$os" != windows ]; then
    install -m 755 packaging/kubectl_complete-pgmoat "$stage"
  fi
  "$work/pack" -epoch "$epoch" -o "dist/$archive" "$stage"
done

echo "dist: SHA256SUMS and the plugin manifest"
(cd dist && sha256sum pgmoat_* >SHA256SUMS)
manifest=$(cat packaging/krew/pgmoat.yaml.in)
manifest=${manifest//@VERSION@/$version}
while read -r sum archive; do
  platform=${archive#"pgmoat_${version}_"}
  platform=${platform%%.*}
  manifest=${manifest//"@SHA256_$platform@"/$sum}
done <dist/SHA256SUMS
if [[ $manifest =~ @[A-Za-z0-9_]+@ ]]; then
  echo "dist: packaging/krew/pgmoat.yaml.in: nothing to put for ${BASH_REMATCH[0]}" >&2
  exit 1
fi
printf '%s\n' "$manifest" >dist/pgmoat.yaml
rm -rf "$work"
