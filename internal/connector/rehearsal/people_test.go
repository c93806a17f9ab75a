package rehearsal_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/connector"
	"github.com/musterid/muster/internal/connector/connectortest"
	"github.com/musterid/muster/internal/connector/rehearsal"
)

func withMail(t *testing.T, c connector.Connector, username, email string) string {
	t.Helper()
	a, err := c.Apply(t.Context(), connector.Step{
		Intent: connector.Create, Username: username, Change: muster.Diff(nil, muster.Record{"username": username, "enabled": true, "email": email}),
	})
	if err != nil {
		t.Fatal(err)
	}
	return a.ExternalID
}

func progressOf(t *testing.T, c connector.Connector, ids ...string) map[string]connector.Progress {
	t.Helper()
	found := map[string]connector.Progress{}
	err := c.(connector.Activator).Activations(t.Context(), ids, func(id string, p connector.Progress) error {
		found[id] = p
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// A mail is counted, its person comes as far as they are told to, and accounts that are gone are not among those given.
func TestMails(t *testing.T) {
	t.Parallel()
	s := rehearsal.NewServer()
	c := s.Connector()
	ana, bo, cy := withMail(t, c, "ana", "ana@x.test"), withMail(t, c, "bo", "no-bo@x.test"), withMail(t, c, "cy", "")
	s.Set(rehearsal.Faults{RefuseMail: []string{"no-"}})
	invite := func(id string) error { return c.(connector.Activator).Invite(t.Context(), id, time.Hour) }
	if err := invite(ana); err != nil {
		t.Fatal(err)
	}
	for name, id := range map[string]string{"a refused address": bo, "no address": cy} {
		if v := connector.Verdict(invite(id)); !v.Permanent {
			t.Errorf("%s is marked %+v", name, v)
		}
	}
	if err := invite("nobody"); !errors.Is(err, connector.ErrNotFound) {
		t.Errorf("mail to nobody gives %v", err)
	}
	mails := s.Mails()
	if len(mails) != 1 || mails[0].ExternalID != ana || mails[0].To != "ana@x.test" || mails[0].Life != time.Hour {
		t.Errorf("mails %+v", mails)
	}
	if got := progressOf(t, c, ana, "nobody"); len(got) != 1 || got[ana] != connector.NotBegun {
		t.Errorf("at first %v", got)
	}
	s.SetProgress(ana, connector.Begun)
	if err := c.(connector.PasswordSetter).SetPassword(t.Context(), bo, "Trois-petits-chats"); err != nil {
		t.Fatal(err)
	}
	if got := progressOf(t, c, ana, bo, cy); got[ana] != connector.Begun || got[bo] != connector.Activated || got[cy] != connector.NotBegun {
		t.Errorf("then %v", got)
	}
	stop := errors.New("stop")
	if err := c.(connector.Activator).Activations(t.Context(), []string{ana}, func(string, connector.Progress) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("a receiver that stops gets %v", err)
	}
	s.Set(rehearsal.Faults{Down: true})
	if err := invite(ana); !connector.Verdict(err).Down || len(s.Mails()) != 1 {
		t.Errorf("down: %v, %d mails", err, len(s.Mails()))
	}
	s.Set(rehearsal.Faults{FailAfterCommitPercent: 100})
	if err := invite(ana); err == nil || len(s.Mails()) != 2 {
		t.Errorf("a lost answer: %v, %d mails", err, len(s.Mails()))
	}
}

func TestPeopleWhoActivateByThemselves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := rehearsal.NewServer()
		s.Set(rehearsal.Faults{ActivateAfterSecs: 60})
		c := s.Connector()
		ana, bo := withMail(t, c, "ana", "ana@x.test"), withMail(t, c, "bo", "bo@x.test")
		if err := c.(connector.Activator).Invite(t.Context(), ana, time.Hour); err != nil {
			t.Fatal(err)
		}
		time.Sleep(59 * time.Second)
		if got := progressOf(t, c, ana, bo); got[ana] != connector.NotBegun {
			t.Errorf("before: %v", got)
		}
		time.Sleep(time.Second)
		if got := progressOf(t, c, ana, bo); got[ana] != connector.Activated || got[bo] != connector.NotBegun {
			t.Errorf("after: %v", got)
		}
	})
}

// What people did outlives the process with the journal, and no password stands in it.
func TestPeopleInTheJournal(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Symlink("a.rehearsal.jsonl", filepath.Join(dir, "b.rehearsal.jsonl")); err != nil {
		t.Fatal(err)
	}
	first, err := rehearsal.Opened(filepath.Join(dir, "a.rehearsal.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	c := first.Connector()
	ana, bo := withMail(t, c, "ana", "ana@x.test"), withMail(t, c, "bo", "bo@x.test")
	if err := c.(connector.Activator).Invite(t.Context(), ana, time.Hour); err != nil {
		t.Fatal(err)
	}
	if err := c.(connector.PasswordSetter).SetPassword(t.Context(), ana, "Trois-petits-chats"); err != nil {
		t.Fatal(err)
	}
	first.SetProgress(bo, connector.Begun)
	second, err := rehearsal.Opened(filepath.Join(dir, "b.rehearsal.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	if got := progressOf(t, second.Connector(), ana, bo); got[ana] != connector.Activated || got[bo] != connector.Begun {
		t.Errorf("progress %v", got)
	}
	if ok, err := second.PasswordIs(t.Context(), ana, "Trois-petits-chats"); !ok || err != nil {
		t.Errorf("the password is not known: %v", err)
	}
	if m := second.Mails(); len(m) != 1 || m[0].To != "ana@x.test" || second.Writes() != (rehearsal.Writes{Create: 2}) {
		t.Errorf("mails %+v, writes %+v", m, second.Writes())
	}
	if _, err := second.Connector().Apply(context.Background(), connector.Step{Intent: connector.Ensure, ExternalID: ana, Change: muster.Diff(muster.Record{}, nil)}); err != nil {
		t.Fatal(err)
	}
	if ok, _ := first.PasswordIs(t.Context(), ana, "Trois-petits-chats"); ok || len(first.Mails()) != 1 {
		t.Error("the password outlives the account, or its mail does not")
	}
	journal, _ := os.ReadFile(filepath.Join(dir, "a.rehearsal.jsonl"))
	if len(journal) == 0 || bytes.Contains(journal, []byte("petits")) {
		t.Errorf("the journal has nothing, or the password: %s", journal)
	}
}

func TestActivations(t *testing.T) {
	t.Parallel()
	server := func() *rehearsal.Server { return rehearsal.Named("activations") }
	idOf := func(t testing.TB, address string) string {
		t.Helper()
		for _, a := range server().Accounts() {
			if a.Attributes.Text("email") == address {
				return a.ExternalID
			}
		}
		t.Fatalf("nobody has the address %s", address)
		return ""
	}
	connectortest.Activations(t, connectortest.ActivationHarness{
		Harness: harness(t, `{"instance":"activations"}`, server),
		Mailed: func(_ testing.TB, address string) (n int) {
			for _, m := range server().Mails() {
				if m.To == address {
					n++
				}
			}
			return n
		},
		Begin:  func(t testing.TB, address string) { server().SetProgress(idOf(t, address), connector.Begun) },
		Finish: func(t testing.TB, address string) { server().SetProgress(idOf(t, address), connector.Activated) },
	})
}
