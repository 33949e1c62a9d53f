package repo

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// Argo CD: "https://github.com/a/b", with .git or without, and git@github.com:a/b are one
// repository (util/git, SameURL).
func TestOneRepository(t *testing.T) {
	same := []string{
		"https://github.com/acme/platform", "https://github.com/acme/platform.git", "https://github.com/acme/platform/",
		"https://user:password@GitHub.com/Acme/Platform.git", "git@github.com:acme/platform.git", "github.com:acme/platform",
		"ssh://git@github.com/acme/platform", "ssh://git@github.com:22/acme/platform.git", "git://github.com/acme/platform",
		" https://github.com/acme/platform?x=y#z ", "git@github.com:/acme/platform",
	}
	for _, url := range same {
		if got := remoteOf(url); got != "github.com/acme/platform" {
			t.Errorf("%s: %s", url, got)
		}
	}
	for url, want := range map[string]remote{
		"https://github.com/acme/other":     "github.com/acme/other",
		"https://github.com.evil.example/x": "github.com.evil.example/x",
		"https://github.com@evil.example/x": "evil.example/x",
		"/srv/git/platform.git":             "/srv/git/platform",
		"https://github.com":                "",
		"":                                  "",
	} {
		if got := remoteOf(url); got != want {
			t.Errorf("%s: %s, not %s", url, got, want)
		}
	}
}

func TestShownURL(t *testing.T) {
	for url, want := range map[string]string{
		"https://me:hunter2@git.example/a/b.git?token=hunter2#hunter2": "https://git.example/a/b.git",
		"https://hunter2@git.example/a":                                "https://git.example/a",
		"https://me:hunt/er2@git.example/a":                            "https://git.example/a",
		"hunter2@git.example:a/b":                                      "git.example:a/b",
		"oci://registry.example/a":                                     "oci://registry.example/a",
		"":                                                             "",
	} {
		if got := shownURL(url); got != want || strings.Contains(got, "hunter2") {
			t.Errorf("%s: %s, not %s", url, got, want)
		}
	}
}

func TestRemotes(t *testing.T) {
	config := `[core]
	url = https://not.example/a/remote
[remote "origin"]
	url = https://me:hunter2@git.example/a/b.git
	pushurl = https://push.example/a/b
	URL = "https://second.example/a/b"
[branch "main"]
	remote = origin
[Remote "upstream"]
	url=git@up.example:a/b
[url "https://x.example/"]
	insteadOf = y
[remote "none"]
	url =
`
	want := []remote{"git.example/a/b", "second.example/a/b", "up.example/a/b"}
	if got := remotesOf(config); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if got := remotesOf("[core]\n\tbare = false\n"); got != nil {
		t.Errorf("%q", got)
	}
}

func TestWithin(t *testing.T) {
	for _, c := range []struct{ dir, name, want string }{
		{".", "apps", "apps"}, {".", "./apps/", "apps"}, {".", "", "."}, {".", ".", "."}, {"a/b", "../c", "a/c"}, {"a", "..", "."}, {"a", "b/../../c", "c"},
		{".", "..", ""}, {".", "../x", ""}, {"a", "../../x", ""}, {".", "/etc", ""}, {"a", "/etc", ""}, {".", "a\x00b", ""}, {".", "..a", "..a"},
	} {
		got, err := within(c.dir, c.name)
		if got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%s %q: %q %v", c.dir, c.name, got, err)
		}
	}
}

// Argo CD, Directory: "{config.json,env-usw2/*}" excludes both, and its "*" takes slashes.
func TestFolderTakes(t *testing.T) {
	for _, c := range []struct {
		folder folder
		rel    string
		want   bool
	}{
		{folder{}, "a.yaml", true}, {folder{}, "a.yml", true}, {folder{}, "a.json", true}, {folder{}, "a.jsonnet", true},
		{folder{}, "a.YAML", false}, {folder{}, "a.txt", false}, {folder{}, "sub/a.yaml", false}, {folder{recursive: true}, "sub/a.yaml", true},
		{folder{recursive: true, exclude: "{config.json,env-usw2/*}"}, "config.json", false},
		{folder{recursive: true, exclude: "{config.json,env-usw2/*}"}, "env-usw2/deep/a.yaml", false},
		{folder{recursive: true, exclude: "{config.json,env-usw2/*}"}, "sub/config.json", true},
		{folder{recursive: true, include: "*.yaml"}, "sub/a.yaml", true}, {folder{recursive: true, include: "*.yaml"}, "a.yml", false},
		{folder{include: "*.yaml", exclude: "a*"}, "a.yaml", false}, {folder{include: "?.yaml"}, "ab.yaml", false}, {folder{include: "?.yaml"}, "b.yaml", true},
		{folder{include: "[a-c].yaml"}, "b.yaml", true}, {folder{include: "[!a-c].yaml"}, "b.yaml", false}, {folder{include: "[!a-c].yaml"}, "d.yaml", true},
		{folder{include: `\*.yaml`}, "a.yaml", false}, {folder{include: "a.yaml"}, "aXyaml", false}, {folder{include: "a,b.yaml"}, "b.yaml", false},
	} {
		if got := c.folder.takes(c.rel); got != c.want {
			t.Errorf("%+v %s: %t", c.folder, c.rel, got)
		}
	}
	for _, pattern := range []string{"[a", "{a", "[]", "[z-a]"} {
		if (folder{exclude: pattern}).valid() == nil {
			t.Errorf("%s is taken for a pattern", pattern)
		}
	}
}

func TestImageOf(t *testing.T) {
	for text, want := range map[string]map[string]any{
		"pg:17":                  {"name": "pg", "newTag": "17"},
		"pg@sha256:aa":           {"name": "pg", "digest": "sha256:aa"},
		"pg=reg.example:5000/pg": {"name": "pg", "newName": "reg.example:5000/pg"},
		"reg.example:5000/pg:17": {"name": "reg.example:5000/pg", "newTag": "17"},
		"pg=*:17":                {"name": "pg", "newName": "*", "newTag": "17"},
		"pg=other:*":             {"name": "pg", "newName": "other", "newTag": "*"},
		"pg=other:1@sha256:aa":   {"name": "pg", "newName": "other", "newTag": "1", "digest": "sha256:aa"},
	} {
		got := imageOf(text)
		for _, key := range []string{"name", "newName", "newTag", "digest"} {
			if got[key] != want[key] {
				t.Errorf("%s: %v", text, got)
			}
		}
	}
}

// A "*" keeps what the kustomization says of an image; what is not said is gone (kustomize
// edit set image).
func TestSetImage(t *testing.T) {
	for text, want := range map[string]map[string]any{
		"pg=*:17":         {"name": "pg", "newName": "mirror/pg", "newTag": "17"},
		"pg=other:*":      {"name": "pg", "newName": "other", "newTag": "16"},
		"pg=other":        {"name": "pg", "newName": "other"},
		"pg=*@*":          {"name": "pg", "newName": "mirror/pg"},
		"redis=*:7":       {"name": "redis", "newTag": "7"},
		"redis=other:7@*": {"name": "redis", "newName": "other", "newTag": "7"},
	} {
		k := kustomizationFile{"images": []any{map[string]any{"name": "pg", "newName": "mirror/pg", "newTag": "16"}}}
		if err := k.setImage(imageOf(text)); err != nil {
			t.Fatal(err)
		}
		list, _ := k["images"].([]any)
		got, _ := list[len(list)-1].(map[string]any)
		if !maps.Equal(got, want) {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
	}
}
