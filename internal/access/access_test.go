package access_test

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/access"
	"github.com/musterid/muster/internal/secret"
	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// house is a database after its first start.
type house struct {
	*access.Access
	st    *store.Store
	clock *storetest.Clock
	plain string // the first admin key
	admin muster.Caller
}

func each(t *testing.T, f func(t *testing.T, h *house)) {
	t.Helper()
	for _, engine := range storetest.Engines {
		t.Run(string(engine), func(t *testing.T) {
			clock := storetest.NewClock()
			h := &house{st: storetest.OpenWithoutTenant(t, engine, storetest.WithClock(clock)), clock: clock}
			h.Access = access.New(h.st)
			t.Cleanup(h.Close)
			first, err := h.Bootstrap(t.Context(), secret.NewKey(), func(plain string) error { h.plain = plain; return nil })
			if err != nil || !first {
				t.Fatalf("first start: %v, %v", first, err)
			}
			h.admin = h.caller(t, h.plain)
			f(t, h)
		})
	}
}

func (h *house) caller(t *testing.T, plain string) muster.Caller {
	t.Helper()
	caller, err := h.CallerOfKey(t.Context(), plain)
	if err != nil {
		t.Fatal(err)
	}
	caller.Surface, caller.RequestID = "native", "r1"
	return caller
}

func (h *house) create(t *testing.T, caller muster.Caller, n access.NewKey) (string, access.KeyInfo) {
	t.Helper()
	plain, key, err := h.CreateKey(t.Context(), caller, n)
	if err != nil {
		t.Fatal(err)
	}
	return plain, key
}

func (h *house) person(t *testing.T, tenant int64, state muster.State) *store.PersonRow {
	t.Helper()
	p := &store.PersonRow{Person: muster.Person{Username: "jean.dupont001", State: state, Mode: muster.Rest, Version: 1}}
	p.Keys.Username = p.Username
	err := h.st.Update(t.Context(), tenant, func(tx *store.Tx) error {
		seqs, err := tx.NextPeople(1)
		if err != nil {
			return err
		}
		p.Seq, p.ID, p.CreatedAt, p.UpdatedAt = seqs[0], muster.PersonID(seqs[0], tx.Now()), tx.Now(), tx.Now()
		return errors.Join(tx.InsertPeople([]*store.PersonRow{p}), tx.CountPeople(map[muster.State]int{state: 1}))
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// audit gives the actions recorded in a tenant, oldest first.
func (h *house) audit(t *testing.T, tenant int64) (actions []string) {
	t.Helper()
	err := h.st.View(t.Context(), tenant, func(tx *store.Tx) error {
		rows, err := tx.SQL().QueryContext(t.Context(), "SELECT actor, action, change FROM audit WHERE tenant = $1 ORDER BY seq", tenant)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var actor, action, change string
			if err := rows.Scan(&actor, &action, &change); err != nil {
				return err
			}
			if strings.Contains(change, h.plain) {
				t.Errorf("the audit holds a key: %s", change)
			}
			actions = append(actions, actor+" "+action)
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	return actions
}

func want(t *testing.T, what string, err error, code muster.Code) {
	t.Helper()
	if got := muster.CodeOf(err); got != code {
		t.Errorf("%s: %q (%v), want %q", what, got, err, code)
	}
}

func TestFirstStart(t *testing.T) {
	for _, engine := range storetest.Engines {
		t.Run(string(engine), func(t *testing.T) {
			st := storetest.OpenWithoutTenant(t, engine)
			a := access.New(st)
			t.Cleanup(a.Close)
			key := secret.NewKey()
			var saved []string
			save := func(plain string) error { saved = append(saved, plain); return nil }

			full := errors.New("disk full")
			first, err := a.Bootstrap(t.Context(), key, func(string) error { return full })
			if first || !errors.Is(err, full) {
				t.Errorf("a start that cannot save the key: %v, %v", first, err)
			}
			if first, err = a.Bootstrap(t.Context(), key, save); !first || err != nil || len(saved) != 1 {
				t.Fatalf("first start: %v, %v, saved %d", first, err, len(saved))
			}
			if first, err = a.Bootstrap(t.Context(), key, save); first || err != nil || len(saved) != 1 {
				t.Errorf("second start: %v, %v, saved %d", first, err, len(saved))
			}
			other := secret.NewKey()
			_, err = a.Bootstrap(t.Context(), other, save)
			want(t, "another sealing key", err, muster.Policy)
			if !strings.Contains(err.Error(), key.Fingerprint()) || !strings.Contains(err.Error(), other.Fingerprint()) {
				t.Errorf("the message does not name both keys: %v", err)
			}
			caller, err := a.CallerOfKey(t.Context(), saved[0])
			if err != nil || caller.Name != "key:admin" || !caller.Has(muster.ManageTenants) {
				t.Errorf("the saved key leads to %+v, %v", caller, err)
			}
			list, err := a.Tenants(t.Context(), caller)
			if err != nil || len(list) != 1 || list[0].Code != "default" || list[0].Seq != caller.Tenant || !reflect.DeepEqual(list[0].Settings, muster.DefaultSettings()) {
				t.Errorf("tenants %+v, %v", list, err)
			}
		})
	}
}

func TestFirstStartOfManyNodesAtOnce(t *testing.T) {
	st := storetest.OpenWithoutTenant(t, store.Postgres)
	key := secret.NewKey()
	var mu sync.Mutex
	var saved, firsts int
	var nodes sync.WaitGroup
	for range 4 {
		a := access.New(storetest.AnotherNode(t, st))
		t.Cleanup(a.Close)
		nodes.Go(func() {
			first, err := a.Bootstrap(context.Background(), key, func(string) error { mu.Lock(); saved++; mu.Unlock(); return nil })
			if err != nil {
				t.Error(err)
			}
			if first {
				mu.Lock()
				firsts++
				mu.Unlock()
			}
		})
	}
	nodes.Wait()
	if saved != 1 || firsts != 1 {
		t.Errorf("%d nodes were first, %d keys saved", firsts, saved)
	}
}

func TestCallerOfKey(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		jean := h.person(t, h.admin.Tenant, muster.Active)
		reader, readerKey := h.create(t, h.admin, access.NewKey{Name: "reports", Scope: muster.ReadScope})
		personal, personalKey := h.create(t, h.admin, access.NewKey{Name: "jean's", Scope: muster.WriteScope, Person: jean.ID})
		c := h.caller(t, reader)
		if c.Tenant != h.admin.Tenant || c.Name != "key:reports" || c.Key != readerKey.Seq || c.Person != 0 || !slices.Equal(c.Grants, muster.ReadScope.Grants()) {
			t.Errorf("reader is %+v", c)
		}
		c = h.caller(t, personal)
		if c.Name != "person:jean.dupont001" || c.Person != jean.Seq || c.Key != personalKey.Seq || !c.Has(muster.WritePeople) || c.Has(muster.ManageKeys) {
			t.Errorf("person's key is %+v", c)
		}
		never, _, _ := secret.NewAPIKey()
		var texts []string
		refused := func(what, plain string) {
			t.Helper()
			caller, err := h.CallerOfKey(t.Context(), plain)
			want(t, what, err, muster.Unauthenticated)
			if caller.Tenant != 0 || len(caller.Grants) != 0 {
				t.Errorf("%s: %+v", what, caller)
			}
			texts = append(texts, err.Error())
		}
		refused("no key", "")
		refused("a word", "secret")
		refused("a mistyped key", reader[:len(reader)-1]+"~")
		refused("a key that never was", never)
		short, _ := h.create(t, h.admin, access.NewKey{Name: "short", ExpiresAt: h.clock.Now().Add(time.Hour)})
		h.clock.Advance(time.Hour - time.Microsecond)
		h.caller(t, short)
		h.clock.Advance(time.Microsecond)
		refused("an expired key", short)
		if err := h.RevokeKey(t.Context(), h.admin, readerKey.ID); err != nil {
			t.Fatal(err)
		}
		refused("a revoked key", reader)
		err := h.st.Update(t.Context(), h.admin.Tenant, func(tx *store.Tx) error {
			jean.State, jean.Version = muster.Suspended, 2
			return tx.UpdatePeople([]*store.PersonRow{jean})
		})
		if err != nil {
			t.Fatal(err)
		}
		refused("the key of a suspended person", personal)
		if len(slices.Compact(texts)) != 1 {
			t.Errorf("the refusals differ: %q", texts)
		}
	})
}

func TestRevocationReachesOtherNodesAtOnce(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		plain, key := h.create(t, h.admin, access.NewKey{Name: "reports"})
		other := access.New(storetest.AnotherNode(t, h.st, storetest.WithClock(h.clock)))
		t.Cleanup(other.Close)
		if _, err := other.CallerOfKey(t.Context(), plain); err != nil {
			t.Error(err)
		}
		if err := h.RevokeKey(t.Context(), h.admin, key.ID); err != nil {
			t.Fatal(err)
		}
		_, err := other.CallerOfKey(t.Context(), plain)
		want(t, "on another node", err, muster.Unauthenticated)
		want(t, "revoking twice", h.RevokeKey(t.Context(), h.admin, key.ID), muster.NotFound)
	})
}

func TestLastUseIsRecordedOnceAMinute(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		plain, key := h.create(t, h.admin, access.NewKey{Name: "reports"})
		used := func() time.Time {
			h.Close() // waits for what is being written
			h.Access = access.New(h.st)
			list, err := h.Keys(t.Context(), h.admin, key.Seq-1, 1)
			if err != nil || len(list) != 1 {
				t.Fatal(list, err)
			}
			return list[0].LastUsedAt
		}
		if at := used(); !at.IsZero() {
			t.Errorf("used at %v before any use", at)
		}
		start := h.clock.Now()
		for range 3 {
			h.caller(t, plain)
			if at := used(); !at.Equal(start) {
				t.Errorf("used at %v, want %v", at, start)
			}
			h.clock.Advance(20 * time.Second)
		}
		h.caller(t, plain)
		if at := used(); !at.Equal(start.Add(time.Minute)) {
			t.Errorf("a minute later used at %v", at)
		}
	})
}

func BenchmarkCallerOfKey(b *testing.B) {
	for _, engine := range storetest.Engines {
		b.Run(string(engine), func(b *testing.B) {
			a := access.New(storetest.OpenWithoutTenant(b, engine))
			b.Cleanup(a.Close)
			var plain string
			if _, err := a.Bootstrap(b.Context(), secret.NewKey(), func(p string) error { plain = p; return nil }); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if _, err := a.CallerOfKey(b.Context(), plain); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
