package e2e

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/musterid/muster"
)

// What enrolment there has to differ in: a single user's, and that of a job.
var (
	givenName = difference{
		places:  []string{"person.generated", "person.code", "history.person.create.code", "history.account.deliver.code", "account.code"},
		because: "a username is given there and never made, and it knows no codes",
	}
	givenNameInJob = difference{
		places:  append([]string{"person.flags", "history.person.create.flags", "history.account.deliver.flags", "account.flags"}, givenName.places...),
		because: givenName.because + ", and keeps where the user of a job came from",
	}
)

var newUser = map[string]any{
	"username": "zoe.enrol001", "firstname": "Zoé", "lastname": "Enrol", "email": "Zoe.Enrol@example.org", "phoneNumbers": []any{map[string]any{"type": "mobile", "number": "+33612345678"}},
}

// jcUser is a user as JumpCloud's clients see one.
type jcUser struct {
	ID string `json:"_id"`
}

// rowMeta is what a job's result tells of its row.
type rowMeta struct {
	Status       string `json:"status"`
	SystemuserID string `json:"systemuserId"`
	Errors       []any  `json:"errors"`
}

// user is the id that the person of the case has there.
func (l *lawful) user(t *testing.T) string {
	t.Helper()
	id, err := uuid.Parse(l.person)
	if err != nil {
		t.Fatal(err)
	}
	return muster.HexID(muster.PersonSeq(id), muster.PersonCreated(id))
}

// personOf is the id that a user has in the native API.
func personOf(t *testing.T, u jcUser, l *lawful) string {
	t.Helper()
	seq, _, ok := muster.ParseHexID(u.ID)
	if !ok {
		t.Fatalf("%q is no id", u.ID)
	}
	for _, p := range list[struct {
		ID  string `json:"id"`
		Seq int64  `json:"seq"`
	}](t, l.s, "/v1/people", nil) {
		if p.Seq == seq {
			return p.ID
		}
	}
	t.Fatalf("there is no person %d", seq)
	return ""
}

func putUser(body map[string]any) act {
	return func(t *testing.T, l *lawful) { call[any](t, l.s, http.MethodPut, "/api/systemusers/"+l.user(t), body) }
}

func patchInJob(body map[string]any) act {
	return func(t *testing.T, l *lawful) {
		row := map[string]any{"id": l.user(t)}
		for name, v := range body {
			row[name] = v
		}
		l.job(t, http.MethodPatch, row)
	}
}

// job sends a job of one row, waits for its end, and gives what became of the row.
func (l *lawful) job(t *testing.T, method string, row map[string]any) rowMeta {
	t.Helper()
	id := call[struct {
		ID string `json:"jobId"`
	}](t, l.s, method, "/api/v2/bulk/users", []any{row}).ID
	var results []struct {
		Meta rowMeta `json:"meta"`
	}
	until(t, 30*time.Second, "the end of a job", func() bool {
		results = call[[]struct {
			Meta rowMeta `json:"meta"`
		}](t, l.s, http.MethodGet, "/api/v2/jobs/"+id+"/results", nil)
		return len(results) == 1 && results[0].Meta.Status != "pending"
	})
	if results[0].Meta.Status != "finished" {
		t.Fatalf("the row %v: %v", row, results[0].Meta)
	}
	return results[0].Meta
}

// deed is what an event of a history is held against: the row of a job that changed somebody is that person's record, as an entry of their own is
// elsewhere.
func (l *lawful) deed(e map[string]any) string {
	action := e["action"].(string)
	if change, ok := e["change"].(map[string]any); ok && action == "batch.row" {
		return "person." + change["action"].(string)
	}
	return action
}
