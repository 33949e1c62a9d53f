package cli

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
)

// A pg_hba.conf of ten thousand names has a closed list that nobody could read and no
// memory holds: that is said, and single questions are still answered.
func TestAClosedListTooLongIsRefused(t *testing.T) {
	var in strings.Builder
	in.WriteString("apiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata: {name: led, namespace: d}\nspec:\n  instances: 2\n  postgresql:\n    pg_hba:\n")
	for i := range 10_000 {
		fmt.Fprintf(&in, "    - hostssl db%d role%d 10.%d.%d.0/24 scram-sha-256\n", i, i, i/250, i%250)
	}
	in.WriteString("---\n{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: s}}\n")
	for _, c := range []struct {
		code int
		says string
		args []string
	}{
		{exitFailed, "too many for the 10002 databases", []string{"who-can", "led"}},
		{exitFailed, "ask can or explain", []string{"matrix"}},
		{exitYes, "yes: Pod s/a", []string{"can", "a", "led", "--as", "x"}},
	} {
		var out bytes.Buffer
		args := append(append([]string{"pgmoat"}, c.args...), "-f", "-")
		if code := Main(context.Background(), args, strings.NewReader(in.String()), &out, &out); code != c.code || !strings.Contains(out.String(), c.says) {
			t.Errorf("%v: status %d, %.300s", c.args, code, out.String())
		}
	}
}
