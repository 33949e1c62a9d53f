//go:build definitions

package main

// scripts/controlplane.sh takes the definitions of ClusterNetworkPolicy from the files of
// this module. It is no part of the program; the import keeps it in go.mod.
import _ "sigs.k8s.io/network-policy-api/apis/v1alpha2"
