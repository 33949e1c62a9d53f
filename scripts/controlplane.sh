#!/usr/bin/env bash
# Builds the programs of lab/controlplane in .cache/controlplane: etcd and the components
# of Kubernetes as one binary with a link for each name, and the definitions of
# ClusterNetworkPolicy. Once for each version and each Go; quick when all is there.
# need.sh calls this.
set -euo pipefail
cd "$(dirname "$0")/.."

dir=.cache/controlplane
source=lab/controlplane/binary
want=$({ cat "$source"/go.mod "$source"/go.sum "$source"/*.go scripts/controlplane.sh; go env GOVERSION; } | sha256sum | cut -c1-16)

installed() {
  [ "$(cat "$dir/installed" 2>/dev/null)" = "$want" ]
}

# module_dir PATH
module_dir() {
  (cd "$source" && go mod download "$1" && go list -m -f '{{.Dir}}' "$1")
}

build() {
  local version flags
  version=$(cd "$source" && go list -m -f '{{.Version}}' k8s.io/kubernetes)
  # What the version is stamped with; without it the server calls itself v0.0.0.
  flags="-s -w -X k8s.io/component-base/version.gitVersion=$version"
  flags+=" -X k8s.io/component-base/version.gitMajor=$(cut -d. -f1 <<<"${version#v}")"
  flags+=" -X k8s.io/component-base/version.gitMinor=$(cut -d. -f2 <<<"$version")"
  echo "need: building Kubernetes $version and etcd in $dir, once: some five minutes on two processors"
  (cd "$source" && CGO_ENABLED=0 go build -p 2 -v -trimpath -buildvcs=false -ldflags "$flags" \
    -o "$OLDPWD/$dir/new" . 2>&1) | awk -f scripts/progress.awk
  mv "$dir/new" "$dir/controlplane" # a test may be running the old one
}

install_all() {
  rm -rf "$dir/installed" "$dir/crds"
  build
  local name
  for name in etcd kube-apiserver kube-controller-manager kube-proxy kube-scheduler; do
    ln -sfn controlplane "$dir/$name"
  done
  mkdir -p "$dir/crds"
  install -m 644 "$(module_dir sigs.k8s.io/network-policy-api)"/config/crd/standard/policy.networking.k8s.io_*.yaml "$dir/crds"
  echo "$want" >"$dir/installed"
}

mkdir -p "$dir"
exec 9>"$dir/lock" # two runs at once: one builds, the other waits
flock 9
installed || install_all
