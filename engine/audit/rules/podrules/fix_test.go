package podrules

import (
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/internal/audittest"
)

// The fix takes away what is refused, and adds nothing that was not asked for.
func TestFixFitsWhatIsRefused(t *testing.T) {
	const confined = "          securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}\n"
	for name, test := range map[string]struct {
		level, pod, container string
		has, hasNot           []string
	}{
		"the node's network": {"baseline", "      hostNetwork: true\n", "",
			[]string{"take away from the pod hostNetwork"}, []string{"runAsNonRoot", "drop: [ALL]", "securityContext"}},
		"a container's context": {"restricted", "      securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}\n", "",
			[]string{"allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}"}, []string{"runAsNonRoot", "take away", "999"}},
		"both": {"restricted", "      hostNetwork: true\n", confined,
			[]string{"take away from the pod hostNetwork", "runAsNonRoot: true", "seccompProfile"}, []string{"drop: [ALL]", "containers:"}},
	} {
		world := audittest.Load(t, namespace("legacy", enforce+": "+test.level)+"---\n"+database(test.pod, test.container))
		found := audit.Run(world, []*audit.Rule{POD1001}).Findings
		if len(found) != 1 {
			t.Fatalf("%s: %d findings", name, len(found))
		}
		for _, text := range test.has {
			if !strings.Contains(found[0].Fix, text) {
				t.Errorf("%s: no %q in %q", name, text, found[0].Fix)
			}
		}
		for _, text := range test.hasNot {
			if strings.Contains(found[0].Fix, text) {
				t.Errorf("%s: %q in %q", name, text, found[0].Fix)
			}
		}
	}
}
