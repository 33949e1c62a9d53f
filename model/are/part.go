package are

// A shape says how a part hands the text it matched on to its kids.
type shape uint8

const (
	shapeWhole     shape = iota // has no kids that matter
	shapeCat                    // two kids, the text is split between them
	shapeAlt                    // the first of kids that matches all of it
	shapeRepeat                 // one kid, min to max times
	shapeGroup                  // one kid, which is a group itself, as in ((x))
	shapeReference              // a back reference, min to max times
)

// A part is a node of the tree along which the server finds out, once it knows
// where a match begins and ends, what each group holds. Its form decides between
// several ways to divide the text, so it is the server's: a stretch of a branch
// without groups, references and changes of preference is one part, and from the
// first of these on, a branch is divided in two.
type part struct {
	shape    shape
	traits   traits
	group    int // the capturing group that this part is, or 0
	ref      int // the group referred to
	min, max int
	kids     []*part
	expr     *node
}

// traits are what the parts above need to know of a part.
type traits uint8

const (
	longer   traits = 1 << iota // it prefers the longest match
	shorter                     // it prefers the shortest
	mixed                       // parts below disagree
	captures                    // there is a group in it
	refers                      // there is a back reference in it

	preference = longer | shorter
)

// up returns what of t concerns the part above: not the preference, but whether
// there are two.
func (t traits) up() traits {
	out := t &^ preference
	if t&preference == preference {
		out |= mixed
	}
	return out
}

// messy reports whether a part cannot be one with its neighbours.
func (t traits) messy() bool { return t&(mixed|captures|refers) != 0 }

// combine returns the traits of two parts together: the first that has a
// preference decides for both.
func combine(a, b traits) traits {
	prefer := a & preference
	if prefer == 0 {
		prefer = b & preference
	}
	return (a | b).up() | prefer
}
