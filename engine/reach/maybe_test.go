package reach

import (
	"strings"
	"testing"

	"github.com/pgmoat/pgmoat/model/hba"
)

// A line that the server may not have says what would settle it, whatever else of it is
// not known.
func TestDependsOnTheLine(t *testing.T) {
	r := hba.Parse([]hba.Source{{Text: "host all all db.example.com md5", Maybe: "the operator's release"}}, 17).Records[0]
	if got := depends(r, client{}); !strings.Contains(got, "the operator's release would settle it") {
		t.Error(got)
	}
}
