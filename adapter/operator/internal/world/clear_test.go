package world_test

import (
	"testing"

	"github.com/pgmoat/pgmoat/adapter/operator/internal/world"
)

func TestHasPassword(t *testing.T) {
	for sql, want := range map[string]bool{
		"CREATE ROLE app LOGIN PASSWORD 'x'":                          true,
		"alter user app with encrypted password 'md5abc'":             true,
		"CREATE ROLE app PASSWORD 'SCRAM-SHA-256$4096:a$b:c'":         false,
		"CREATE ROLE app; -- password":                                false,
		"CREATE ROLE a PASSWORD NULL; CREATE ROLE b PASSWORD 'x'":     true,
		"SELECT format('ALTER ROLE app PASSWORD %L', pg_read_file(x)": false,
	} {
		if got := world.HasPassword(sql); got != want {
			t.Errorf("%s: %t", sql, got)
		}
	}
}

func TestIsSecret(t *testing.T) {
	for _, c := range []struct {
		name, value string
		want        bool
	}{
		{"POSTGRES_PASSWORD", "hunter2", true}, {"POSTGRES_PASSWORD", "", false}, {"POSTGRES_PASSWORD_FILE", "/run/secrets/p", false},
		{"POSTGRES_PASSWORD", "$(FROM_ELSEWHERE)", false}, {"AWS_SECRET_ACCESS_KEY", "abc", true}, {"PGUSER", "app", false},
		{"PASSWORD_ENCRYPTION", "md5", false}, {"GOOGLE_APPLICATION_CREDENTIALS", "/etc/key.json", false},
	} {
		if got := world.IsSecret(c.name, c.value); got != c.want {
			t.Errorf("%s=%s: %t", c.name, c.value, got)
		}
	}
}
