package ldap_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	goldap "github.com/go-ldap/ldap/v3"
	"github.com/google/uuid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/connector"
	"github.com/musterid/muster/internal/connector/connectortest"
	"github.com/musterid/muster/internal/connector/ldap"
	"github.com/musterid/muster/internal/connector/ldap/ldaptest"
)

func creation(wanted muster.Record) connector.Step {
	return connector.Step{
		Intent: connector.Create, Marker: "urn:uuid:" + uuid.NewString(), Username: wanted.Text("username"),
		Change: muster.Diff(nil, wanted), Wanted: wanted,
	}
}

func correction(id string, current, wanted muster.Record) connector.Step {
	return connector.Step{
		Intent: connector.Ensure, ExternalID: id, Username: wanted.Text("username"), Change: muster.Diff(current, wanted), Wanted: wanted,
	}
}

func mustApply(t testing.TB, c connector.Connector, s connector.Step) connector.Account {
	t.Helper()
	a, err := c.Apply(t.Context(), s)
	if err != nil {
		t.Fatalf("Apply %s %q: %v", s.Intent, s.Username, err)
	}
	return a
}

func entryOf(t testing.TB, s *ldaptest.Server, id string) *goldap.Entry {
	t.Helper()
	found := s.Search(t, "(entryUUID="+id+")")
	if len(found) != 1 {
		t.Fatalf("%d entries have the id %s, want 1", len(found), id)
	}
	return found[0]
}

func ana() muster.Record {
	return muster.Record{"username": "ana", "enabled": true, "first_name": "Ana", "last_name": "Díaz", "email": "ana@example.org"}
}

func wantMark(t testing.TB, err error, permanent, down bool, field, words string) {
	t.Helper()
	var told *muster.Error
	if !errors.As(err, &told) {
		t.Fatalf("error %v is not a muster.Error", err)
	}
	v := connector.Verdict(err)
	if v.Permanent != permanent || v.Down != down || told.Field != field || !strings.Contains(told.Message, words) {
		t.Errorf("error is %q (field %q, permanent %v, down %v); want words %q, field %q, permanent %v, down %v",
			told.Message, told.Field, v.Permanent, v.Down, words, field, permanent, down)
	}
}

func TestThousandHostileNames(t *testing.T) {
	t.Parallel()
	s := ldaptest.Start(t)
	h := harness(t, s)
	h.Refuses = nil
	connectortest.RandomNames(t, h, 1000, 20261121)
	if left := s.Usernames(t); len(left) != 0 {
		t.Errorf("accounts are left: %q", left)
	}
}

func TestConnecting(t *testing.T) {
	t.Parallel()
	s := ldaptest.Start(t)
	silent, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and never says a word
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	for name, test := range map[string]struct {
		set          settings
		field, words string // "" when it works
	}{
		"StartTLS":            {set: settings{}},
		"LDAPS":               {set: settings{"url": s.TLSURL, "start_tls": "none"}},
		"Plain":               {set: settings{"start_tls": "none", "ca": ""}},
		"Anonymous":           {set: settings{"bind_dn": "", "bind_password": ""}},
		"StrangeCertificate":  {set: settings{"ca": ""}, field: "config.url", words: "certificate"},
		"StrangeCertificateS": {set: settings{"ca": "", "url": s.TLSURL}, field: "config.url", words: "certificate"},
		"NobodyListens":       {set: settings{"url": "ldap://127.0.0.1:1"}, field: "config.url", words: "cannot be reached"},
		"WrongPassword":       {set: settings{"bind_password": "x"}, field: "config.bind_password", words: "does not accept"},
		"UnknownBindName":     {set: settings{"bind_dn": "cn=nobody," + ldaptest.BaseDN}, field: "config.bind_password", words: "does not accept"},
		"Silent":              {set: settings{"url": "ldap://" + silent.Addr().String()}, field: "config.url", words: "deadline"},
	} {
		t.Run(name, func(t *testing.T) {
			short := env
			if name == "Silent" {
				short.Timeout = 200 * time.Millisecond
			}
			c, err := ldap.Kind.Open(t.Context(), decode(t, basic(s, test.set)), short)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			err = c.Check(t.Context())
			if test.field == "" {
				if err != nil {
					t.Errorf("Check: %v", err)
				}
				return
			}
			wantMark(t, err, false, true, test.field, test.words)
		})
	}
	t.Run("GuardedAddress", func(t *testing.T) {
		c, err := ldap.Kind.Open(t.Context(), decode(t, basic(s)), connector.Environment{})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		wantMark(t, c.Check(t.Context()), false, true, "", "is not called")
	})
}

func TestCheckComparesSettings(t *testing.T) {
	t.Parallel()
	s := ldaptest.Start(t)
	for name, test := range map[string]struct {
		set          settings
		field, words string
	}{
		"NoBase":      {settings{"base_dn": "ou=nowhere," + ldaptest.BaseDN}, "config.base_dn", "has no entry ou=nowhere"},
		"NoParent":    {settings{"dn": "uid={username},ou=nowhere," + ldaptest.People}, "config.dn", "has no entry"},
		"NoDisabled":  {settings{"disable": "move", "disabled_dn": "ou=nowhere," + ldaptest.People}, "config.disabled_dn", "has no entry"},
		"NoGroups":    {settings{"groups_base_dn": "ou=nowhere," + ldaptest.BaseDN}, "config.groups_base_dn", "has no entry"},
		"NoAttribute": {settings{"attributes": settings{"nickname": "nickName"}}, "config.attributes", "no attribute nickName"},
		"NoClass":     {settings{"object_classes": []string{"eduPerson"}}, "config.object_classes", "no object class eduPerson"},
		"NoOverlay":   {settings{"disable": "lock"}, "config.disable", "password policy overlay"},
	} {
		t.Run(name, func(t *testing.T) {
			err := open(t, basic(s, test.set)).Check(t.Context())
			wantMark(t, err, true, false, test.field, test.words)
		})
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	s := ldaptest.Start(t)
	reader := open(t, basic(s, settings{"bind_dn": ldaptest.ReaderDN, "bind_password": ldaptest.ReaderPassword}))
	_, err := reader.Apply(t.Context(), creation(ana()))
	wantMark(t, err, true, false, "", "does not let "+ldaptest.ReaderDN+" add the entry")
	c := open(t, basic(s))
	made := mustApply(t, c, creation(ana()))
	before := s.Raw(t, made.ExternalID)

	_, err = reader.Apply(t.Context(), correction(made.ExternalID, ana(), ana().Apply(change("email", "x@example.org"))))
	wantMark(t, err, true, false, "", "change the entry")
	// An address with an accent does not fit into mail, which is ASCII.
	_, err = c.Apply(t.Context(), correction(made.ExternalID, ana(), ana().Apply(change("email", "é@example.org"))))
	wantMark(t, err, true, false, "email", "value of mail")
	_, err = c.Apply(t.Context(), connector.Step{Intent: connector.Ensure, Username: "ana", Change: muster.Diff(ana(), nil)})
	wantMark(t, err, true, false, "", "external id")
	if after := s.Raw(t, made.ExternalID); after != before {
		t.Errorf("a refused change left something.\nbefore: %s\nafter: %s", before, after)
	}

	none := open(t, basic(s, settings{"disable": "none"}))
	_, err = none.Apply(t.Context(), correction(made.ExternalID, ana(), ana().Apply(change("enabled", false))))
	wantMark(t, err, true, false, "enabled", "not to disable")
}

func change(field string, after any) muster.Change {
	return muster.Change{Action: muster.Update, Fields: []muster.FieldChange{{Field: field, After: after}}}
}

// The connection of a server that went away is not used again, and nobody has to be told that it is back.
func TestServerGoesAndComesBack(t *testing.T) {
	t.Parallel()
	s := ldaptest.Start(t)
	c := open(t, basic(s))
	made := mustApply(t, c, creation(ana()))
	s.Stop()
	_, err := c.Find(t.Context(), connector.Query{ExternalID: made.ExternalID})
	if !connector.Verdict(err).Down {
		t.Errorf("Find without a server: %v; want it marked Down", err)
	}
	s.Restart()
	if _, err := c.Find(t.Context(), connector.Query{ExternalID: made.ExternalID}); err != nil {
		t.Errorf("Find after the server came back: %v", err)
	}
}

// Being cancelled ends a call that waits for an answer which never comes.
func TestCancelledMidway(t *testing.T) {
	t.Parallel()
	s := ldaptest.Start(t)
	proxy := newStallingProxy(t, strings.TrimPrefix(s.URL, "ldap://"))
	c := open(t, basic(s, settings{"url": "ldap://" + proxy.addr, "start_tls": "none"}))
	if err := c.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	proxy.stall()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := c.Find(ctx, connector.Query{Username: "ana"})
		done <- err
	}()
	select {
	case <-proxy.asked:
	case err := <-done:
		t.Fatalf("nothing was asked: %v", err)
	}
	cancel()
	select {
	case err := <-done:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("the cancelled call gives %v; want context.Canceled", err)
		}
	case <-time.After(time.Minute):
		t.Fatal("the cancelled call does not end")
	}
}

// stallingProxy passes bytes on until it is told to swallow what the client says.
type stallingProxy struct {
	addr  string
	asked chan struct{}

	mu      sync.Mutex
	stalled bool
}

func (p *stallingProxy) stall() { p.mu.Lock(); p.stalled = true; p.mu.Unlock() }

func newStallingProxy(t *testing.T, to string) *stallingProxy {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &stallingProxy{addr: l.Addr().String(), asked: make(chan struct{}, 100)}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", to)
			if err != nil {
				client.Close()
				return
			}
			wg.Go(func() { p.pass(client, server, true); server.Close() })
			wg.Go(func() { p.pass(server, client, false); client.Close() })
		}
	})
	t.Cleanup(func() { l.Close(); wg.Wait() })
	return p
}

func (p *stallingProxy) pass(from, to net.Conn, asking bool) {
	buffer := make([]byte, 4096)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		p.mu.Lock()
		swallow := p.stalled && asking
		p.mu.Unlock()
		if swallow {
			p.asked <- struct{}{}
			continue
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// As many connections as calls at once, and no more; they are kept.
func TestConnectionsAreBoundedAndKept(t *testing.T) {
	t.Parallel()
	s := ldaptest.Start(t)
	small := env
	small.Size = 3
	c, err := ldap.Kind.Open(t.Context(), decode(t, basic(s)), small)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	before := opened(t, s)
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			if _, err := c.Find(t.Context(), connector.Query{Username: fmt.Sprint("nobody", i)}); !errors.Is(err, connector.ErrNotFound) {
				t.Errorf("Find: %v", err)
			}
		})
	}
	wg.Wait()
	if n := opened(t, s) - before - 1; n < 1 || n > 3 { // looking makes one connection itself
		t.Errorf("40 calls opened %d connections, want 1 to 3", n)
	}
}

// opened counts the connections that the server ever took.
func opened(t testing.TB, s *ldaptest.Server) (n int) {
	s.Do(t, func(c *goldap.Conn) error {
		r, err := c.Search(goldap.NewSearchRequest("cn=Total,cn=Connections,cn=Monitor", goldap.ScopeBaseObject, goldap.NeverDerefAliases, 0, 0, false,
			"(objectClass=*)", []string{"monitorCounter"}, nil))
		if err == nil {
			_, err = fmt.Sscan(r.Entries[0].GetAttributeValue("monitorCounter"), &n)
		}
		return err
	})
	return n
}

func TestListingPages(t *testing.T) {
	t.Parallel()
	s := ldaptest.Start(t)
	c := open(t, basic(s, settings{"page_size": 7}))
	var want []string
	for i := range 30 {
		want = append(want, fmt.Sprintf("page%02d", i))
		s.Plant(t, want[i])
	}
	var got []string
	err := c.(connector.Lister).List(t.Context(), func(a connector.Account) error { got = append(got, a.Username); return nil })
	if slices.Sort(got); err != nil || !slices.Equal(got, want) {
		t.Errorf("List in pages of 7 gives %q and %v, want %q", got, err, want)
	}
	s.Reconfigure(`limits * size.soft=1000 size.hard=1000 size.prtotal=20`)
	got = nil
	err = c.(connector.Lister).List(t.Context(), func(a connector.Account) error { got = append(got, a.Username); return nil })
	if !errors.Is(err, connector.ErrIncomplete) || len(got) < 14 {
		t.Errorf("a listing that the server stops after 20 gives %d accounts and %v; want some and ErrIncomplete", len(got), err)
	}
}
