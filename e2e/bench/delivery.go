package main

import (
	"bytes"
	"context"
	"fmt"
	"time"

	goldap "github.com/go-ldap/ldap/v3"
	"github.com/google/uuid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/e2e/people"
	"github.com/musterid/muster/internal/sheet"
)

// atOnce is how many calls to a target run at the same time, in Muster and in the bare program.
const atOnce = 8

// measureDelivery imports people whom a target is to know, and takes the time from the first byte to the last account. The bare program adds the
// same people to slapd on as many connections.
func measureDelivery(ctx context.Context, b *bench) error {
	engines, err := b.prepare(ctx, 0, 0)
	if err != nil {
		return err
	}
	file, err := made(b.seed, sheet.CSV, b.accounts)
	if err != nil {
		return err
	}
	directory, missing := startSlapd(ctx, b.dir)
	if missing != nil {
		b.printf("  OpenLDAP is left out: %v\n", missing)
	} else {
		defer directory.stop()
	}
	t := b.table("database", "target", "accounts", "bare adds/s", "Muster accounts/s", "ratio", "of rounds")
	for _, e := range engines {
		if err := e.deliveries(ctx, t, file, directory); err != nil {
			return fmt.Errorf("%s: %w", e.name, err)
		}
	}
	t.print()
	return nil
}

func (e *engine) deliveries(ctx context.Context, t *table, file []byte, directory *slapd) error {
	var rehearsed, bare, own, toRehearsal, toLDAP []float64
	for range e.b.rounds {
		rate, err := e.deliver(ctx, file, "rehearsal", map[string]any{"instance": uuid.NewString()})
		if err != nil {
			return err
		}
		rehearsed = append(rehearsed, rate)
		if directory == nil {
			continue
		}
		before, err := directory.bare(ctx, e.b.seed, e.b.accounts)
		if err != nil {
			return err
		}
		if err := directory.empty(ctx); err != nil {
			return err
		}
		through, err := e.deliver(ctx, file, "ldap", directory.settings())
		if err != nil {
			return err
		}
		if err := directory.empty(ctx); err != nil {
			return err
		}
		after, err := directory.bare(ctx, e.b.seed, e.b.accounts)
		if err != nil {
			return err
		}
		if err := directory.empty(ctx); err != nil {
			return err
		}
		raw := (before + after) / 2
		bare, own, toLDAP, toRehearsal = append(bare, raw), append(own, through), append(toLDAP, through/raw), append(toRehearsal, rate/raw)
	}
	if directory == nil {
		t.row(e.name, "rehearsal", e.b.accounts, "-", median(rehearsed), "-", "-")
		return nil
	}
	t.row(e.name, "rehearsal", e.b.accounts, median(bare), median(rehearsed), share(median(toRehearsal)), shares(toRehearsal))
	t.row(e.name, "OpenLDAP", e.b.accounts, median(bare), median(own), share(median(toLDAP)), shares(toLDAP))
	return nil
}

// deliver imports a file with a target in place and gives accounts per second, the import included.
func (e *engine) deliver(ctx context.Context, file []byte, kind string, config any) (rate float64, err error) {
	p, end, err := e.begin(ctx)
	if err != nil {
		return 0, err
	}
	defer func() { err = firstOf(err, end()) }()
	if err := p.aim(ctx, kind, config, atOnce); err != nil {
		return 0, err
	}
	start := time.Now()
	b, err := p.load(ctx, bytes.NewReader(file), sheet.CSV)
	if err != nil {
		return 0, err
	}
	following, err := p.waitForAccounts(ctx, b)
	if err != nil {
		return 0, err
	}
	spent := time.Since(start)
	if following.State != muster.Finished || following.Counts.Done != e.b.accounts {
		return 0, fmt.Errorf("the accounts ended %s with %+v of %d", following.State, following.Counts, following.Total)
	}
	return float64(e.b.accounts) / spent.Seconds(), nil
}

// bare adds people to the directory with as many connections as Muster has, and gives adds per second.
func (s *slapd) bare(ctx context.Context, seed uint64, n int) (float64, error) {
	adds := make([]*goldap.AddRequest, n)
	m := people.New(seed, "bare")
	for i := range adds {
		adds[i] = addRequest(m.Next(), fmt.Sprintf("bare%06d", i))
	}
	spent, err := s.each(ctx, n, func(c *goldap.Conn, i int) error { return c.Add(adds[i]) })
	return float64(n) / spent.Seconds(), err
}

// addRequest is the entry that Muster's kind ldap makes of the same person.
func addRequest(p people.Person, username string) *goldap.AddRequest {
	add := goldap.NewAddRequest("uid="+username+","+slapdPeople, nil)
	for name, value := range map[string]string{
		"uid": username, "cn": p.First + " " + p.Last, "sn": p.Last, "givenName": p.First, "displayName": p.First + " " + p.Last, "mail": p.Email,
		"departmentNumber": p.Department, "labeledURI": "urn:uuid:" + username + " muster",
	} {
		add.Attribute(name, []string{value})
	}
	add.Attribute("objectClass", []string{"inetOrgPerson", "organizationalPerson", "person", "top"})
	return add
}
