package render

import "testing"

// TestShownAddress: of an address neither the user nor what may be a token is printed.
func TestShownAddress(t *testing.T) {
	for text, want := range map[string]string{
		"https://user:hunter2@h.example/a/b":                      "https://h.example/a/b",
		"https://hunter2@h.example/a/b//x?ref=v1":                 "https://h.example/a/b//x?ref=v1",
		"https://h.example/a?token=hunter2":                       "https://h.example/a",
		"https://h.example/a?token=hunter2&ref=v1&sshkey=hunter2": "https://h.example/a?ref=v1",
		"git::ssh://git:hunter2@h.example/a.git":                  "git::ssh://h.example/a.git",
		`x of oci://u:hunter2@r, y of "https://u:hunter2@r/y"`:    `x of oci://r, y of "https://r/y"`,
		"git@github.com:a/b":                                      "git@github.com:a/b",
		"../base@2":                                               "../base@2",
		"https://h.example/a@v1":                                  "https://h.example/a@v1",
	} {
		if got := shownAddress(text); got != want {
			t.Errorf("%s\ngot  %s\nwant %s", text, got, want)
		}
	}
}
