package are

// An Error says why an expression is refused.
type Error struct {
	Expr    string
	Message string // the server's words after `invalid regular expression "…": `
	// Limit says that the expression met a limit of ours before it met one of the
	// server's: it is well formed as far as it was read, and a server may take it.
	Limit bool
}

func (e *Error) Error() string { return e.Message }

// What the server says, one a kind of fault.
const (
	badPattern   = "invalid regexp (reg version 0.8)"
	badElement   = "invalid collating element"
	badClass     = "invalid character class"
	badEscape    = `invalid escape \ sequence`
	badReference = "invalid backreference number"
	openBracket  = "brackets [] not balanced"
	openParen    = "parentheses () not balanced"
	openBrace    = "braces {} not balanced"
	badCount     = "invalid repetition count(s)"
	badRange     = "invalid character range"
	badOperand   = "quantifier operand invalid"
	badOption    = "invalid embedded option"
	tooComplex   = "regular expression is too complex"
)
