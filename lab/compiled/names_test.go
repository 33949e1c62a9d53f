//go:build linux

package compiled

import (
	"net/netip"

	"github.com/pgmoat/pgmoat/model/artefact"
	"github.com/pgmoat/pgmoat/model/flow"
)

type gap = artefact.Gap

// hostOf is one address as a set.
func hostOf(a netip.Addr) flow.Addresses { return flow.AddressesOf(netip.PrefixFrom(a, a.BitLen())) }
