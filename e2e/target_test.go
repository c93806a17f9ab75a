package e2e

import (
	"maps"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/musterid/muster/e2e/people"
	"github.com/musterid/muster/internal/connector/rehearsal"
)

// aim makes a rehearsal target whose accounts outlive the server. It gives its id, and the outside world to look at.
func (s *server) aim(t *testing.T, faults rehearsal.Faults, policy map[string]any) (id string, outside *rehearsal.Server) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "world.rehearsal.jsonl")
	outside, err := rehearsal.Opened(path)
	if err != nil {
		t.Fatal(err)
	}
	deliver := map[string]any{"activation": "none"} // these tests are about accounts, and mails would take the same turns
	maps.Copy(deliver, policy)
	made := call[struct {
		ID string `json:"id"`
	}](t, s, http.MethodPost, "/v1/targets", map[string]any{
		"name": "rehearsal", "kind": "rehearsal", "config": rehearsal.Config{Instance: "e2e", Path: path, Faults: faults}, "policy": deliver,
	})
	return made.ID, outside
}

// faultless is a target without any fault.
var faultless rehearsal.Faults

// some makes n people and the file that brings them.
func some(maker *people.Maker, n int) (list []people.Person, file string) {
	var out strings.Builder
	out.WriteString(strings.Join(people.Columns, ";") + "\r\n")
	for range n {
		p := maker.Next()
		list = append(list, p)
		out.WriteString(strings.Join(p.Cells(), ";") + "\r\n")
	}
	return list, out.String()
}
