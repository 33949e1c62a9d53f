package are

import "testing"

func BenchmarkMatch(b *testing.B) {
	for _, c := range []struct{ name, expr, text string }{
		{"prefix", "^app_", "app_reader"},
		{"suffix", "_ro$", "accounting_ro"},
		{"group", "^(.*)@example\\.com$", "bob.builder@example.com"},
		{"ahead", "^(?!postgres$)", "postgresql"},
		{"reference", `^([a-z]+)_\1$`, "app_app"},
		{"noautomaton", `(a|b)*a(a|b){14}`, "abbababbabababba"},
	} {
		r, err := Compile(c.expr)
		if err != nil {
			b.Fatal(err)
		}
		r.Match(c.text)
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r.Match(c.text)
			}
		})
	}
}

func BenchmarkGroup(b *testing.B) {
	r, err := Compile(`^(.*)@example\.com$`)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		r.Group("bob.builder@example.com")
	}
}

func BenchmarkCompile(b *testing.B) {
	for b.Loop() {
		r, err := Compile(`^(app|web)_[a-z0-9]+(_ro|_rw)?$`)
		if err != nil {
			b.Fatal(err)
		}
		r.Language()
	}
}
