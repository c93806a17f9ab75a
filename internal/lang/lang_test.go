package lang

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/musterid/muster"
)

func TestOf(t *testing.T) {
	t.Parallel()
	for tag, want := range map[string]string{
		"fr": "fr", "FR": "fr", "fr-CH": "fr", "fr_FR.UTF-8": "fr", "fr.UTF-8": "fr",
		"": "en", "en": "en", "C": "en", "C.UTF-8": "en", "POSIX": "en", "frr": "en", "de_DE": "en",
	} {
		if got := Of(tag).Tag(); got != want {
			t.Errorf("Of(%q) speaks %s, want %s", tag, got, want)
		}
	}
}

func TestFromEnvironment(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		env  map[string]string
		want string
	}{
		{"nothing set", nil, "en"},
		{"LANG alone", map[string]string{"LANG": "fr_FR.UTF-8"}, "fr"},
		{"LC_ALL over LANG", map[string]string{"LANG": "fr_FR.UTF-8", "LC_ALL": "C"}, "en"},
		{"LC_MESSAGES over LANG", map[string]string{"LANG": "en_US.UTF-8", "LC_MESSAGES": "fr_CA"}, "fr"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := FromEnvironment(func(k string) string { return c.env[k] }).Tag(); got != c.want {
				t.Errorf("speaks %s, want %s", got, c.want)
			}
		})
	}
}

func TestSprintf(t *testing.T) {
	t.Parallel()
	if got := Of("fr").Sprintf("accounts on %s", "x"); got != "comptes sur x" {
		t.Errorf("French: %q", got)
	}
	if got := (T{}).Sprintf("accounts on %s", "x"); got != "accounts on x" {
		t.Errorf("English: %q", got)
	}
	if got := Of("fr").Sprintf("never translated %d", 7); got != "never translated 7" {
		t.Errorf("a sentence without French: %q", got)
	}
}

func TestError(t *testing.T) {
	t.Parallel()
	e := muster.Errorf(muster.Required, "name", "This is needed.")
	if got := Of("fr").Error(e); got != "Cette valeur est obligatoire." {
		t.Errorf("French: %q", got)
	}
	if got := Of("fr").Error(&muster.Error{Message: "Came from afar, with 100 % of itself."}); got != "Came from afar, with 100 % of itself." {
		t.Errorf("an error without its format: %q", got)
	}
	if got := Of("fr").Error(&muster.Error{Message: "This is needed."}); got != "Cette valeur est obligatoire." {
		t.Errorf("a sentence of ours that came from afar: %q", got)
	}
}

// arguments lists what a format does with each of its arguments: 1d, 2s … %w stands where the English has %s.
func arguments(format string) []string {
	var list []string
	for _, p := range read(format) {
		switch p.verb {
		case 0:
		case 'w':
			list = append(list, strconv.Itoa(p.arg+1)+"s")
		default:
			list = append(list, strconv.Itoa(p.arg+1)+string(p.verb))
		}
	}
	slices.Sort(list)
	return list
}

func TestArguments(t *testing.T) {
	t.Parallel()
	if got, want := arguments("%[2]d of %[1]w, %5.1f %%"), []string{"1s", "2d", "2f"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// Every translation must use the same arguments in the same way as its key.
func TestCatalogue(t *testing.T) {
	t.Parallel()
	for _, entries := range []map[string]string{french, frenchCommands, frenchFragments} {
		if len(entries) == 0 {
			t.Fatal("the catalogue is empty")
		}
		for english, said := range entries {
			if said == "" {
				t.Errorf("%q says nothing in French", english)
			}
			if want, got := arguments(english), arguments(said); !slices.Equal(got, want) {
				t.Errorf("%q uses %v; its French %q uses %v", english, want, said, got)
			}
		}
	}
}

// A key that stands in two files would silently be said as the later one has it.
func TestNothingIsSaidTwice(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("fr*.go")
	if err != nil || len(files) < 5 {
		t.Fatalf("no catalogue: %v, %v", files, err)
	}
	where := map[string]string{}
	for _, file := range files {
		if file == "fr_fragments.go" { // a list of its own
			continue
		}
		set := token.NewFileSet()
		parsed, err := parser.ParseFile(set, file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			if entry, ok := n.(*ast.KeyValueExpr); ok {
				key, _ := textOf(entry.Key, "")
				if where[key] != "" {
					t.Errorf("%s: %q stands at %s already", set.Position(entry.Pos()), key, where[key])
				}
				where[key] = set.Position(entry.Pos()).String()
			}
			return true
		})
	}
}
