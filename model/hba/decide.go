package hba

import "github.com/pgmoat/pgmoat/model/verdict"

// The reasons of a Result.
const (
	Matched     verdict.Reason = "hba/matched"
	Rejected    verdict.Reason = "hba/rejected"
	NoRecord    verdict.Reason = "hba/no-record"
	Undecidable verdict.Reason = "hba/undecidable-match"
	NotLoaded   verdict.Reason = "hba/not-loaded"
)

// A Result is what a file makes of a session: Allow lets it go on to authenticate.
type Result struct {
	Verdict verdict.Verdict
	Reason  verdict.Reason
	// Record is the one that decides. Where the Verdict is Unknown it is the first
	// that may match; where several may decide but all to the same end it is the
	// first of them. Nil when no record matches, or none is known.
	Record *Record
	// Candidates are all records that may be the one that decides, in file order.
	// One where the decision is certain; more mean that the method is not.
	Candidates []*Record
	// Implicit says that the session may get past all records, to the implicit
	// reject; with no Candidates it surely does.
	Implicit bool
	// Error is the first line for which the server would not load the file.
	Error *Error
}

// Certain reports whether it is known which record decides, or that none does.
func (r Result) Certain() bool {
	switch {
	case r.Error != nil:
		return false
	case r.Implicit:
		return len(r.Candidates) == 0
	}
	return len(r.Candidates) == 1
}

// Decide finds the record that decides a session.
//
// "The first record with a matching connection type, client address, requested
// database, and user name is used to perform authentication. There is no
// 'fall-through' or 'backup'": after a certain match nothing is asked. Past one
// that may match both ways are followed, and where they end alike it is known
// after all. A file with errors is not the one in force.
func Decide(f File, s Session) Result {
	if len(f.Errors) > 0 {
		return Result{Reason: NotLoaded, Error: &f.Errors[0]}
	}
	out := Result{Implicit: true}
	for i := range f.Records {
		m := f.Records[i].Match(&s)
		if m == No {
			continue
		}
		out.Candidates = append(out.Candidates, &f.Records[i])
		if m == Yes {
			out.Implicit = false
			break
		}
	}
	out.settle()
	return out
}

// settle draws the verdict from all ends that are possible.
func (r *Result) settle() {
	admits, refuses := false, r.Implicit
	for _, c := range r.Candidates {
		admits = admits || c.Method != "reject"
		refuses = refuses || c.Method == "reject"
	}
	if len(r.Candidates) > 0 {
		r.Record = r.Candidates[0]
	}
	switch {
	case admits && refuses:
		r.Verdict, r.Reason = verdict.Unknown, Undecidable
	case admits:
		r.Verdict, r.Reason = verdict.Allow, Matched
	case len(r.Candidates) > 0:
		r.Verdict, r.Reason = verdict.Deny, Rejected
	default:
		r.Verdict, r.Reason = verdict.Deny, NoRecord
	}
}
