package tlsrules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// secrets are those that were read, by namespace/name.
func secrets(world *snapshot.Snapshot) map[string]*snapshot.Secret {
	out := make(map[string]*snapshot.Secret, len(world.Secrets))
	for _, s := range world.Secrets {
		out[s.Namespace+"/"+s.Name] = s
	}
	return out
}

// notRead is why nothing is known of a certificate that nobody let us see.
const notRead = "the certificate was not read"

// unread says why nothing is known of an entry of a Secret that is there, and what would
// tell; empty where something is, or the Secret has no such entry.
func unread(secret *snapshot.Secret, key string) string {
	if secret == nil {
		return ""
	}
	if _, unread := secret.Certificate(key); !unread {
		return ""
	}
	if secret.Sealed {
		return "what it holds is encrypted or kept elsewhere"
	}
	return "only its metadata was read, and --certificates reads its certificates"
}

// find returns a Secret by namespace/name, nil where it was not read.
func find(world *snapshot.Snapshot, full string) *snapshot.Secret {
	namespace, name, _ := strings.Cut(full, "/")
	i := slices.IndexFunc(world.Secrets, func(s *snapshot.Secret) bool { return s.Name == name && s.Namespace == namespace })
	if i < 0 {
		return nil
	}
	return world.Secrets[i]
}

// unsigned reports a certificate of one's own that the CA of one's own beside it did not
// sign, or that is not where it is read from. What an operator issues it looks after
// itself. CloudNativePG refuses such a Cluster [cnpg internal/controller/cluster_pki.go@1.30.0].
func unsigned(p *audit.Pass, s *snapshot.Server, read map[string]*snapshot.Secret, caUse, leafUse string) {
	ca, _ := certificate(s, caUse)
	leaf, _ := certificate(s, leafUse)
	const private = "tls.key" // the key is never read, only whether there is one
	if empty(p, s, read, ca, ca.Key) || empty(p, s, read, leaf, leaf.Key, private) || !own(ca) || !own(leaf) {
		return
	}
	for _, c := range []snapshot.Certificate{ca, leaf} {
		if why := unread(read[c.Secret], c.Key); why != "" {
			p.Useless(s.Ref(), fmt.Sprintf("whether the CA in Secret %s signed the certificate in Secret %s is not known: of Secret %s, %s", ca.Secret, leaf.Secret, c.Secret, why))
			return
		}
	}
	leafChain, caChain := chainOf(read, leaf), chainOf(read, ca)
	if len(leafChain) == 0 || len(caChain) == 0 || signedBy(leafChain, caChain) {
		return
	}
	p.Report(audit.Finding{Subject: s.Ref(), Certain: true, Origin: leaf.Origin,
		Message: fmt.Sprintf("the certificate in Secret %s is of %s, and Secret %s has the CA %s, which did not sign it: who verifies the one by the other refuses it%s",
			leaf.Secret, leafChain[0].Issuer, ca.Secret, caChain[0].Subject, refused(s)),
		Fix: fmt.Sprintf("put the certificate of %s into %s of Secret %s, or name the Secret that has it", leafChain[0].Issuer, ca.Key, ca.Secret)})
}

// own reports whether a user brings the certificate.
func own(c snapshot.Certificate) bool { return strings.HasPrefix(c.Origin.Field, "spec.") }

// refused is what CloudNativePG does beside.
func refused(s *snapshot.Server) string {
	if s.Operator == snapshot.CloudNativePG {
		return ", and the operator does no more for the Cluster"
	}
	return ""
}

// empty reports a Secret that lacks entries of those that are read from it, and says
// whether it does. One without any is filled by somebody else. Of other operators the
// custom resource may name the entries.
func empty(p *audit.Pass, s *snapshot.Server, read map[string]*snapshot.Secret, c snapshot.Certificate, keys ...string) bool {
	secret := read[c.Secret]
	if s.Operator != snapshot.CloudNativePG || secret == nil || len(secret.Keys) == 0 || !own(c) {
		return false
	}
	missing := slices.DeleteFunc(keys, func(key string) bool { return secret.Has(key) != verdict.Deny })
	if len(missing) == 0 {
		return false
	}
	_, field := cutLast(c.Origin.Field)
	p.Report(audit.Finding{Subject: s.Ref(), Certain: true, Origin: c.Origin,
		Message: fmt.Sprintf("%s names Secret %s, which has no %s%s", field, c.Secret, strings.Join(missing, " and no "), refused(s)),
		Fix:     "name the Secret that has it, or give it the entry"})
	return true
}

// chainOf is the chain of a certificate that was read; nil where it was not.
func chainOf(read map[string]*snapshot.Secret, c snapshot.Certificate) []snapshot.ChainLink {
	if secret := read[c.Secret]; secret != nil {
		for _, held := range secret.Certificates {
			if held.Key == c.Key {
				return held.Chain
			}
		}
	}
	return nil
}

// signedBy reports whether one of a chain may be signed by one of the authorities.
func signedBy(chain, authorities []snapshot.ChainLink) bool {
	return slices.ContainsFunc(chain, func(l snapshot.ChainLink) bool { return slices.ContainsFunc(authorities, l.SignedBy) })
}
