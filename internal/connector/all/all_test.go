package all_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/connector"
	"github.com/musterid/muster/internal/connector/all"
)

func TestLookup(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, k := range all.Kinds() {
		found, err := all.Lookup(k.Name)
		if err != nil || found.Label != k.Label || seen[k.Name] {
			t.Errorf("Lookup(%q) gives %q and %v, seen before: %v", k.Name, found.Label, err, seen[k.Name])
		}
		seen[k.Name] = true
	}
	if _, err := all.Lookup("ldpa"); muster.CodeOf(err) != muster.Unsupported || !strings.Contains(err.Error(), "ldap, rehearsal") {
		t.Errorf("Lookup of an unknown kind gives %v; want Unsupported and the kinds there are", err)
	}
}

// Forms, redaction and documentation are made from the settings, so each must say what it is.
func TestSettingsDescribeThemselves(t *testing.T) {
	t.Parallel()
	for _, k := range all.Kinds() {
		config := k.Config()
		if reflect.ValueOf(config).Kind() != reflect.Pointer {
			t.Errorf("%s: Config gives %T, want a pointer", k.Name, config)
		}
		names := map[string]bool{}
		for _, s := range connector.Describe(config) {
			switch {
			case s.Label == "" || s.Help == "":
				t.Errorf("%s: setting %s has no label or no help", k.Name, s.Name)
			case names[s.Name]:
				t.Errorf("%s: there are two settings %s", k.Name, s.Name)
			case s.Secret && s.Type != connector.TextSetting:
				t.Errorf("%s: the secret %s is a %s; only texts are redacted and merged", k.Name, s.Name, s.Type)
			case !s.Secret && (strings.Contains(s.Name, "password") || strings.Contains(s.Name, "secret")):
				t.Errorf("%s: %s sounds like a secret and is not marked as one", k.Name, s.Name)
			}
			names[s.Name] = true
		}
		if shown, err := connector.Redact(config); err != nil || !json.Valid(shown) {
			t.Errorf("%s: Redact gives %s and %v", k.Name, shown, err)
		}
	}
}

// The page of a kind has a row for each setting that says the same as the form; to mend one, copy the row from this test's message.
func TestDocumentation(t *testing.T) {
	t.Parallel()
	for _, k := range all.Kinds() {
		path := filepath.Join("..", "..", "..", "docs", "connectors", k.Name+".md")
		page, err := os.ReadFile(path)
		if err != nil {
			t.Errorf("the kind %s has no page: %v", k.Name, err)
			continue
		}
		rows := 0
		for _, s := range connector.Describe(k.Config()) {
			if row := row(s); !strings.Contains(string(page), row) {
				t.Errorf("docs/connectors/%s.md lacks or contradicts the row\n%s", k.Name, row)
			}
			rows++
		}
		_, table, _ := strings.Cut(string(page), "\n## Settings\n")
		table, _, _ = strings.Cut(table, "\n## ")
		if n := strings.Count(table, "\n| `"); n != rows {
			t.Errorf("docs/connectors/%s.md has %d rows of settings, the kind has %d settings", k.Name, n, rows)
		}
	}
}

func row(s connector.Setting) string {
	standard := "–"
	switch {
	case s.Required && s.Default == nil:
		standard = "required"
	case s.Default != nil:
		text, _ := json.Marshal(s.Default)
		standard = "`" + strings.Trim(strings.NewReplacer(`","`, `", "`, `":"`, `": "`).Replace(string(text)), `"`) + "`"
	}
	kind := string(s.Type)
	if len(s.Choices) > 0 {
		kind = strings.Join(s.Choices, ", ")
	}
	if s.Secret {
		kind += ", secret"
	}
	if s.Operator {
		kind += ", operators only"
	}
	return "| `" + s.Name + "` | " + kind + " | " + standard + " | " + s.Help + " |"
}
