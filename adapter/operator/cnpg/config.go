package cnpg

import (
	"cmp"
	"path"
	"strconv"
	"strings"

	"github.com/pgmoat/pgmoat/adapter/operator"
)

// configName is the ConfigMap of the operator's own settings; a Secret of the same name
// may replace them [cnpg config/manager/manager.yaml@1.30.0].
const configName = "cnpg-controller-manager-config"

// settings are those of the operator that change what it makes [cnpg
// internal/configuration/configuration.go@1.30.0].
type settings struct {
	// domain is the cluster's, in the names of Services.
	domain string
	// lifetime and renew are hours.
	lifetime, renew int
	// inherited are globs of labels that pods take over from the Cluster.
	inherited []string
}

// settingsOf reads the ConfigMap, where the estate has it.
func settingsOf(w *operator.World) settings {
	out := settings{domain: "cluster.local", lifetime: 90 * 24, renew: 7 * 24}
	for _, o := range w.Objects["ConfigMap"] {
		var in struct {
			Data map[string]string `json:"data"`
		}
		if o.Name != configName || o.Decode(&in) != nil {
			continue
		}
		out.domain = cmp.Or(in.Data["KUBERNETES_CLUSTER_DOMAIN"], out.domain)
		out.lifetime = days(in.Data["CERTIFICATE_DURATION"], out.lifetime)
		out.renew = days(in.Data["EXPIRING_CHECK_THRESHOLD"], out.renew)
		for glob := range strings.SplitSeq(in.Data["INHERITED_LABELS"], ",") {
			out.inherited = append(out.inherited, strings.TrimSpace(glob))
		}
	}
	return out
}

// days reads a number of days as hours; what is no number leaves the default.
func days(text string, otherwise int) int {
	const century = 36500
	if n, err := strconv.Atoi(text); err == nil && n > 0 && n <= century {
		return n * 24
	}
	return otherwise
}

// inherits reports whether pods take the label over from the Cluster.
func (s settings) inherits(label string) bool {
	for _, glob := range s.inherited {
		if ok, err := path.Match(glob, label); err == nil && ok {
			return true
		}
	}
	return false
}
