package draft

import (
	"slices"
	"strings"

	"github.com/pgmoat/pgmoat/engine/change"
	"github.com/pgmoat/pgmoat/engine/reach"
	"github.com/pgmoat/pgmoat/model/snapshot"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// A Judgement is what an estate that has the draft, compiled and applied, answers otherwise
// than before.
type Judgement struct {
	// Gains are sessions and control ports that only the draft lets in; there must be none.
	Gains        []change.Row
	GainControls []change.Control
	// Mended are flows that the server needs and that pass now, with the sessions that they
	// are, and the ports at which its operator reaches it.
	Mended         []change.Flow
	MendedRows     []change.Row
	MendedControls []change.Control
	// Doubts are rows of which it is not known whether they differ.
	Doubts []change.Row
}

// Opens reports whether the draft lets somebody in who is not today.
func (j *Judgement) Opens() bool { return len(j.Gains)+len(j.GainControls) > 0 }

// Judge sorts what differs, and settles what becomes of each loss: those that no answer
// shows are kept by lines or policies that stay. Whatever is cut without a loss becomes one.
// Of several differences a loss is real that is so in one.
func (r *Result) Judge(differences ...*change.Difference) *Judgement {
	r.forget()
	j := &Judgement{}
	for _, d := range differences {
		r.judge(j, d)
	}
	for _, s := range r.Sites {
		for _, l := range s.Lost {
			if l.State == Unchecked {
				l.State = Kept
			}
		}
	}
	return j
}

// forget takes back what was judged before.
func (r *Result) forget() {
	for _, s := range r.Sites {
		s.Lost = slices.DeleteFunc(s.Lost, func(l *Loss) bool { return l.Code == lossNotCarried.code || l.Code == lossFlow.code })
		for _, l := range s.Lost {
			if l.State == Real || l.State == Kept || l.Code == lossRehash.code {
				l.State = Unchecked
			}
			clear(l.real)
		}
	}
}

func (r *Result) judge(j *Judgement, d *change.Difference) {
	for i := range d.Rows {
		if s := r.site(d.Rows[i].Server); s != nil {
			s.judgeRow(j, &d.Rows[i])
		}
	}
	for _, c := range d.Controls {
		if s := r.site(c.Server); s != nil {
			s.judgeControl(j, c)
		}
	}
	for _, f := range d.Flows {
		if s := r.site(f.Server); s != nil {
			s.judgeFlow(j, f)
		}
	}
}

func (r *Result) site(ref snapshot.Ref) *Site {
	for _, s := range r.Sites {
		if s.Server.Ref() == ref {
			return s
		}
	}
	return nil
}

func (s *Site) judgeRow(j *Judgement, r *change.Row) {
	opens, mayOpen := r.Opens()
	cuts, mayCut := r.Cuts()
	if opens {
		if s.needs(r) {
			j.MendedRows = append(j.MendedRows, *r)
		} else {
			j.Gains = append(j.Gains, *r)
		}
	}
	for _, from := range r.From {
		for _, database := range r.Databases {
			for _, role := range r.Roles {
				c := cell{baseOf(from), database, role}
				if cuts {
					s.lost(c, from)
				}
				if asksForSCRAM(r) {
					s.rehash(c, from)
				}
			}
		}
	}
	if !opens && !cuts && (mayOpen || mayCut) {
		j.Doubts = append(j.Doubts, *r)
	}
}

// asksForSCRAM reports whether clients of a row get in by SCRAM where a hash of md5 was
// enough.
func asksForSCRAM(r *change.Row) bool {
	weak := slices.ContainsFunc(r.Lost, func(l reach.Login) bool { return l.Method == "md5" || l.Method == "password" })
	return weak && slices.ContainsFunc(r.Gained, func(l reach.Login) bool { return l.Method == "scram-sha-256" })
}

// rehash marks that the password of a role has to be set again.
func (s *Site) rehash(c cell, from snapshot.Ref) {
	for _, l := range s.Lost {
		if l.Code == lossRehash.code && l.cells[c] != nil {
			l.State = ByHand
			addTo(l.real, c, from)
		}
	}
}

// needs reports whether all clients of a row are pods by which the server lives.
func (s *Site) needs(r *change.Row) bool {
	return !slices.ContainsFunc(r.From, func(ref snapshot.Ref) bool { return !s.isVitalPeer(ref, r.Roles) })
}

// isVitalPeer reports whether a client begins a flow that the server needs, as one of the
// roles; no roles are any.
func (s *Site) isVitalPeer(ref snapshot.Ref, roles []string) bool {
	base := baseOf(ref)
	return slices.ContainsFunc(s.Server.Vital, func(f snapshot.VitalFlow) bool {
		as := len(roles) == 0 || f.Role != "" && !slices.ContainsFunc(roles, func(r string) bool { return r != f.Role && r != f.Cert }) ||
			f.ID == "pooler" || f.Role == "" && s.isOwnRef(base)
		return as && slices.ContainsFunc(f.From.Pods, func(p *snapshot.Pod) bool { return p.Workload.Ref == base })
	})
}

func (s *Site) isOwnRef(ref snapshot.Ref) bool {
	return ref == s.Server.Ref() || slices.ContainsFunc(s.Server.Poolers, func(q *snapshot.Pooler) bool { return q.Ref() == ref })
}

// lost marks each loss of a cell as real; a cell without one gets one.
func (s *Site) lost(c cell, from snapshot.Ref) {
	found := false
	for _, l := range s.Lost {
		every := cell{baseOf(everyPod), c.database, c.role}
		known := l.State == Unchecked && l.Code != lossRehash.code || l.State == Real
		if known && (l.cells[c] != nil || l.cells[every] != nil) {
			found, l.State = true, Real
			addTo(l.real, c, from)
		}
	}
	if found {
		return
	}
	i := slices.IndexFunc(s.Lost, func(l *Loss) bool { return l.Code == lossNotCarried.code })
	if i < 0 {
		s.add(lossNotCarried, "", verdict.Origin{}).State = Real
		i = len(s.Lost) - 1
	}
	s.Lost[i].take(c, from)
}

func (s *Site) judgeControl(j *Judgement, c change.Control) {
	switch c.Kind {
	case change.Opened:
		if !slices.ContainsFunc(c.From, func(ref snapshot.Ref) bool { return !s.isVitalPeer(ref, nil) }) {
			j.MendedControls = append(j.MendedControls, c)
		} else {
			j.GainControls = append(j.GainControls, c)
		}
	case change.Cut:
		for _, from := range c.From {
			s.lost(cell{baseOf(from), "", c.Port.Name}, from)
		}
	}
}

func (s *Site) judgeFlow(j *Judgement, f change.Flow) {
	switch f.Kind {
	case change.Opened:
		j.Mended = append(j.Mended, f)
	case change.Cut, change.MayCut:
		what := strings.Replace(lossFlow.what, "%", f.Flow.What, 1)
		if !slices.ContainsFunc(s.Lost, func(l *Loss) bool { return l.What == what }) {
			s.add(lossFlow, f.Flow.What, f.Flow.Origin).State = Real
		}
	}
}
