package report

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/pgmoat/pgmoat/engine/change"
	"github.com/pgmoat/pgmoat/engine/network"
	"github.com/pgmoat/pgmoat/engine/prove"
	"github.com/pgmoat/pgmoat/engine/reach"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// command asks about the witness again; nil where there is none, or nobody to ask about. Of
// pods that do not exist yet it reads one from standard input.
func (p *Proved) command(c prove.Counterexample) []string {
	s := c.Witness.Session
	switch {
	case s == reach.Session{}:
		return nil
	case c.Future != nil:
		if c.Future.Namespace == "" || slices.Contains(p.Flags, "-") {
			return nil
		}
		from := c.Future.Namespace + "/pod/" + witnessPod
		return append(append(explainWords(from, c.Server, s), "-f", "-"), p.Flags...)
	case c.Witness.From == snapshot.Ref{}:
		return nil
	}
	from := client(change.Witness{From: c.Witness.From, Outside: c.Witness.Outside})
	return append(explainWords(from, c.Server, s), p.Flags...)
}

// tryLine is the command for a shell; empty where there is none.
func (p *Proved) tryLine(c prove.Counterexample) string {
	words := p.command(c)
	if words == nil {
		return ""
	}
	if c.Future == nil {
		return shellLine(words)
	}
	pod, err := json.Marshal(podOf(c.Future))
	if err != nil { // maps of strings
		return ""
	}
	return shellLine([]string{"printf", "%s", string(pod)}) + " | " + shellLine(words)
}

// commandNote says where the command has another answer: it reads the estate as it is.
func (p *Proved) commandNote(c prove.Counterexample) string {
	if p.AsIs || c.Witness.Was == c.Witness.Now {
		return ""
	}
	return fmt.Sprintf(" (once the artefacts are applied; until then: %s)", standing[c.Witness.Was])
}

// witnessPod is the name of a pod that stands for those that do not exist yet.
const witnessPod = "pgmoat-witness"

// podJSON is a pod as a manifest has it.
type podJSON struct {
	APIVersion string      `json:"apiVersion"`
	Kind       string      `json:"kind"`
	Metadata   podMetaJSON `json:"metadata"`
	Spec       podSpecJSON `json:"spec"`
}

type podMetaJSON struct {
	Name      string            `json:"name"`
	Namespace string            `json:"namespace"`
	Labels    map[string]string `json:"labels"`
}

type podSpecJSON struct {
	Containers []podContainerJSON `json:"containers"`
}

type podContainerJSON struct {
	Name  string `json:"name"`
	Image string `json:"image"`
}

// podOf is one of the pods that do not exist yet. Labels that may have any value have the
// name of the pod.
func podOf(v *network.Virtual) podJSON {
	out := podJSON{APIVersion: "v1", Kind: "Pod", Metadata: podMetaJSON{witnessPod, v.Namespace, map[string]string{}},
		Spec: podSpecJSON{[]podContainerJSON{{witnessPod, witnessPod}}}}
	for key, value := range v.Labels.Set {
		out.Metadata.Labels[key] = value
	}
	for _, key := range v.Labels.Unknown {
		out.Metadata.Labels[key] = witnessPod
	}
	return out
}
