package hbagen

import (
	"fmt"
	"path"
	"strings"
)

// treeFiles are files that include others, all of which exist or hardly. A file
// includes only later ones, except where the server survives a circle.
func treeFiles(r *dice) files {
	f := validFiles(r)
	extra := []string{"list", "users.txt", "sub/list", "sub/deep/more.conf", "conf.d/10.conf", "conf.d/a.conf", "conf.d/B.conf", "conf.d/_c.conf", "conf.d/.hidden.conf", "conf.d/x.conf.bak", "empty", "conf.d/.conf"}
	for i, name := range extra {
		if r.once(3) {
			continue
		}
		f.texts[name] = treeText(r, i, extra)
	}
	if r.once(2) {
		f.texts["emptydir/"] = ""
	}
	f.texts["empty"] = pick(r, []string{"", "# nothing\n", "\n\n", " \t\n"})
	lines := strings.SplitAfter(f.texts["pg_hba.conf"], "\n")
	at := r.IntN(len(lines))
	for range 1 + r.IntN(3) {
		lines[at] = include(r, -1, extra) + lines[at]
	}
	f.texts["pg_hba.conf"] = strings.Join(lines, "")
	if r.once(3) {
		f.texts["pg_ident.conf"] += fmt.Sprintf("%s\nm @list %s\n", pick(r, []string{"include list", "include_dir conf.d", "m @users.txt app", ""}), pick(r, pgWords))
	}
	return f
}

// treeText is the text of the i-th file: names, records, or more includes.
func treeText(r *dice, i int, all []string) string {
	switch r.IntN(5) {
	case 0:
		return pick(r, []string{"app\n", "alice, bob\n\"a b\"", "dev\n# x\nledger", "all\n", `"all"`, "+dev,ops", "app alice\n", "/^a\n"})
	case 1:
		return include(r, i, all)
	case 2:
		return newRecord(r).text(r) + include(r, i, all)
	case 3:
		return "app @" + relative(all[i], later(r, i, all)) + "\n"
	default:
		return newRecord(r).text(r)
	}
}

// include is a line that includes something into the file number from, which is -1 for
// pg_hba.conf itself.
func include(r *dice, from int, all []string) string {
	at := ""
	if from >= 0 {
		at = all[from]
	}
	target := relative(at, later(r, from, all))
	if r.once(8) {
		target = pick(r, []string{"missing", "${DIR}/list", "conf.d", "emptydir", "\"list\"", "list,empty", "./list", "\"\""})
	}
	if r.version < 16 && from >= 0 {
		return ""
	}
	if r.version < 16 || r.once(2) {
		rec := newRecord(r)
		switch r.IntN(4) {
		case 0:
			rec.databases = append(rec.databases, "@"+target)
		case 1:
			rec.user = []string{"@" + target}
		case 2:
			rec.method, rec.options = "@"+target, nil
		default:
			rec.user = append(rec.user, "@"+target)
		}
		return rec.text(r)
	}
	return pick(r, []string{"include ", "include_if_exists ", "include ", `"include" `}) + target + "\n" +
		pick(r, []string{"", "", "include_dir " + pick(r, []string{"conf.d", "emptydir", "sub", "missing", "sub/../conf.d"}) + "\n"})
}

// later is a file after number i, or any where circles do no harm.
func later(r *dice, i int, all []string) string {
	if r.version >= 16 && r.once(4) {
		return pick(r, all)
	}
	if i+1 >= len(all) {
		return "missing"
	}
	return pick(r, all[i+1:])
}

// relative is the path of one file as another names it.
func relative(from, to string) string {
	up := strings.Repeat("../", strings.Count(from, "/"))
	if path.Dir(from) == path.Dir(to) {
		return path.Base(to)
	}
	return up + to
}

// deadly reports whether no server can be asked about the files. Before 16, a file that
// includes itself by way of @ ends the server, when it loads or when somebody reads the
// view. From 16 on the depth is limited, but include_if_exists forgives that or not by
// what error the server met last, whatever file that was about.
func deadly(version int, texts map[string]string) bool {
	if version < 16 {
		return circle(texts, func(text string) bool { return strings.Contains(text, "@") })
	}
	forgiving := false
	for _, text := range texts {
		forgiving = forgiving || strings.Contains(text, "include_if_exists")
	}
	return forgiving && circle(texts, func(text string) bool {
		return strings.Contains(text, "@") || strings.Contains(text, "include")
	})
}

// circle reports whether a file may include itself. It sees an inclusion wherever a file
// that includes anything has the name of another, or of its directory, anywhere.
func circle(texts map[string]string, includes func(string) bool) bool {
	names := sortedNames(texts)
	graph := map[string][]string{}
	for _, name := range names {
		text := strings.NewReplacer("\\\n", "", "\\\r\n", "", `"`, "").Replace(texts[name])
		for _, other := range names {
			if includes(text) && (strings.Contains(text, path.Base(other)) || strings.Contains(text, path.Base(path.Dir(other))) && path.Dir(other) != ".") {
				graph[name] = append(graph[name], other)
			}
		}
	}
	for _, name := range names {
		if circular(name, graph, map[string]bool{}) {
			return true
		}
	}
	return false
}

// circular reports whether name leads back to something on the way to it.
func circular(name string, includes map[string][]string, above map[string]bool) bool {
	if above[name] {
		return true
	}
	above[name] = true
	defer delete(above, name)
	for _, next := range includes[name] {
		if circular(next, includes, above) {
			return true
		}
	}
	return false
}
