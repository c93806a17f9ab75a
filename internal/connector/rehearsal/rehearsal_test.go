package rehearsal_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/musterid/muster/internal/connector"
	"github.com/musterid/muster/internal/connector/connectortest"
	"github.com/musterid/muster/internal/connector/rehearsal"
)

func harness(t *testing.T, raw string, server func() *rehearsal.Server) connectortest.Harness {
	t.Helper()
	config, err := connector.Decode(rehearsal.Kind, json.RawMessage(raw))
	if err != nil {
		t.Fatal(err)
	}
	return connectortest.Harness{
		Kind: rehearsal.Kind, Config: config,
		Fields: []string{"first_name", "last_name", "display_name", "email", "department"}, Clear: "department",
		Plant: func(_ testing.TB, username string) string {
			return server().Plant(connector.Account{Username: username, Enabled: true}).ExternalID
		},
		Raw: func(t testing.TB, id string) string {
			a, _ := server().Account(id)
			text, err := json.Marshal(a)
			if err != nil {
				t.Fatal(err)
			}
			return string(text)
		},
		Names: func(testing.TB) []string {
			var names []string
			for _, a := range server().Accounts() {
				names = append(names, a.Username)
			}
			return names
		},
		Writes: func(testing.TB) int { return server().Writes().Total() },
		Groups: []string{"staff", "teachers"},
		PlantMember: func(_ testing.TB, group, id string) {
			a, _ := server().Account(id)
			groups, _ := a.Attributes["groups"].([]string)
			a.Attributes["groups"] = append(slices.Clone(groups), group)
			slices.Sort(a.Attributes["groups"].([]string))
			server().Plant(a)
		},
		Members: func(_ testing.TB, id string) []string {
			a, _ := server().Account(id)
			groups, _ := a.Attributes["groups"].([]string)
			return groups
		},
		CutList: func(_ testing.TB, cut bool) {
			f := server().Faults()
			if f.CutListAfter = 0; cut {
				f.CutListAfter = 1
			}
			server().Set(f)
		},
	}
}

func TestConformance(t *testing.T) {
	t.Parallel()
	connectortest.Run(t, harness(t, `{"instance":"conformance"}`, func() *rehearsal.Server { return rehearsal.Named("conformance") }))
}

func TestConformanceWithJournal(t *testing.T) {
	t.Parallel()
	path := t.TempDir() + "/world.rehearsal.jsonl"
	raw, _ := json.Marshal(map[string]string{"path": path})
	connectortest.Run(t, harness(t, string(raw), func() *rehearsal.Server {
		s, err := rehearsal.Opened(path)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}))
}

func TestPasswords(t *testing.T) {
	t.Parallel()
	for name, raw := range map[string]string{
		"Memory": `{"instance":"passwords","least_characters":8}`, "Journal": `{"path":"` + t.TempDir() + `/world.rehearsal.jsonl","least_characters":8}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := func() *rehearsal.Server { return rehearsal.Named("passwords") }
			if name == "Journal" {
				var config struct{ Path string }
				if err := json.Unmarshal([]byte(raw), &config); err != nil {
					t.Fatal(err)
				}
				server = func() *rehearsal.Server {
					s, err := rehearsal.Opened(config.Path)
					if err != nil {
						t.Fatal(err)
					}
					return s
				}
			}
			connectortest.Passwords(t, connectortest.PasswordHarness{
				Harness: harness(t, raw, server), Weak: "short",
				SignIn: func(t testing.TB, id, _, password string) bool {
					ok, err := server().PasswordIs(t.Context(), id, password)
					if err != nil {
						t.Fatal(err)
					}
					return ok
				},
			})
		})
	}
}
