package compile

import (
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/model/artefact"
	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/ident"
	"github.com/pgmoat/pgmoat/model/intent"
	"github.com/pgmoat/pgmoat/model/snapshot"
)

// Ident writes the maps of pg_ident.conf: a certificate that is not issued to the role's
// own name logs in as the role only where a map says so.
var Ident = Backend{Name: identBackend, Compile: compileIdent}

// A certMap is who may log in as a role by certificate; without a name nobody but the
// role's own name.
type certMap struct {
	name, role string
	subjects   []string
}

// certificateMap finds to whom the certificates of an entry's role are issued: those in
// the Secret that the entry names, and those that the server has of the role.
func certificateMap(world *snapshot.Snapshot, s *snapshot.Server, e *intent.Entry) certMap {
	m := certMap{role: e.Role}
	add := func(subject string) {
		if subject != "" && !slices.Contains(m.subjects, subject) {
			m.subjects = append(m.subjects, subject)
		}
	}
	for _, c := range s.TLS.Certificates {
		if c.Use == e.Role {
			add(c.Subject)
		}
	}
	for _, secret := range world.Secrets {
		if e.Secret == "" || secret.Namespace != s.Ref().Namespace || secret.Name != e.Secret {
			continue
		}
		for _, c := range secret.Certificates {
			if !c.CA {
				add(c.Subject)
			}
		}
	}
	slices.Sort(m.subjects)
	if !slices.ContainsFunc(m.subjects, func(s string) bool { return s != e.Role }) {
		return certMap{}
	}
	m.name = strings.ReplaceAll(name("pgmoat", e.Role), ".", "-")
	return m
}

// lines are the map, each subject once.
func (m certMap) lines(version int) (lines []string, why string) {
	role, why := hbaToken(m.role, version, "")
	if why != "" {
		return nil, "role " + m.role + ": " + why
	}
	for _, s := range m.subjects {
		subject, why := hbaToken(s, version, "")
		if why != "" || strings.HasPrefix(s, "/") { // an expression in each version
			return nil, "a certificate issued to " + s + " cannot be written into pg_ident.conf"
		}
		lines = append(lines, ident.Mapping{Map: m.name, System: subject, Role: role}.String())
	}
	return lines, ""
}

func compileIdent(job *Job, out *Output) {
	for _, site := range job.Sites {
		if lines, because := identLines(job, site, out); len(lines) > 0 {
			writeMaps(site, out, append(keptMaps(site, out), lines...), because)
		}
	}
}

// identLines are the maps that the lines of backend hba refer to.
func identLines(job *Job, site *Site, out *Output) (lines artefact.List, because []*intent.Access) {
	done := map[string]bool{}
	for _, a := range site.Accesses {
		for i := range a.To {
			e := &a.To[i]
			m := certificateMap(job.World, site.Server, e)
			if e.Authentication != intent.Certificate || e.Pooler != "" || m.name == "" || done[m.name] {
				continue
			}
			done[m.name] = true
			texts, why := m.lines(site.Server.Version)
			if why != "" {
				out.Gaps = append(out.Gaps, artefact.Gap{Code: "ident/name", Backend: identBackend, What: why,
					Consequence: "its clients are refused", Origin: e.Origin})
				continue
			}
			for _, t := range texts {
				lines = append(lines, artefact.Item{Value: t, Comment: accessName(a) + ": certificates of role " + e.Role})
			}
			because = append(because, a)
		}
	}
	return lines, because
}

// keptMaps are lines that somebody wrote for maps that lines of the operator's ask for; a
// note tells of the others.
func keptMaps(site *Site, out *Output) artefact.List {
	way, s := hbaWays[site.Server.Operator], site.Server
	var kept artefact.List
	for _, m := range s.Maps.Mappings {
		if !inField(m.Origin.Object, m.Origin.Field, way.maps) {
			continue
		}
		used := slices.ContainsFunc(s.HBA.Records, func(r hba.Record) bool {
			return r.Map() == m.Map && !inField(r.Origin.Object, r.Origin.Field, way.lines)
		})
		if used {
			kept = append(kept, artefact.Item{Value: m.String(), Comment: "as before: a line of the operator's asks for this map"})
			continue
		}
		out.Notes = append(out.Notes, artefact.Note{Code: "ident/dropped", Origin: m.Origin, Text: "this line goes, since nothing asks for its map: " + m.String()})
	}
	return kept
}

// writeMaps makes the artefact.
func writeMaps(site *Site, out *Output, lines artefact.List, because []*intent.Access) {
	s, way := site.Server, hbaWays[site.Server.Operator]
	why := perimeterName(site.Perimeter) + ": certificates that are not issued to the role's own name"
	if way.maps == nil {
		if s.Operator != plainOperator {
			return // backend hba refuses their clients, and says so
		}
		var text strings.Builder
		text.WriteString("# " + why + "\n")
		for _, l := range lines {
			text.WriteString("# " + l.Comment + "\n" + l.Value.(string) + "\n") //nolint:forcetypeassert // texts, by identLines
		}
		ref := snapshot.Ref{Kind: "ConfigMap", Namespace: s.Ref().Namespace, Name: name(s.Ref().Name, "pg-ident")}
		out.Artefacts = append(out.Artefacts, artefact.Artefact{Backend: identBackend, APIVersion: "v1", Ref: ref, Because: site.because(),
			Object: append(object("v1", ref), artefact.Entry{Key: "data", Value: artefact.Map{{Key: "pg_ident.conf", Value: text.String()}}})})
		out.Notes = append(out.Notes, artefact.Note{Code: "ident/mount", Origin: s.Origin,
			Text: "nothing reads " + ref.String() + " yet: mount it beside pg_hba.conf, and start PostgreSQL with -c ident_file=/etc/postgresql/pg_ident.conf"})
		return
	}
	a := site.fields(identBackend, way.apiVersion)
	a.Because = a.Because[:1]
	for _, access := range because {
		a.Because = append(a.Because, access.Origin)
	}
	a.Fields = []artefact.Field{{Path: way.maps, Value: lines, Comment: why}}
	out.Artefacts = append(out.Artefacts, a)
}
