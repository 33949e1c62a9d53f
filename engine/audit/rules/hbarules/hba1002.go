package hbarules

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/engine/audit"
	"github.com/pgmoat/pgmoat/engine/audit/words"
	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// HBA1002 finds superusers that may log in over the network. Within named addresses
// and over TLS that is less bad: pg_rewind needs it with some operators.
var HBA1002 = &audit.Rule{
	ID:       "HBA1002",
	Title:    "a superuser may log in over the network",
	Severity: audit.High,
	Why: `A superuser reads and writes every table, and files and programs of the pod. Over
the network one password stands between a client and all that. Applications need
an ordinary role; people have kubectl exec and the local socket.`,
	Bad:   clusterWith("  enableSuperuserAccess: true\n", "host all postgres all scram-sha-256", "host all all all reject"),
	Good:  clusterWith("  enableSuperuserAccess: true\n", "host all postgres all reject", "hostssl all all 10.0.0.0/8 scram-sha-256", "host all all all reject"),
	Needs: []audit.Fact{audit.Servers},
	Run: func(p *audit.Pass) {
		each(p, func(f file) {
			if f.sidecar { // it takes every role alike, and nobody can write a line there
				return
			}
			for _, d := range f.superusers() {
				p.Report(d.finding(f))
			}
		})
	},
}

// hasPassword: CloudNativePG takes the superuser's password away unless told not to.
func hasPassword(s *snapshot.Server, role snapshot.Role) bool {
	return s.Operator != snapshot.CloudNativePG || role.Name != "postgres" || role.Origin.Note == ""
}

// A superDoor is a line by which superusers get in, and the others that they come to.
type superDoor struct {
	roles []string
	first *hba.Record
	also  []verdict.Origin
	how   reached
	worst audit.Severity
}

// superusers lists the doors of all superusers, each once for those who share it.
func (f file) superusers() []superDoor {
	var out []superDoor
	for _, role := range f.server.Roles {
		if !role.Superuser || role.NoLogin || !hasPassword(f.server, role) {
			continue
		}
		d := f.superuser(role.Name)
		if d.first == nil {
			continue
		}
		if i := slices.IndexFunc(out, d.same); i >= 0 {
			out[i].roles = append(out[i].roles, role.Name)
			continue
		}
		out = append(out, d)
	}
	return out
}

func (d superDoor) same(o superDoor) bool {
	return d.first == o.first && d.how == o.how && d.worst == o.worst && slices.Equal(d.also, o.also)
}

// superuser finds the surest line that one superuser comes to, and the other ones.
func (f file) superuser(name string) superDoor {
	d := superDoor{roles: []string{name}}
	for i := range f.hba.Records {
		r := &f.hba.Records[i]
		if r.Method == "reject" || r.ClientCert() == hba.VerifyFull || r.Method == "peer" {
			continue
		}
		how := f.reach(r, probe{user: name})
		if how == never {
			continue
		}
		if d.first == nil || how > d.how {
			d.first, d.how = r, max(d.how, how)
		} else if r.Origin.Object != "" || words.Written(r) {
			d.also = append(d.also, r.Origin)
		}
		d.worst = max(d.worst, risk(r))
	}
	return d
}

func (d superDoor) finding(f file) audit.Finding {
	out := f.finding(d.first, d.how == surely)
	out.Severity, out.Also = d.worst, append(out.Also, d.also...)
	if f.bare() && f.server.RoleSet == nil {
		out.Assumptions = []string{snapshot.AssumeSuperuser}
	}
	them := "it"
	if len(d.roles) > 1 {
		them = "them"
	}
	out.Message = fmt.Sprintf("%s %s may log in over the network: %s in %s lets %s as far as %s",
		d.called(), words.List(d.roles), line(d.first), f.name(), them, credential(d.first))
	out.Fix = d.without(f)
	if d.first.Line == 0 {
		out.Fix = "auth_type asks everybody alike, and no line can refuse one role: admit to the pooler only who needs it, by policy, and give applications an ordinary role"
	}
	return out
}

// needsSuperuser is who needs the superuser over the network, of those that the operator
// brings; empty for nobody.
func needsSuperuser(f file, role string) string {
	switch {
	case !f.postgres() || role != "postgres":
		return ""
	case f.server.Operator == snapshot.StackGres:
		return "pg_rewind"
	case f.server.Operator == snapshot.Zalando:
		return "the operator and pg_rewind"
	}
	return ""
}

// called is what the roles are, in the singular or the plural.
func (d superDoor) called() string {
	if len(d.roles) == 1 {
		return "the superuser"
	}
	return "the superusers"
}

// without are the lines that refuse the superusers, but for the one that the operator
// needs.
func (d superDoor) without(f file) string {
	who := ""
	var others []string
	for _, role := range d.roles {
		if needs := needsSuperuser(f, role); needs != "" {
			who = needs
		} else {
			others = append(others, role)
		}
	}
	switch {
	case who == "":
		return "refuse " + d.called() + " first, and give applications an ordinary role:" + f.listed(refusing(others))
	case d.worst == audit.Medium && len(others) == 0:
		return "keep the line for " + who + ", as narrow as their addresses allow, and give applications an ordinary role"
	case d.worst == audit.Medium:
		return "keep the line for " + who + ", as narrow as their addresses allow, and refuse the others first:" + f.listed(refusing(others))
	}
	return "postgres is for " + who + ": admit it from the pod network over TLS, and refuse the rest:" +
		f.listed("hostssl all postgres POD-NETWORK scram-sha-256", refusing(d.roles))
}

// refusing is the line that refuses roles over the network.
func refusing(roles []string) string {
	var tokens []string
	for _, role := range roles {
		tokens = append(tokens, hba.Token{Text: role}.String())
	}
	return "host all " + strings.Join(tokens, ",") + " all reject"
}

// risk of a record that a superuser comes to.
func risk(r *hba.Record) audit.Severity {
	narrow := r.Address.Kind == hba.Pods
	if ones, ok := prefix(r.Address); r.Address.Kind == hba.Net && ok {
		narrow = ones.Bits() > 0
	}
	if narrow && r.Type == hba.HostSSL && r.Method != "trust" {
		return audit.Medium
	}
	return audit.High
}

func credential(r *hba.Record) string {
	if r.Method == "trust" {
		return "the database, without any credential"
	}
	return "the question for a password"
}
