package e2e

import (
	"database/sql"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/musterid/muster/e2e/people"
	"github.com/musterid/muster/internal/connector"
	"github.com/musterid/muster/internal/connector/rehearsal"
)

// What must hold after every scenario, whatever happened on the way.

// findings are what does not hold. Of many alike, a few are told.
type findings struct {
	list []string
}

const mostFindings = 5

func (f *findings) add(format string, args ...any) {
	f.list = append(f.list, fmt.Sprintf(format, args...))
}

func (f *findings) report(t *testing.T) {
	t.Helper()
	for _, text := range f.list[:min(len(f.list), mostFindings)] {
		t.Error(text)
	}
	if more := len(f.list) - mostFindings; more > 0 {
		t.Errorf("and %d findings more", more)
	}
}

// provesBatches proves that every item of every batch is final and that counts add up to them, and gives the batches.
func (s *server) provesBatches(t *testing.T) []batchView {
	t.Helper()
	batches := list[batchView](t, s, "/v1/batches", url.Values{"kind": {"all"}})
	for _, b := range batches {
		if !over(b.State) {
			t.Errorf("%s batch %s is %s", b.Kind, b.Name, b.State)
			continue
		}
		items := list[itemView](t, s, "/v1/batches/"+b.ID+"/items", nil)
		if got := tally(t, items); got != b.Counts {
			t.Errorf("%s batch %s: counts %+v, but its items come to %+v", b.Kind, b.Name, b.Counts, got)
		}
		c := b.Counts
		if len(items) != b.Total || c.Done+c.Failed+c.Skipped != b.Total || c.Created+c.Updated+c.Unchanged != c.Done || c.Pending != 0 {
			t.Errorf("%s batch %s: %d items of %d, counts %+v", b.Kind, b.Name, len(items), b.Total, c)
		}
	}
	return batches
}

func tally(t *testing.T, items []itemView) (c counts) {
	t.Helper()
	seen := map[int]bool{}
	for _, i := range items {
		if seen[i.Index] {
			t.Errorf("there are two items %d", i.Index)
		}
		seen[i.Index] = true
		switch {
		case i.State == "failed":
			c.Failed++
		case i.State == "skipped":
			c.Skipped++
		case i.State != "done":
			c.Pending++
		case i.Change.Action == "create":
			c.Done, c.Created = c.Done+1, c.Created+1
		case i.Change.Action == "update" || i.Change.Action == "delete":
			c.Done, c.Updated = c.Done+1, c.Updated+1
		default:
			c.Done, c.Unchanged = c.Done+1, c.Unchanged+1
		}
	}
	return c
}

// provesDirectory proves that exactly the wanted people are there, each once, with names that nobody shares, and gives them by id.
func (s *server) provesDirectory(t *testing.T, wanted []people.Person) map[string]personView {
	t.Helper()
	var f findings
	defer f.report(t)
	there := list[personView](t, s, "/v1/people", nil)
	byID, byEmail, usernames := map[string]personView{}, map[string]personView{}, map[string]string{}
	for _, p := range there {
		name := strings.ToLower(p.Username)
		if other, twice := usernames[name]; twice || name == "" {
			f.add("username %q of %s is that of %q as well", p.Username, p.Email, other)
		}
		byID[p.ID], byEmail[p.Email], usernames[name] = p, p, p.Email
	}
	if len(there) != len(wanted) || len(byEmail) != len(wanted) {
		f.add("%d people with %d addresses, want %d", len(there), len(byEmail), len(wanted))
	}
	for _, w := range wanted {
		p, ok := byEmail[w.Email]
		if !ok || p.FirstName != w.First || p.LastName != w.Last {
			f.add("%+v became %+v", w, p)
		}
	}
	return byID
}

// provesTarget proves that what stands in the outside world is the directory, account by account, and that our record of it is true.
func (s *server) provesTarget(t *testing.T, target string, journal *rehearsal.Server, there map[string]personView) {
	t.Helper()
	var f findings
	defer f.report(t)
	outside, markers, names := map[string]connector.Account{}, map[string]bool{}, map[string]bool{}
	for _, a := range journal.Accounts() {
		name := strings.ToLower(a.Username)
		if names[name] || markers[a.Marker] {
			f.add("a second account: %+v", a)
		}
		names[name], markers[a.Marker], outside[a.ExternalID] = true, true, a
		p, ours := there[a.Marker]
		if !ours {
			f.add("account %+v is of nobody", a)
			continue
		}
		first, last, email := a.Attributes.Text("first_name"), a.Attributes.Text("last_name"), a.Attributes.Text("email")
		if a.Username != p.Username || first != p.FirstName || last != p.LastName || email != p.Email || a.Enabled != (p.State == "active") {
			f.add("account %+v is not that of %+v", a, p)
		}
	}
	if len(outside) != len(there) {
		f.add("%d accounts for %d people", len(outside), len(there))
	}
	holders, ids := map[string]bool{}, map[string]bool{}
	for _, a := range list[accountView](t, s, "/v1/accounts", url.Values{"target": {target}}) {
		if a.State != "delivered" || outside[a.ExternalID].Username != a.Username || outside[a.ExternalID].Marker != a.Person {
			f.add("we think of account %+v, and there is %+v", a, outside[a.ExternalID])
		}
		if holders[a.Person] || ids[a.ExternalID] {
			f.add("a second account or external id: %+v", a)
		}
		holders[a.Person], ids[a.ExternalID] = true, true
	}
	if len(holders) != len(there) {
		f.add("%d accounts on record for %d people", len(holders), len(there))
	}
}

// leavesNothing proves, on a server that was stopped, that the database holds nothing half done.
func (s *server) leavesNothing(t *testing.T) {
	t.Helper()
	driver, address := "sqlite", "file:"+filepath.Join(s.dir, "muster.db")+"?mode=ro"
	if s.database != "" {
		driver, address = "pgx", s.database
	}
	db, err := sql.Open(driver, address)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	unfinished := "SELECT count(*) FROM batch WHERE state = 'receiving'"
	if s.database != "" {
		unfinished += " AND lease IS NULL" // another process may be at it, so an upload that broke off is removed when its lease has run out
	}
	for what, query := range map[string]string{
		"blocks of no batch":        "SELECT count(*) FROM block WHERE NOT EXISTS (SELECT 1 FROM batch WHERE batch.seq = block.batch)",
		"uploads without end":       unfinished,
		"leases on ended batches":   "SELECT count(*) FROM batch WHERE state = 'finished' AND owner IS NOT NULL",
		"claims on accounts":        "SELECT count(*) FROM account WHERE owner IS NOT NULL",
		"accounts due":              "SELECT count(*) FROM account WHERE due IS NOT NULL",
		"two names of one username": "SELECT count(*) FROM (SELECT lower(username) FROM person GROUP BY tenant, lower(username) HAVING count(*) > 1) AS t",
	} {
		var n int
		if err := db.QueryRowContext(t.Context(), query).Scan(&n); err != nil {
			t.Errorf("%s: %v", what, err)
		} else if n > 0 {
			t.Errorf("%d %s", n, what)
		}
	}
}
