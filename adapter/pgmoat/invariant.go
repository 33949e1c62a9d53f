package pgmoat

import (
	"fmt"

	"github.com/pgmoat/pgmoat/api/v1alpha1"
	"github.com/pgmoat/pgmoat/model/intent"
)

func (c *converter) invariant(in *v1alpha1.AccessInvariant) {
	out := &intent.Invariant{
		Name:    c.o.Name,
		Never:   c.sessions("spec.never", in.Spec.Never),
		Only:    c.sessions("spec.only", in.Spec.Only),
		Message: oneLine(in.Spec.Message),
		Origin:  c.origin(""),
	}
	c.keep = func() { c.out.Invariants = append(c.out.Invariants, out) }
}

var paths = map[string]intent.Path{
	"": intent.AnyPath, "Direct": intent.Direct, "Pooler": intent.ThroughPooler, "Outside": intent.FromOutside,
}

func (c *converter) sessions(field string, in *v1alpha1.Sessions) *intent.Sessions {
	if in == nil {
		return nil
	}
	out := &intent.Sessions{
		To: intent.ServerSelector{
			Namespaces:        texts(in.To.Namespaces),
			NamespaceSelector: c.selector(field+".to.namespaceSelector", in.To.NamespaceSelector),
			Names:             texts(in.To.Names),
		},
		As: texts(in.As), Databases: texts(in.Databases),
		Path:            paths[in.Path],
		Methods:         in.Methods,
		UnencryptedOnly: in.Unencrypted,
		Origin:          c.origin(field),
	}
	for i, p := range in.From {
		out.From = append(out.From, c.anyPeer(fmt.Sprintf("%s.from[%d]", field, i), p))
	}
	return out
}
