package operatorrules

import (
	"fmt"
	"strings"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// OPR1013 finds clusters whose backups run as a ServiceAccount that their plugin does not
// look at. Who else has been granted what is in no snapshot, so that it is a doubt.
var OPR1013 = &audit.Rule{
	ID:       "OPR1013",
	Title:    "the backup plugin gives its rights to another ServiceAccount",
	Severity: audit.High,
	Why: `With spec.serviceAccountName the pods of a Cluster run as that ServiceAccount. The Barman
Cloud plugin, up to its release 0.15, binds its Role to the one that is named as the
Cluster, which is then nobody's. The pods may not read the ObjectStore and the Secret of
its credentials: no WAL is archived, no backup is taken, and WAL fills the volume until
the primary stops.`,
	Setting: release("1.30.0"),
	Bad:     cluster("", "  serviceAccountName: shared\n"+barman),
	Good:    cluster("", barman),
	Needs:   []audit.Fact{audit.Servers},
	Run: func(p *audit.Pass) {
		for _, s := range p.World.Servers {
			plugin, found := barmanCloud(s)
			members, name := s.Members(), s.Ref().Name
			if !found || len(members) == 0 || members[0].ServiceAccount == name { // before 1.29 the field is not known
				continue
			}
			account, _ := s.Setting("spec.serviceAccountName")
			p.Report(audit.Finding{Subject: s.Ref(), Origin: account.Origin, Also: []verdict.Origin{plugin.Origin},
				Message: fmt.Sprintf("the pods run as ServiceAccount %s, and the Barman Cloud plugin up to 0.15 binds Role %s-barman-cloud to %s: unless somebody bound it to %s too, no WAL is archived and no backup taken",
					account.Value, name, name, account.Value),
				Fix: "leave spec.serviceAccountName out; or bind the Role yourself:\n" + binding(s.Ref(), account.Value)})
		}
	},
}

// barman is how a Cluster asks for the plugin.
const barman = "  plugins: [{name: barman-cloud.cloudnative-pg.io, isWALArchiver: true, parameters: {barmanObjectName: store}}]\n"

// barmanCloud is the setting that switches the plugin on [barman
// internal/cnpgi/operator/specs/role.go@0.15.0].
func barmanCloud(s *snapshot.Server) (snapshot.Setting, bool) {
	for _, set := range s.Settings {
		entry, isName := strings.CutSuffix(set.Key, "].name")
		if !isName || !strings.HasPrefix(set.Key, "spec.plugins[") || set.Value != "barman-cloud.cloudnative-pg.io" {
			continue
		}
		if enabled, _ := s.Setting(entry + "].enabled"); enabled.Value != "false" {
			return set, true
		}
	}
	return snapshot.Setting{}, false
}

// binding gives the plugin's Role of a Cluster to a ServiceAccount.
func binding(cluster snapshot.Ref, account string) string {
	return fmt.Sprintf(`apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: %s-barman-cloud-%s
  namespace: %s
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: %s-barman-cloud
subjects:
  - kind: ServiceAccount
    name: %s`, cluster.Name, account, cluster.Namespace, cluster.Name, account)
}
