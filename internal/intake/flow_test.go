package intake_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/batch"
	"github.com/musterid/muster/internal/connector"
	"github.com/musterid/muster/internal/connector/all"
	"github.com/musterid/muster/internal/connector/rehearsal"
	"github.com/musterid/muster/internal/intake"
	"github.com/musterid/muster/internal/provision"
	"github.com/musterid/muster/internal/queue"
	"github.com/musterid/muster/internal/roster"
	"github.com/musterid/muster/internal/secret"
	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

// house is all of floor 2 at work.
type house struct {
	t         *testing.T
	store     *store.Store
	key       secret.Key
	engine    *batch.Engine
	roster    *roster.Roster
	intake    *intake.Intake
	provision *provision.Provision
	caller    muster.Caller
	target    *rehearsal.Server
}

func open(t *testing.T, st *store.Store) *house {
	t.Helper()
	o := queue.Options{Engine: string(st.Engine()), DSN: st.DSN(), Log: quiet(t), Workers: map[string]int{batch.Lane: 2, provision.FollowLane: 2, provision.DeliverLane: 4}}
	if st.Engine() == store.SQLite {
		o.Writer = st.Handle()
	}
	q, err := queue.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	h := &house{t: t, store: st, caller: muster.Caller{Tenant: storetest.Tenant, Name: "key:test", Surface: "native", Grants: muster.AdminScope.Grants()}}
	h.key = secret.NewKey()
	h.engine, h.roster = batch.New(st, q, h.key, quiet(t)), roster.New(st, q)
	h.intake = intake.New(st, h.engine, h.roster)
	h.provision = provision.New(provision.Options{Store: st, Queue: q, Roster: h.roster, Key: secret.NewKey(), Kinds: all.Kinds(), Log: quiet(t)})
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- q.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := errors.Join(<-ended, h.provision.Close(), q.Close()); err != nil {
			t.Errorf("stop: %v", err)
		}
	})
	return h
}

func quiet(t *testing.T) *slog.Logger {
	if os.Getenv("MUSTER_TEST_LOG") != "" {
		return slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	return slog.New(slog.NewTextHandler(io.Discard, nil))
}

// aim makes a rehearsal target.
func (h *house) aim(policy string) provision.TargetView {
	h.t.Helper()
	name := uuid.NewString()
	h.target = rehearsal.Named(name)
	config, _ := json.Marshal(map[string]any{"instance": name})
	view, err := h.provision.CreateTarget(h.t.Context(), h.caller, provision.NewTarget{Name: "rehearsal", Kind: "rehearsal", Config: config, Policy: json.RawMessage(policy)})
	if err != nil {
		h.t.Fatal(err)
	}
	return view
}

func (h *house) upload(content string, u intake.Upload) (store.BatchRow, error) {
	if u.Name == "" {
		u.Name = "people.csv"
	}
	return h.intake.Receive(h.t.Context(), h.caller, strings.NewReader(content), u)
}

// run imports a file and waits for its end, accounts included.
func (h *house) run(content string, u intake.Upload) store.BatchRow {
	h.t.Helper()
	u.Then = batch.CarryIt
	b, err := h.upload(content, u)
	if err != nil {
		h.t.Fatal(err)
	}
	return h.wait(b)
}

func (h *house) wait(b store.BatchRow, states ...muster.BatchState) store.BatchRow {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), storetest.Patience)
	defer cancel()
	stop := errors.New("seen")
	err := h.engine.Watch(ctx, h.caller, b.ID, 5*time.Millisecond, func(now store.BatchRow) error {
		b = now
		if c := now.Counts; c.Pending(now.Total) < 0 || c.Done != c.Created+c.Updated+c.Unchanged {
			return fmt.Errorf("counts do not add up: %+v of %d", c, now.Total)
		}
		if slices.Contains(states, now.State) {
			return stop
		}
		return nil
	})
	if err != nil && !errors.Is(err, stop) {
		h.t.Fatalf("wait for batch in state %s %+v: %v", b.State, b.Counts, err)
	}
	if h.target == nil || b.Kind != muster.ImportBatch || b.State != muster.Finished {
		return b
	}
	for {
		following, ok, err := h.engine.Following(ctx, h.caller, b)
		if err != nil {
			h.t.Fatalf("wait for accounts: %v (%+v)", err, following)
		}
		if ok {
			h.wait(following)
			return b
		}
	}
}

func (h *house) items(b store.BatchRow) []muster.Item {
	h.t.Helper()
	var all []muster.Item
	for {
		items, err := h.engine.Items(h.t.Context(), h.caller, b, "", len(all), 10_000)
		if err != nil {
			h.t.Fatal(err)
		}
		if all = append(all, items...); len(items) < 10_000 {
			return all
		}
	}
}

func (h *house) people() []store.PersonRow {
	h.t.Helper()
	list, err := h.roster.People(h.t.Context(), h.caller, store.PeopleQuery{Limit: 1000})
	if err != nil {
		h.t.Fatal(err)
	}
	return list
}

func (h *house) result(b store.BatchRow) string {
	h.t.Helper()
	r, err := h.intake.Result(h.caller, b)
	if err != nil {
		h.t.Fatal(err)
	}
	var out bytes.Buffer
	if err := r.Write(h.t.Context(), &out); err != nil {
		h.t.Fatal(err)
	}
	return out.String()
}

const three = "Nom;Prénom;Courriel;Matricule\r\nDupont;Jean;jean@school.test;1\r\nDupont;Jean;jean2@school.test;2\r\nŒuvrard;Zoé;zoe@school.test;3\r\n"

func TestFileBecomesPeopleAndAccounts(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		h := open(t, st)
		h.aim("")
		b := h.run(three, intake.Upload{})
		if b.Counts.Created != 3 || b.Counts.Failed != 0 {
			t.Fatalf("counts %+v; items %+v", b.Counts, h.items(b))
		}
		var usernames []string
		for _, p := range h.people() {
			usernames = append(usernames, p.Username)
		}
		if want := []string{"jean.dupont001", "jean.dupont002", "zoe.oeuvrard001"}; !slices.Equal(usernames, want) {
			t.Errorf("usernames %v, want %v", usernames, want)
		}
		if got := h.target.Accounts(); len(got) != 3 {
			t.Errorf("accounts %+v", got)
		}
		want := "Nom;Prénom;Courriel;Matricule;muster_status;muster_username;muster_error;muster_rehearsal\r\n" +
			"Dupont;Jean;jean@school.test;1;created;jean.dupont001;;delivered\r\n"
		if got := h.result(b); !strings.HasPrefix(got, want) {
			t.Errorf("result sheet:\n%s", got)
		}

		writes := h.target.Writes().Total()
		again := h.run(h.result(b), intake.Upload{})
		if again.Counts.Unchanged != 3 || h.target.Writes().Total() != writes {
			t.Errorf("the same file again: %+v, %d writes more", again.Counts, h.target.Writes().Total()-writes)
		}
		renamed := h.run(strings.Replace(three, "Zoé", "Zoë", 1), intake.Upload{})
		if renamed.Counts.Updated != 1 || renamed.Counts.Unchanged != 2 || h.target.Writes().Update != 1 {
			t.Errorf("one name changed: %+v, writes %+v", renamed.Counts, h.target.Writes())
		}
	})
}

func TestPreviewThenRun(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		h := open(t, st)
		h.run(three, intake.Upload{})
		mixed := "email,first_name,last_name,phone,locker\njean@school.test,Jean,Dupond,+33 1 02 03 04 05,7\nzoe@school.test,,,,8\nnew@school.test,Jean,Dupont,,9\nbroken,Jean,Dupont,,10\n"
		b, err := h.upload(mixed, intake.Upload{Then: batch.PlanIt})
		if err != nil {
			t.Fatal(err)
		}
		b = h.wait(b, muster.Planned)
		if want := (muster.Plan{Create: 1, Update: 1, Unchanged: 1}); b.Plan != want || b.Counts.Failed != 1 {
			t.Fatalf("plan %+v, counts %+v", b.Plan, b.Counts)
		}
		items := h.items(b)
		if f, _ := items[0].Change.Field("last_name"); f.Before != "Dupont" || f.After != "Dupond" {
			t.Errorf("before and after: %+v", items[0].Change)
		}
		if f, _ := items[2].Change.Field("username"); f.After != "jean.dupont003" || !f.Forecast {
			t.Errorf("forecast: %+v", f)
		}
		if r := items[3].Reasons; len(r) != 1 || r[0].Field != "email" || items[3].Row != 5 {
			t.Errorf("row %d: %v", items[3].Row, r)
		}
		if len(h.people()) != 3 {
			t.Fatal("the preview made somebody")
		}
		if b, err = h.engine.Run(t.Context(), h.caller, b.ID); err != nil {
			t.Fatal(err)
		}
		b = h.wait(b)
		if c := b.Counts; c.Created != 1 || c.Updated != 1 || c.Unchanged != 1 || c.Failed != 1 || b.State != muster.Finished {
			t.Errorf("after the run: %s %+v", b.State, c)
		}
		retried, err := h.engine.Retry(t.Context(), h.caller, b.ID, batch.CarryIt)
		if err != nil {
			t.Fatal(err)
		}
		if retried = h.wait(retried); retried.Total != 1 || retried.Counts.Failed != 1 || retried.RetryOf != b.Seq {
			t.Errorf("retry: %+v", retried)
		}
	})
}

func TestLeaversPastTheLimitAreHeld(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		h := open(t, st)
		h.aim("")
		var everybody, leavers strings.Builder
		everybody.WriteString("email,last_name\n")
		leavers.WriteString("email,status\n")
		for i := range 60 {
			fmt.Fprintf(&everybody, "p%d@school.test,Name%d\n", i, i)
			if i < 12 {
				fmt.Fprintf(&leavers, "p%d@school.test,suspended\n", i)
			}
		}
		h.run(everybody.String(), intake.Upload{})
		b, err := h.upload(leavers.String(), intake.Upload{Then: batch.CarryIt})
		if err != nil {
			t.Fatal(err)
		}
		b = h.wait(b, muster.HeldBatch)
		if b.Message == "" || b.Plan.Disables != 12 || b.Counts.Done != 0 {
			t.Fatalf("held: %q, plan %+v, counts %+v", b.Message, b.Plan, b.Counts)
		}
		if b, err = h.engine.Release(t.Context(), h.caller, b.ID); err != nil {
			t.Fatal(err)
		}
		if b = h.wait(b); b.Counts.Updated != 12 {
			t.Fatalf("released: %s %+v", b.State, b.Counts)
		}
		enabled := 0
		for _, a := range h.target.Accounts() {
			if a.Enabled {
				enabled++
			}
		}
		if enabled != 48 {
			t.Errorf("%d accounts are enabled, want 48", enabled)
		}
	})
}

// What a percentage is of is the people there were before: a run holds what its preview would.
func TestLimitsAreOfThePeopleThereWere(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		h := open(t, st)
		rows := func(first, n int, status string) string {
			var text strings.Builder
			for i := range n {
				fmt.Fprintf(&text, "p%d@school.test,%s\n", first+i, status)
			}
			return text.String()
		}
		const header = "email,status\n"
		h.run(header+rows(0, 100, "active"), intake.Upload{})
		if b := h.run(header+rows(0, 10, "archived"), intake.Upload{}); b.Counts.Updated != 10 {
			t.Errorf("ten of a hundred: %s %q", b.State, b.Message)
		}
		file := header + rows(100, 200, "active") + rows(10, 15, "archived")
		for _, then := range []batch.Then{batch.PlanIt, batch.CarryIt} {
			b, err := h.upload(file, intake.Upload{Then: then})
			if err != nil {
				t.Fatal(err)
			}
			b = h.wait(b, muster.Planned, muster.HeldBatch, muster.Finished)
			if want := "15 people would be disabled of 90; the limit is 10 percent."; b.Plan.Hold != want {
				t.Errorf("fifteen of ninety beside two hundred new ones, %s: %s %q", then, b.State, b.Plan.Hold)
			}
		}
	})
}

func TestStrangersAccountIsNeverTouched(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		h := open(t, st)
		h.aim("")
		h.target.Plant(connector.Account{ExternalID: "stranger", Username: "jean.dupont001", Enabled: true})
		h.run("last_name,first_name,email\nDupont,Jean,j@school.test\n", intake.Upload{})
		if p := h.people()[0]; p.Username != "jean.dupont002" {
			t.Errorf("username %q", p.Username)
		}
		stranger, ok := h.target.Account("stranger")
		if !ok || stranger.Marker != "" || len(h.target.Accounts()) != 2 {
			t.Errorf("stranger %+v of %+v", stranger, h.target.Accounts())
		}
	})
}

func TestLostAnswersMakeNoDuplicates(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		h := open(t, st)
		view := h.aim(`{"concurrency":16}`)
		h.target.Set(rehearsal.Faults{FailAfterCommitPercent: 20, Seed: 7})
		var file strings.Builder
		file.WriteString("email,first_name,last_name\n")
		for i := range 200 {
			fmt.Fprintf(&file, "p%d@school.test,Anna,Martin\n", i)
		}
		h.run(file.String(), intake.Upload{})
		names := map[string]bool{}
		for _, a := range h.target.Accounts() {
			names[a.Username] = true
		}
		if len(names) != 200 || len(h.target.Accounts()) != 200 {
			t.Errorf("%d accounts with %d names", len(h.target.Accounts()), len(names))
		}
		accounts, err := h.provision.Accounts(t.Context(), h.caller, provision.AccountQuery{Target: view.ID, Limit: 1000})
		if err != nil || len(accounts) != 200 {
			t.Fatalf("%d accounts on record: %v", len(accounts), err)
		}
		for _, a := range accounts {
			if there, _ := h.target.Account(a.ExternalID); a.Username == "" || a.Username != there.Username {
				t.Fatalf("the account on record is called %q, the one over there %q", a.Username, there.Username)
			}
		}
	})
}

func TestHistoryNamesTheFileAndTheTarget(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		h := open(t, st)
		h.aim("")
		h.run(three, intake.Upload{Name: "autumn.csv"})
		events, err := h.roster.History(t.Context(), h.caller, h.people()[0].ID)
		if err != nil || len(events) != 2 {
			t.Fatalf("%d events, %v", len(events), err)
		}
		if e := events[0]; e.Batch.Kind != muster.ProvisionBatch || e.Target != "rehearsal" {
			t.Errorf("newest event: batch %s, target %q", e.Batch.Kind, e.Target)
		}
		if e := events[1]; e.Batch.Name != "autumn.csv" || e.Item.Row != 2 || e.Target != "" {
			t.Errorf("oldest event: batch %q row %d, target %q", e.Batch.Name, e.Item.Row, e.Target)
		}
	})
}

// The job that makes accounts owed may die with its process. That they are to follow stands in the provision batch, and is seen to without it.
func TestAccountsFollowWithoutTheirJob(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		h := open(t, st)
		b := h.run(three, intake.Upload{}) // there is no target yet, so nothing follows
		h.aim("")
		if err := st.Update(t.Context(), storetest.Tenant, func(tx *store.Tx) error { return provision.Begin(tx, &b) }); err != nil {
			t.Fatal(err)
		}
		if _, err := st.Handle().ExecContext(t.Context(), "UPDATE batch SET updated_at = updated_at - 10000000 WHERE kind = 'provision'"); err != nil {
			t.Fatal(err)
		}
		h.wait(b)
		if n := len(h.target.Accounts()); n != 3 {
			t.Errorf("%d accounts", n)
		}
	})
}
