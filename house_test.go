package muster_test

import (
	"bytes"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The rules of the house (ARCHITECTURE.md), held by reading the source. A package that stands in none of the lists below is refused: whoever makes
// one says here on which floor it is.
var (
	leaves = []string{"internal/secret", "internal/outbound", "internal/lang"}
	floor1 = []string{"internal/store", "internal/queue", "internal/sheet", "internal/mail", "internal/auth", "internal/config", "internal/connector"}
	// floor2 is in order: each imports only those to its left.
	floor2 = []string{
		"internal/access", "internal/batch", "internal/roster", "internal/provision", "internal/intake", "internal/invite", "internal/events", "internal/upkeep",
	}
	top = []string{"internal/app", "internal/cli", "cmd/muster", "e2e"}
	// files hold things to embed, and no code that knows the rest.
	files = []string{"examples", "web"}
)

const (
	module     = "github.com/musterid/muster"
	connectors = "internal/connector"
	kindList   = "internal/connector/all"
	surfaces   = "internal/api"
	client     = "internal/cli/client"
)

const maxLines = 600

// forbiddenNames are names of packages that say nothing of what is in them.
var forbiddenNames = []string{"util", "utils", "common", "helper", "helpers", "manager", "base"}

// forTests says whether a package exists for tests: its name ends in test, and only tests import it.
func forTests(pkg string) bool { return pkg != "" && strings.HasSuffix(path.Base(pkg), "test") }

func isKind(pkg string) bool {
	return kindOf(pkg) != "" && !forTests(pkg) && pkg != kindList
}

func isSurface(pkg string) bool { return pkg == surfaces || strings.HasPrefix(pkg, surfaces+"/") }

// broken says in a sentence which rule a package breaks by importing another one of the module, and "" when it breaks none. Packages are named by
// their folder; "" is the root package.
func broken(from, to string) string {
	if forTests(to) && !forTests(from) {
		return "it is there for tests, and only tests and other packages for tests import it"
	}
	if forTests(from) || to == "" {
		return ""
	}
	if isKind(to) && from != kindList && kindOf(from) != kindOf(to) {
		return "a kind of target is known to internal/connector/all alone; everybody else asks that for the list"
	}
	below := slices.Concat(leaves, floor1, files)
	switch {
	case from == "":
		return "floor 0 holds nouns and pure rules, and imports no package of the house"
	case slices.Contains(leaves, from):
		return "a leaf imports floor 0 alone"
	case slices.Contains(files, from):
		return "a folder of embedded files imports nothing of the house"
	case from == kindList:
		return unless(to == connectors || isKind(to), "the list of kinds imports the kinds and nothing else")
	case isKind(from):
		return unless(to == connectors || slices.Contains(leaves, to) || kindOf(to) == kindOf(from),
			"a kind of target imports internal/connector, the leaves and its own inner packages: pace, retries and whose account it is are decided in internal/provision")
	case slices.Contains(floor1, from):
		return unless(slices.Contains(leaves, to), "packages of floor 1 import the leaves and floor 0, not each other; what brings two of them together belongs on floor 2")
	case slices.Contains(floor2, from):
		left := floor2[:slices.Index(floor2, from)]
		return unless(slices.Contains(below, to) || slices.Contains(left, to),
			"floor 2 stands in the order "+names(floor2)+", and each imports only those to its left and below")
	case isSurface(from):
		return unless(to == surfaces || slices.Contains(floor2, to) || slices.Contains(leaves, to) || slices.Contains(files, to) || from != surfaces && strings.HasPrefix(to, from+"/"),
			"a surface knows floor 2 and floor 0: what it needs of store, queue, sheet or connector, floor 2 offers under its own name, and what two surfaces need lives on floor 2")
	case from == client:
		return unless(slices.Contains(leaves, to), "the client of the native API knows nothing that another program could not")
	case inTop(from):
		return ""
	}
	return "this package has no floor yet: say in house_test.go where it stands"
}

func inTop(pkg string) bool {
	return slices.ContainsFunc(top, func(t string) bool { return pkg == t || strings.HasPrefix(pkg, t+"/") })
}

// kindOf is the folder of the kind that a package belongs to, and "" for a package of no kind.
func kindOf(pkg string) string {
	rest, below := strings.CutPrefix(pkg, connectors+"/")
	if !below {
		return ""
	}
	kind, _, _ := strings.Cut(rest, "/")
	return connectors + "/" + kind
}

func unless(ok bool, rule string) string {
	if ok {
		return ""
	}
	return rule
}

func names(pkgs []string) string {
	short := make([]string, len(pkgs))
	for i, p := range pkgs {
		short[i] = path.Base(p)
	}
	return strings.Join(short, " · ")
}

func TestImportsGoDownOnly(t *testing.T) {
	t.Parallel()
	seen := 0
	walk(t, func(file string, _ []byte) {
		if !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			t.Errorf("%s: %v", file, err)
			return
		}
		from := folder(file)
		for _, spec := range parsed.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			to, ours := strings.CutPrefix(imported, module)
			if !ours {
				continue
			}
			seen++
			if rule := broken(from, strings.TrimPrefix(to, "/")); rule != "" {
				t.Errorf("%s imports %s, but %s.", file, imported, rule)
			}
		}
	})
	if seen < 100 {
		t.Errorf("only %d imports were looked at: the test reads the wrong folder", seen)
	}
}

func TestRulesOfImports(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		from, to string
		ok       bool
	}{
		{"", "internal/secret", false},
		{"internal/lang", "", true},
		{"internal/lang", "internal/secret", false},
		{"internal/store", "internal/queue", false},
		{"internal/store", "internal/secret", true},
		{"internal/store", "internal/store/storetest", false},
		{"internal/store/storetest", "internal/queue", true},
		{"internal/connector/ldap", "internal/outbound", true},
		{"internal/connector/ldap", "internal/store", false},
		{"internal/connector/ldap", "internal/connector/rehearsal", false},
		{"internal/connector/ldap", "internal/connector/ldap/internal/ber", true},
		{"internal/connector/all", "internal/connector/ldap", true},
		{"internal/provision", "internal/connector/ldap", false},
		{"internal/provision", "internal/connector", true},
		{"internal/roster", "internal/batch", true},
		{"internal/roster", "internal/provision", false},
		{"internal/batch", "internal/roster", false},
		{"internal/api/native", "internal/intake", true},
		{"internal/api/native", "internal/api", true},
		{"internal/api/native", "internal/store", false},
		{"internal/api/native", "internal/sheet", false},
		{"internal/api/native", "internal/api/edconnekt", false},
		{"internal/api", "internal/api/native", false},
		{"internal/app", "internal/store", true},
		{"internal/cli/client", "internal/access", false},
		{"internal/novelty", "internal/store", false},
	} {
		if rule := broken(c.from, c.to); (rule == "") != c.ok {
			t.Errorf("%s imports %s: %q", c.from, c.to, rule)
		}
	}
}

func TestPackagesAndFilesHaveTheirMeasure(t *testing.T) {
	t.Parallel()
	walk(t, func(file string, content []byte) {
		if !strings.HasSuffix(file, ".go") {
			return
		}
		if n := bytes.Count(content, []byte("\n")); n > maxLines {
			t.Errorf("%s has %d lines. A file has one idea: split it before it has more than %d.", file, n, maxLines)
		}
		if name := path.Base(folder(file)); slices.Contains(forbiddenNames, name) {
			t.Errorf("%s is in a package called %s, which says nothing of what is in it.", file, name)
		}
	})
}

// workplaces are paths of somebody's own machine. They mean nothing to anybody else.
var workplaces = regexp.MustCompile(`/root/[a-z.]|/home/[a-z]+/|/Users/[A-Za-z]+/`)

func TestTheProductSpeaksOfItselfOnly(t *testing.T) {
	t.Parallel()
	walk(t, func(file string, content []byte) {
		if file == "house_test.go" {
			return
		}
		for i, line := range bytes.Split(content, []byte("\n")) {
			if found := workplaces.Find(line); found != nil {
				t.Errorf("%s:%d says %q. The product speaks of itself only: write what is true everywhere.", file, i+1, found)
			}
		}
	})
}

// folder is the folder of a file, "" for the root.
func folder(file string) string {
	if dir := path.Dir(file); dir != "." {
		return dir
	}
	return ""
}

// walk gives every text file of the repository, but for what is built or fetched.
func walk(t *testing.T, see func(file string, content []byte)) {
	t.Helper()
	built := []string{".git", "bin", "node_modules", "dist"}
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && slices.Contains(built, entry.Name()) {
			return fs.SkipDir
		}
		if !entry.Type().IsRegular() {
			return nil
		}
		content, err := os.ReadFile(name)
		if err == nil && !bytes.Contains(content, []byte{0}) {
			see(filepath.ToSlash(name), content)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
