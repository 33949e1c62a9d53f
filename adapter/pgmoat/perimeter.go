package pgmoat

import (
	"github.com/pgmoat/pgmoat/api/v1alpha1"
	"github.com/pgmoat/pgmoat/model/intent"
)

// perimeter converts the baseline around a server. What opens anything is compared with the
// one word that asks for it, so that whatever else is there stays closed.
func (c *converter) perimeter(in *v1alpha1.PostgresPerimeter) {
	spec := &in.Spec
	out := &intent.Perimeter{
		Namespace: c.o.Namespace, Name: c.o.Name,
		Server:           c.server(spec.Server),
		Enforce:          spec.Mode == "Enforce",
		EgressIsolated:   spec.Network.Egress == "Isolated",
		ClientNamespaces: c.selector("spec.network.clientNamespaces", spec.Network.ClientNamespaces),
		AdminTier:        c.adminTier(spec.Network.AdminTier),
		Owned:            c.owned(spec.Namespace),
		PlainText:        is(spec.TLS.Required, false),
		MinProtocol:      spec.TLS.MinProtocol,
		RemoteSuperuser:  spec.Superuser == "Remote",
		Monitoring:       c.peers("spec.monitoring", spec.Monitoring),
		Backup:           c.destinations("spec.backup", spec.Backup),
		Egress:           c.destinations("spec.egress", spec.Egress),
		Origin:           c.origin(""),
	}
	c.keep = func() { c.out.Perimeters = append(c.out.Perimeters, out) }
}

func (c *converter) adminTier(in *v1alpha1.AdminTier) *intent.AdminTier {
	if in == nil {
		return nil
	}
	return &intent.AdminTier{Priority: int(in.Priority), Origin: c.origin("spec.network.adminTier.priority")}
}

func (c *converter) owned(in *v1alpha1.NamespaceBaseline) *intent.OwnedNamespace {
	if in == nil {
		return nil
	}
	return &intent.OwnedNamespace{
		DefaultDeny: !is(in.DefaultDeny, false),
		PodSecurity: in.PodSecurity,
		Origin:      c.origin("spec.namespace"),
	}
}

// is reports whether somebody wrote the value.
func is(in *bool, value bool) bool { return in != nil && *in == value }
