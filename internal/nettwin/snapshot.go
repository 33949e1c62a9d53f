package nettwin

import (
	"context"
	"fmt"

	"github.com/pgmoat/pgmoat/adapter/estate"
	"github.com/pgmoat/pgmoat/adapter/object"
	"github.com/pgmoat/pgmoat/model/cni"
	"github.com/pgmoat/pgmoat/model/flow"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// Snapshot reads the world as pgmoat does, through its adapters, and states every
// fact. A problem is an error: the API server takes all objects of a world.
func (w *World) Snapshot() (*snapshot.Snapshot, error) {
	source := func(context.Context, estate.Wants) (object.Batch, error) {
		var batch object.Batch
		for i, text := range w.Objects() {
			o, err := object.New(text, object.Source{File: "world", Line: i + 1}, "default")
			if err != nil {
				return batch, err
			}
			batch.Objects = append(batch.Objects, o)
		}
		return batch, nil
	}
	// The source has no lines to look for.
	s, err := estate.From(context.Background(), source, estate.Options{})
	if err != nil {
		return nil, err
	}
	if len(s.Problems) > 0 {
		return nil, fmt.Errorf("seed %d: a problem with a valid object: %v", w.Seed, s.Problems)
	}
	s.Facts = w.facts()
	return s, nil
}

func (w *World) facts() snapshot.Facts {
	f := snapshot.Facts{
		Complete: true, Strict: w.Strict, CNI: "twin", Enforces: verdict.Allow,
		Profile: cni.Profile{Name: "twin", Enforces: verdict.Allow},
		Domains: map[string]flow.Addresses{},
	}
	for name, prefixes := range w.Reading.Domains {
		f.Domains[name] = flow.AddressesOf(prefixes...)
	}
	for _, t := range w.traits() {
		f.Profile.Differences = append(f.Profile.Differences, cni.Difference{Trait: t})
	}
	return f
}

func (w *World) traits() []cni.Trait {
	var traits []cni.Trait
	pick := func(is bool, yes, no cni.Trait) {
		if is {
			traits = append(traits, yes)
		} else if no != "" {
			traits = append(traits, no)
		}
	}
	pick(w.Reading.BlocksSkipPods, cni.BlockSkipsPods, cni.BlockMatchesPods)
	pick(w.Reading.BaselineByPod, cni.BaselineByPod, cni.BaselineByDirection)
	pick(w.Reading.NodeEgressPoliced, cni.NodeEgressPoliced, "")
	pick(w.Reading.NodeIngressPoliced, cni.NodeIngressPoliced, "")
	pick(w.Reading.NodeIngressOpen, cni.NodeIngressOpen, "")
	pick(w.Reading.BlocksSkipNodes, cni.BlockSkipsNodes, "")
	pick(w.Reading.NoClusterPolicies, cni.NoClusterPolicies, cni.ClusterPolicies)
	pick(w.Reading.NoAdminPolicies, cni.NoAdminPolicies, cni.AdminPolicies)
	pick(w.Reading.NoNodePeers, cni.NoNodePeers, "")
	pick(w.Reading.NoDomainPeers, cni.NoDomainPeers, "")
	pick(w.Reading.NoEndPort, cni.NoEndPort, "")
	pick(w.Reading.NoSCTP, cni.NoSCTP, "")
	return traits
}
