package muster_test

import (
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/config"
)

func TestEveryPackageSaysWhatItIs(t *testing.T) {
	t.Parallel()
	says := map[string]bool{}
	walk(t, func(file string, _ []byte) {
		if !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.PackageClauseOnly|parser.ParseComments)
		if err != nil {
			t.Errorf("%s: %v", file, err)
			return
		}
		begin := "Package " + parsed.Name.Name + " "
		if parsed.Name.Name == "main" {
			begin = "Command " + path.Base(folder(file)) + " "
		}
		says[folder(file)] = says[folder(file)] || strings.HasPrefix(parsed.Doc.Text(), begin)
	})
	for pkg, said := range says {
		if !said {
			t.Errorf("No file of %q begins with a comment that says what the package is, what it is not and where to look next.", pkg)
		}
	}
}

var linkInText = regexp.MustCompile(`\]\(([^)#\s]+)[^)]*\)`)

func TestLinksInDocumentsLeadSomewhere(t *testing.T) {
	t.Parallel()
	seen := 0
	walk(t, func(file string, content []byte) {
		if !strings.HasSuffix(file, ".md") {
			return
		}
		for _, link := range linkInText.FindAllSubmatch(content, -1) {
			to := string(link[1])
			if strings.Contains(to, "://") {
				continue
			}
			seen++
			if _, err := os.Stat(filepath.FromSlash(path.Join(path.Dir(file), to))); err != nil {
				t.Errorf("%s links to %s, which is not there.", file, to)
			}
		}
	})
	if seen == 0 {
		t.Error("no document has a link: the test reads the wrong folder")
	}
}

// Files that comments name by their whole path, and documents in backquotes, there also from internal on.
var (
	fileInText = regexp.MustCompile("(?:^|[\\s(`])((?:internal|docs|cmd|examples|e2e|web)/[A-Za-z0-9_./-]+\\.(?:go|md|sql|csv))\\b")
	fileInCode = regexp.MustCompile("`([A-Za-z0-9_-]+/[A-Za-z0-9_./-]+\\.(?:go|md|sql|csv))`")
)

func TestFilesThatAreNamedAreThere(t *testing.T) {
	t.Parallel()
	walk(t, func(file string, content []byte) {
		if !strings.HasSuffix(file, ".md") && !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return
		}
		named := fileInText.FindAllSubmatch(content, -1)
		if strings.HasSuffix(file, ".md") {
			named = append(named, fileInCode.FindAllSubmatch(content, -1)...)
		}
		for _, n := range named {
			name := filepath.FromSlash(string(n[1]))
			_, err := os.Stat(name)
			if _, short := os.Stat(filepath.Join("internal", name)); err != nil && short != nil {
				t.Errorf("%s speaks of %s, which is not there.", file, name)
			}
		}
	})
}

// The glossary has every word that people meet for a state.
func TestGlossaryHasEveryState(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("docs/glossary.md")
	if err != nil {
		t.Fatal(err)
	}
	sections := map[string][]string{
		"## States of a batch": texts(muster.Receiving, muster.Ready, muster.Planning, muster.Planned, muster.Running, muster.HeldBatch, muster.Finished,
			muster.Cancelled, muster.Failed),
		"## States of a person": texts(muster.States...),
		"## States of an item":  texts(muster.PendingItem, muster.PlannedItem, muster.DoneItem, muster.FailedItem, muster.SkippedItem),
		"## States of an account": texts(muster.PlannedAccount, muster.DeliveredAccount, muster.PendingAccount, muster.FailedAccount, muster.ConflictAccount,
			muster.UnmanagedAccount, muster.ReleasedAccount),
	}
	for headline, words := range sections {
		_, section, found := strings.Cut(string(text), headline+"\n")
		section, _, _ = strings.Cut(section, "\n## ")
		for _, word := range words {
			if !found || !strings.Contains(section, "| `"+word+"` |") {
				t.Errorf("docs/glossary.md does not explain %s under %q.", word, headline)
			}
		}
	}
}

func texts[T ~string](words ...T) []string {
	list := make([]string, len(words))
	for i, w := range words {
		list[i] = string(w)
	}
	return list
}

// docs/running.md has every setting there is, and no other.
func TestRunningHasEverySetting(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("docs/running.md")
	if err != nil {
		t.Fatal(err)
	}
	for section, wanted := range map[string][]string{
		"## Settings": tags(reflect.TypeFor[config.Config](), "name", "--"),
		"## Tenants":  settings(),
		"## Targets":  tags(reflect.TypeFor[muster.TargetPolicy](), "json", ""),
	} {
		_, body, _ := strings.Cut(string(text), section+"\n")
		body, _, _ = strings.Cut(body, "\n## ")
		var found []string
		for _, row := range firstCell.FindAllStringSubmatch(body, -1) {
			found = append(found, row[1])
		}
		slices.Sort(found)
		slices.Sort(wanted)
		if !slices.Equal(found, wanted) {
			t.Errorf("docs/running.md, %s: the table has %v, the code %v.", section, found, wanted)
		}
	}
}

// settings gives the names of a tenant's settings; a list or map of them is one.
func settings() (list []string) {
	for _, f := range reflect.VisibleFields(reflect.TypeFor[muster.Settings]()) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Type.Kind() == reflect.Struct {
			list = append(list, tags(f.Type, "json", name+".")...)
		} else {
			list = append(list, name)
		}
	}
	return list
}

var firstCell = regexp.MustCompile("(?m)^\\| `([^`]+)` \\|")

// tags gives the names that the fields of a struct, and of those embedded in it, have outside.
func tags(of reflect.Type, tag, prefix string) []string {
	var list []string
	for i := range of.NumField() {
		name, _, _ := strings.Cut(of.Field(i).Tag.Get(tag), ",")
		if _, embedded := of.Field(i).Tag.Lookup("embed"); embedded {
			list = append(list, tags(of.Field(i).Type, tag, prefix)...)
		}
		if name != "" {
			list = append(list, prefix+name)
		}
	}
	return list
}
