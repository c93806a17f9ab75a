package rehearsal_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/connector"
	"github.com/musterid/muster/internal/connector/rehearsal"
)

func create(c connector.Connector, username string) (connector.Account, error) {
	return c.Apply(context.Background(), connector.Step{
		Intent: connector.Create, Marker: "marker of " + username, Username: username,
		Change: muster.Diff(nil, muster.Record{"username": username, "enabled": true, "groups": []string{"staff"}}),
	})
}

func TestLatency(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := rehearsal.NewServer()
		s.Set(rehearsal.Faults{LatencyMS: 300})
		start := time.Now()
		if err := s.Connector().Check(t.Context()); err != nil || time.Since(start) != 300*time.Millisecond {
			t.Errorf("a call took %s and gave %v", time.Since(start), err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if _, err := s.Connector().Find(ctx, connector.Query{Username: "x"}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a call that has less time than it takes gives %v", err)
		}
	})
}

func TestRate(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		rate         float64
		free         int
		wait, second time.Duration // after the free ones at once, and after waiting a quarter of it
	}{
		"Several": {rate: 4, free: 4, wait: time.Second, second: 750 * time.Millisecond},
		"Slow":    {rate: 0.5, free: 1, wait: 2 * time.Second, second: 1500 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := rehearsal.NewServer()
				s.Set(rehearsal.Faults{Rate: test.rate})
				c := s.Connector()
				for range test.free {
					if err := c.Check(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				if v := connector.Verdict(c.Check(t.Context())); v.After != test.wait {
					t.Errorf("told to wait %s, want %s", v.After, test.wait)
				}
				time.Sleep(test.wait / 4)
				if v := connector.Verdict(c.Check(t.Context())); v.After != test.second {
					t.Errorf("later told to wait %s, want %s", v.After, test.second)
				}
				time.Sleep(test.second)
				if err := c.Check(t.Context()); err != nil {
					t.Errorf("after having waited: %v", err)
				}
			})
		})
	}
}

func TestSwitches(t *testing.T) {
	t.Parallel()
	s := rehearsal.NewServer()
	c := s.Connector()
	s.Set(rehearsal.Faults{Down: true})
	if _, err := create(c, "ana"); !connector.Verdict(err).Down {
		t.Errorf("a target that is down gives %v", err)
	}
	s.Set(rehearsal.Faults{Refuse: []string{"root"}})
	if _, err := create(c, "rooted"); !connector.Verdict(err).Permanent {
		t.Errorf("a refused name gives %v", err)
	}
	if n := s.Writes().Total(); n != 0 {
		t.Errorf("%d writes were made by calls that failed", n)
	}
	s.Set(rehearsal.Faults{LimitEvery: 3})
	calls, limited := s.Calls(), 0
	for range 9 {
		if v := connector.Verdict(c.Check(t.Context())); v.After == time.Second {
			limited++
		}
	}
	if limited != 3 || s.Calls() != calls+9 {
		t.Errorf("%d of %d calls were limited, want 3 of 9", limited, s.Calls()-calls)
	}
}

// Lost answers are found again, refused ones leave nothing, and the same seed decides the same.
func TestPercentages(t *testing.T) {
	t.Parallel()
	const people = 500
	run := func(seed int64) (lost, refused string) {
		s := rehearsal.NewServer()
		s.Set(rehearsal.Faults{FailAfterCommitPercent: 20, FailBeforeCommitPercent: 10, Seed: seed})
		c := s.Connector()
		nLost, nRefused := 0, 0
		for i := range people {
			username := fmt.Sprint("p", i)
			_, err := create(c, username)
			found, ferr := c.Find(context.Background(), connector.Query{Marker: "marker of " + username})
			switch {
			case err == nil && ferr == nil:
			case err != nil && ferr == nil && found.Username == username:
				lost, nLost = lost+username+" ", nLost+1
			case err != nil && errors.Is(ferr, connector.ErrNotFound):
				refused, nRefused = refused+username+" ", nRefused+1
			default:
				t.Fatalf("%s: create gives %v, find gives %v", username, err, ferr)
			}
		}
		if nLost < 60 || nLost > 120 || nRefused < 25 || nRefused > 80 || s.Writes().Create != people-nRefused {
			t.Errorf("of %d creates %d lost their answer and %d were refused (%d made); want about 20 and 10 percent", people, nLost, nRefused, s.Writes().Create)
		}
		return lost, refused
	}
	lost, refused := run(1)
	again, refusedAgain := run(1)
	other, _ := run(2)
	if lost != again || refused != refusedAgain || lost == other {
		t.Error("the seed does not decide which changes fail")
	}
}

func openRaw(t *testing.T, raw string) (connector.Connector, error) {
	t.Helper()
	config, err := connector.Decode(rehearsal.Kind, json.RawMessage(raw))
	if err != nil {
		t.Fatal(err)
	}
	return rehearsal.Kind.Open(t.Context(), config, connector.Environment{})
}

// The outside world outlives connectors, and switches that were set by hand outlive opening with the same settings again.
func TestInstances(t *testing.T) {
	t.Parallel()
	instance := uuid.NewString()
	raw := `{"instance":"` + instance + `","strangers":["root"],"latency_ms":1}`
	c, err := openRaw(t, raw)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := create(c, "ana"); err != nil {
		t.Fatal(err)
	}
	s := rehearsal.Named(instance)
	s.Set(rehearsal.Faults{})
	if c, err = openRaw(t, raw); err != nil {
		t.Fatal(err)
	}
	if n := len(s.Accounts()); n != 2 || s.Writes() != (rehearsal.Writes{Create: 1}) {
		t.Errorf("%d accounts and writes %+v, want ana and one stranger", n, s.Writes())
	}
	if _, err := create(c, "ROOT"); !errors.Is(err, connector.ErrExists) {
		t.Errorf("a stranger's name in other case gives %v; want ErrExists", err)
	}
	if s.Faults().LatencyMS != 0 {
		t.Error("opening with unchanged settings undid what Set set")
	}
	if _, err := openRaw(t, `{"instance":"`+instance+`","down":true}`); err != nil || !s.Faults().Down {
		t.Errorf("changed settings are not applied: %v", err)
	}
}

// An instance is of one tenant: neither another tenant's of the same name nor a name that looks like a tenant's reaches it.
func TestInstancesOfTenants(t *testing.T) {
	t.Parallel()
	instance := uuid.NewString()
	opened := func(tenant int64, instance string) connector.Connector {
		c, err := rehearsal.Kind.Open(t.Context(), &rehearsal.Config{Instance: instance}, connector.Environment{Tenant: tenant})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	if _, err := create(opened(2, instance), "ana"); err != nil {
		t.Fatal(err)
	}
	for _, other := range []connector.Connector{opened(0, instance), opened(1, instance), opened(3, instance), opened(1, "2/"+instance), opened(2, instance+"2")} {
		if a, err := other.Find(t.Context(), connector.Query{Username: "ana"}); !errors.Is(err, connector.ErrNotFound) {
			t.Errorf("another tenant's account is found: %+v, %v", a, err)
		}
	}
	if _, err := opened(2, instance).Find(t.Context(), connector.Query{Username: "ana"}); err != nil {
		t.Errorf("the tenant's own account: %v", err)
	}
	if _, err := create(opened(0, instance), "ben"); err != nil {
		t.Fatal(err)
	}
	if list := rehearsal.Named(instance).Accounts(); len(list) != 1 || list[0].Username != "ben" {
		t.Errorf("the installation's own instance has %+v", list)
	}
}

// Two servers over one journal are two processes over one outside world; the second also stands for the first after it was killed.
func TestJournal(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Symlink("a.rehearsal.jsonl", filepath.Join(dir, "b.rehearsal.jsonl")); err != nil {
		t.Fatal(err)
	}
	first, err := rehearsal.Opened(filepath.Join(dir, "a.rehearsal.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	ana, err := create(first.Connector(), "ana")
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(filepath.Join(dir, "a.rehearsal.jsonl"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.WriteString(`{"op":"create","acc`); err != nil { // what a killed writer leaves
		t.Fatal(err)
	}
	second, err := rehearsal.Opened(filepath.Join(dir, "b.rehearsal.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	if found, err := second.Connector().Find(t.Context(), connector.Query{Marker: "marker of ana"}); err != nil || !reflect.DeepEqual(found, ana) {
		t.Errorf("the second server finds %+v and %v", found, err)
	}
	if _, err := create(second.Connector(), "Ana"); !errors.Is(err, connector.ErrExists) {
		t.Errorf("the second server makes a name again that the first made: %v", err)
	}
	if _, err := create(second.Connector(), "bo"); err != nil {
		t.Fatal(err)
	}
	if _, err := create(first.Connector(), "bo"); !errors.Is(err, connector.ErrExists) {
		t.Errorf("the first server makes a name again that the second made: %v", err)
	}
	if w := first.Writes(); w.Create != 2 || w != second.Writes() {
		t.Errorf("writes are %+v and %+v, want two creates", w, second.Writes())
	}
}

func TestJournalOfSomethingElse(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.rehearsal.jsonl")
	const text = "not a journal\nat all"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := rehearsal.Opened(path); muster.CodeOf(err) != muster.Invalid {
		t.Errorf("opening something else as a journal gives %v", err)
	}
	if after, _ := os.ReadFile(path); string(after) != text {
		t.Errorf("the file was changed to %q", after)
	}
	_, err := connector.Decode(rehearsal.Kind, json.RawMessage(`{"path":"/etc/passwd"}`))
	if muster.CodeOf(err) != muster.Invalid {
		t.Errorf("any file is taken as a journal: %v", err)
	}
}
