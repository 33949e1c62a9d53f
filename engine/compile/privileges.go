package compile

import (
	"fmt"
	"strings"

	"github.com/pgmoat/pgmoat/model/artefact"
	"github.com/pgmoat/pgmoat/model/intent"
)

// Privileges tells of what accesses ask for inside databases. No layer of an estate's
// objects grants it, and none takes away what a role has beside it.
var Privileges = Backend{Name: privilegesBackend, Compile: compilePrivileges}

const privilegesBackend = "privileges"

func compilePrivileges(job *Job, out *Output) {
	for _, s := range job.Sites {
		for _, a := range s.Accesses {
			for i := range a.To {
				if e := &a.To[i]; len(e.Privileges) > 0 {
					out.Gaps = append(out.Gaps, privilegesGap(s, e))
				}
			}
		}
	}
}

func privilegesGap(s *Site, e *intent.Entry) artefact.Gap {
	return artefact.Gap{Code: "privileges/by-hand", Backend: privilegesBackend, Origin: e.Privileges[0].Origin,
		What:        fmt.Sprintf("the privileges of role %s in %s of %s are SQL's to say", e.Role, quotedList(e.Databases), s.Server.Ref()),
		Consequence: "it has those that somebody granted, more or fewer: " + strings.Join(grants(e), "; ")}
}

// grants are what a person has to grant, in words.
func grants(e *intent.Entry) []string {
	var out []string
	for _, p := range e.Privileges {
		on := "the database"
		switch {
		case len(p.Tables) > 0:
			on = p.Schema + "." + strings.Join(p.Tables, ", "+p.Schema+".")
		case p.Schema != "":
			on = "schema " + p.Schema
		}
		if len(p.Columns) > 0 {
			on += " (" + strings.Join(p.Columns, ", ") + ")"
		}
		out = append(out, "grant "+strings.Join(p.Verbs, ", ")+" on "+on)
	}
	return out
}
