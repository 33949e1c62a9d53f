package world

import (
	"github.com/pgmoat/pgmoat/model/hba"
	"github.com/pgmoat/pgmoat/model/verdict"
)

// Elsewhere is the doubt about a whole file that leaves nothing of it to rely on: beside the
// lines that may be there any others may. what says what is read in its place, "PostgreSQL
// reads /x in its place (hba_file)".
func Elsewhere(what string, at verdict.Origin) hba.Error {
	return hba.Error{Line: 1, Message: what, Missing: true, Origin: at}
}

// OtherFile is that doubt where a parameter, hba_file or ident_file, names the file.
func OtherFile(parameter, path string, at verdict.Origin) hba.Error {
	return Elsewhere("PostgreSQL reads "+path+" in its place ("+parameter+")", at)
}
