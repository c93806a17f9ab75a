package connectortest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/musterid/muster/internal/connector"
)

func (s *suite) rename(t *testing.T) {
	wanted, marker := person(name("before")), "urn:uuid:"+uuid.NewString()
	made := s.mustApply(t, creation(wanted, marker))
	next := with(wanted, map[string]any{"username": name("after"), s.Fields[0]: "Renée"})
	step := correction(made.ExternalID, marker, wanted, next)
	for range 2 {
		renamed := s.mustApply(t, step)
		s.wantPerson(t, renamed, next)
		if renamed.ExternalID != made.ExternalID {
			t.Fatalf("the external id changed from %s to %s", made.ExternalID, renamed.ExternalID)
		}
	}
	s.wantNotFound(t, connector.Query{Username: made.Username})
	s.wantPerson(t, s.mustFind(t, connector.Query{Username: next.Text("username")}), next)
	s.wantPerson(t, s.mustFind(t, connector.Query{ExternalID: made.ExternalID}), next)

	// The old name is free at the target; whether it may be given again is not the connector's business.
	s.mustApply(t, creation(with(wanted, map[string]any{"email": name("before") + "@example.org"}), "urn:uuid:"+uuid.NewString()))
}

func (s *suite) renameTaken(t *testing.T) {
	username := name("holder")
	check := s.untouched(t, s.Plant(t, username))
	wanted, marker := person(name("wants")), "urn:uuid:"+uuid.NewString()
	made := s.mustApply(t, creation(wanted, marker))
	checkOurs := s.untouched(t, made.ExternalID)
	next := with(wanted, map[string]any{"username": username, s.Fields[0]: "Renée"})
	if _, err := s.c.Apply(t.Context(), correction(made.ExternalID, marker, wanted, next)); !errors.Is(err, connector.ErrExists) {
		t.Errorf("rename onto a stranger's name: %v; want ErrExists", err)
	}
	check()
	checkOurs()
}

func (s *suite) groups(t *testing.T) {
	one, two := s.Groups[0], s.Groups[1]
	wanted, marker := person(name("member")), "urn:uuid:"+uuid.NewString()
	in := with(wanted, map[string]any{"groups": []string{one}})
	made := s.mustApply(t, creation(in, marker))
	expect := func(when string, groups ...string) {
		t.Helper()
		slices.Sort(groups)
		if got := s.Members(t, made.ExternalID); !slices.Equal(got, groups) {
			t.Errorf("%s: the account is in %q, want %q", when, got, groups)
		}
		found := s.mustFind(t, connector.Query{ExternalID: made.ExternalID})
		got, _ := found.Attributes["groups"].([]string)
		if !slices.Equal(got, groups) {
			t.Errorf("%s: Find gives groups %q, want %q", when, got, groups)
		}
	}
	expect("created in one group", one)

	both := with(wanted, map[string]any{"groups": []any{one, two}}) // as JSON decodes it
	for range 2 {
		s.mustApply(t, correction(made.ExternalID, marker, in, both))
		expect("joined another", one, two)
	}
	last := with(wanted, map[string]any{"groups": []string{two}})
	for range 2 {
		s.mustApply(t, correction(made.ExternalID, marker, both, last))
		expect("left the first", two)
	}
	if s.PlantMember != nil {
		s.PlantMember(t, one, made.ExternalID)
		s.mustApply(t, correction(made.ExternalID, marker, last, with(last, map[string]any{s.Clear: nil})))
		expect("somebody else put it into the first", one, two)
		s.mustApply(t, correction(made.ExternalID, marker, last, wanted))
		expect("left what was ours, and not what was not", one)
		s.mustApply(t, correction(made.ExternalID, marker, in, wanted))
	} else {
		s.mustApply(t, correction(made.ExternalID, marker, last, wanted))
	}
	expect("left all")

	if s.Kind.Powers.Rename {
		s.mustApply(t, correction(made.ExternalID, marker, wanted, both))
		s.mustApply(t, correction(made.ExternalID, marker, both, with(both, map[string]any{"username": name("member")})))
		expect("renamed", one, two)
	}
	off := with(both, map[string]any{"enabled": false})
	s.mustApply(t, correction(made.ExternalID, marker, both, off))
	s.mustApply(t, correction(made.ExternalID, marker, off, both))
	expect("disabled and enabled", one, two)
}

func (s *suite) list(t *testing.T) {
	made := s.mustApply(t, creation(person(name("listed")), "urn:uuid:"+uuid.NewString()))
	stranger := s.Plant(t, name("listed"))
	seen := map[string]connector.Account{}
	err := s.c.(connector.Lister).List(t.Context(), func(a connector.Account) error {
		if _, twice := seen[a.ExternalID]; twice {
			t.Errorf("account %s is listed twice", a.ExternalID)
		}
		seen[a.ExternalID] = a
		return nil
	})
	if err != nil {
		t.Fatalf("List: %v", err)
	}
	s.wantPerson(t, seen[made.ExternalID], person(made.Username))
	if _, ok := seen[stranger]; !ok {
		t.Errorf("a stranger's account is not listed; all accounts are")
	}
	if names := s.Names(t); len(seen) != len(names) {
		t.Errorf("%d accounts are listed, the target has %d", len(seen), len(names))
	}
	stop := errors.New("stop")
	if err := s.c.(connector.Lister).List(t.Context(), func(connector.Account) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("List whose receiver stops gives %v; want the receiver's error", err)
	}
}

// An account missing from a listing that was cut short has not been deleted: nothing else protects it from being taken for a leaver.
func (s *suite) listCut(t *testing.T) {
	if s.CutList == nil {
		t.Log("this target cannot be made to cut listings short")
		return
	}
	s.CutList(t, true)
	defer s.CutList(t, false)
	err := s.c.(connector.Lister).List(t.Context(), func(connector.Account) error { return nil })
	if !errors.Is(err, connector.ErrIncomplete) {
		t.Errorf("a listing cut short ends in %v; want ErrIncomplete", err)
	}
}

func (s *suite) cancelled(t *testing.T) {
	wanted := person(name("cancelled"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	calls := map[string]func() error{
		"Check": func() error { return s.c.Check(ctx) },
		"Find":  func() error { _, err := s.c.Find(ctx, connector.Query{Username: wanted.Text("username")}); return err },
		"Apply": func() error { _, err := s.c.Apply(ctx, creation(wanted, "")); return err },
	}
	for label, call := range calls {
		err := ended(t, call)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s with a cancelled context gives %v; want context.Canceled", label, err)
		}
		if v := connector.Verdict(err); v.Down || v.Permanent {
			t.Errorf("%s: being cancelled says nothing about the target, but is marked %+v", label, v)
		}
	}
	s.wantNotFound(t, connector.Query{Username: wanted.Text("username")})
}

func (s *suite) parallel(t *testing.T) {
	const callers = 50
	username := name("race")
	var (
		wg      sync.WaitGroup
		results [callers]error
		start   = make(chan struct{})
	)
	for i := range callers {
		wg.Go(func() {
			<-start
			_, results[i] = s.c.Apply(t.Context(), creation(person(username), fmt.Sprintf("urn:uuid:%s", uuid.NewString())))
		})
	}
	close(start)
	wg.Wait()
	made := 0
	for _, err := range results {
		switch {
		case err == nil:
			made++
		case !errors.Is(err, connector.ErrExists):
			t.Errorf("a create that lost the race gives %v; want ErrExists", err)
		}
	}
	if made != 1 {
		t.Errorf("%d of %d creates of one name succeeded; want 1", made, callers)
	}
}

// Hostile are names that mean something to somebody: query languages, distinguished names, URLs, shells, terminals.
func Hostile() []string {
	return []string{
		"*", "wild*card", ")(uid=*", "*)(objectClass=*", "(paren", "paren)", `back\slash`, `back\2aslash`, `trailing\`, "nul\x00byte",
		"comma,name", "plus+name", "quote\"name", "angle<name>", "semi;colon", "#hash", "hash#inside", "equals=name", "uid=admin,ou=people",
		" leading blank", "trailing blank ", "# both ", "in  side", "tab\tname", "slash/name", "per%2Fcent", "dot.dot", "..", "at@name",
		"quo'te", "q?uestion&amp", "colon:name", "$dollar", "{brace}", "ünïcödé", "e\u0301combined", "𝒜𝓁𝒾𝒸𝑒", "😀smile", "محمد", "שלום", "王小明",
		"rtl\u202eoverride", strings.Repeat("l", 64), strings.Repeat("é", 64), strings.Repeat("very long ", 100) + "end",
	}
}

func (s *suite) hostile(t *testing.T) {
	for i, username := range Hostile() {
		t.Run(fmt.Sprintf("%02d", i), func(t *testing.T) { s.roundTrip(t, username) })
	}
}

// roundTrip makes an account of a name and finds it again by every way there is, then removes it.
func (s *suite) roundTrip(t testing.TB, username string) {
	t.Helper()
	marker := "urn:uuid:" + uuid.NewString()
	wanted := personAt(username, "hostile@example.org")
	made, err := s.c.Apply(t.Context(), creation(wanted, marker))
	if err != nil && s.Refuses != nil && s.Refuses(username) {
		if !connector.Verdict(err).Permanent {
			t.Errorf("a name that the target's rules forbid is not refused for good: %v", err)
		}
		s.wantNotFound(t, connector.Query{Username: username})
		return
	}
	if err != nil {
		t.Fatalf("create %q: %v", username, err)
	}
	s.wantPerson(t, made, wanted)
	for _, q := range []connector.Query{{Username: username}, {ExternalID: made.ExternalID}} {
		if found := s.mustFind(t, q); found.ExternalID != made.ExternalID || found.Username != username {
			t.Errorf("Find %+v gives %q (%s), want %q (%s)", q, found.Username, found.ExternalID, username, made.ExternalID)
		}
	}
	if s.Kind.Powers.Rename {
		plain := with(wanted, map[string]any{"username": name("plain")})
		s.wantPerson(t, s.mustApply(t, correction(made.ExternalID, marker, wanted, plain)), plain)
		s.wantPerson(t, s.mustApply(t, correction(made.ExternalID, marker, plain, wanted)), wanted)
	}
	s.mustApply(t, removal(made.ExternalID, wanted))
	s.wantNotFound(t, connector.Query{Username: username})
}
