package access_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alexedwards/argon2id"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/access"
	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

const good = "correct horse"

func TestWhoSignsIn(t *testing.T) {
	eachLodge(t, func(t *testing.T, h *lodge) {
		ana := h.named(t, h.tenant, "ana", muster.Active)
		h.named(t, h.tenant, "nopass", muster.Active)
		unit := h.assign(t, h.tenant, ana.Seq, "establishment", "admin_staff")
		h.setPassword(t, ana.Seq, good)
		for _, login := range []string{"ana", "ANA", "Ana@Example.org"} {
			c, err := h.SignIn(t.Context(), "", login, good)
			if err != nil || c.Tenant != h.tenant || c.Person != ana.Seq || c.Name != "person:ana" || c.Key != 0 || c.Has(muster.WritePeople) {
				t.Fatalf("%s is %+v, %v", login, c, err)
			}
			if !slices.Contains(c.Grants, muster.Grant{Privilege: muster.WritePeople, Scope: muster.UnitScope, Object: unit}) {
				t.Errorf("%s may %v", login, c.Grants)
			}
		}
		texts := map[string]bool{}
		refused := func(what, hint, login, password string) {
			t.Helper()
			c, err := h.SignIn(t.Context(), hint, login, password)
			want(t, what, err, muster.Unauthenticated)
			if c.Tenant != 0 || c.Person != 0 || len(c.Grants) != 0 {
				t.Errorf("%s: %+v", what, c)
			}
			texts[fmt.Sprint(err)] = true
		}
		refused("a wrong password", "", "ana", good+"x")
		refused("another case", "", "ana", strings.ToUpper(good))
		refused("no password", "", "ana", "")
		refused("a long password", "", "ana", strings.Repeat("x", 1<<20))
		refused("nobody", "", "eve", good)
		refused("no login", "", "", good)
		refused("a login of NUL", "", "ana\x00", good)
		refused("a login that is no text", "", "\xff", good)
		refused("a long login", "", strings.Repeat("a", 100_000), good)
		refused("somebody without a password", "", "nopass", good)
		refused("a tenant of nobody", "other", "ana", good)
		refused("a tenant of NUL", "\x00", "ana", good)
		for _, state := range []muster.State{muster.Staged, muster.Suspended, muster.Archived, muster.Deleted} {
			h.set(t, h.tenant, ana, state)
			refused(string(state), "", "ana", good)
		}
		if len(texts) != 1 {
			t.Errorf("the refusals differ: %v", texts)
		}
	})
}

func TestSignInWithSeveralTenants(t *testing.T) {
	eachLodge(t, func(t *testing.T, h *lodge) {
		h.setPassword(t, h.named(t, h.tenant, "ana", muster.Active).Seq, good)
		second, err := h.CreateTenant(t.Context(), h.admin, access.NewTenant{Code: "school", Name: "School"})
		if err != nil {
			t.Fatal(err)
		}
		other := h.named(t, second.Seq, "ana", muster.Active)
		hash, _ := h.HashFor(t.Context(), "another horse")
		h.write(t, second.Seq, func(tx *store.Tx) error { return tx.SetCredential(other.Seq, hash) })
		for _, c := range []struct {
			hint, password string
			tenant         int64
		}{{"default", good, h.tenant}, {"school", "another horse", second.Seq}, {"school", good, 0}, {"default", "another horse", 0}, {"", good, 0}} {
			caller, err := h.SignIn(t.Context(), c.hint, "ana", c.password)
			if caller.Tenant != c.tenant || (err == nil) != (c.tenant != 0) {
				t.Errorf("%q with %q: %+v, %v", c.hint, c.password, caller, err)
			}
		}
	})
}

// closed has the door closed to somebody for long: only who has proven the password comes in.
func (h *lodge) closed(t *testing.T, person int64, until time.Time) {
	t.Helper()
	h.write(t, h.tenant, func(tx *store.Tx) error {
		s, err := tx.SignIn(person)
		if err != nil {
			return err
		}
		return tx.SaveTries(s, store.Tries{Fails: 9, LockedUntil: until})
	})
}

func TestProofsStandForAHash(t *testing.T) {
	eachLodge(t, func(t *testing.T, h *lodge) {
		ana := h.named(t, h.tenant, "ana", muster.Active)
		h.setPassword(t, ana.Seq, good)
		if !h.signs(t, "ana", good) {
			t.Fatal("not let in")
		}
		h.closed(t, ana.Seq, h.clock.Now().Add(time.Hour))
		if !h.signs(t, "ana", good) || !h.signs(t, "ana@example.org", good) {
			t.Error("who has proven the password is kept out by others' guesses")
		}
		if h.signs(t, "ana", good+"x") {
			t.Error("a wrong password is let in")
		}
		other := h.node(t, storetest.AnotherNode(t, h.st, storetest.WithClock(h.clock)))
		if signsAt(t, other, "ana", good) {
			t.Error("the door is open at another process")
		}
		h.clock.Advance(access.ProofFor)
		if h.signs(t, "ana", good) {
			t.Error("a proof has no end")
		}
	})
}

func TestChangesTakeEffectAtOnce(t *testing.T) {
	eachLodge(t, func(t *testing.T, h *lodge) {
		ana := h.named(t, h.tenant, "ana", muster.Active)
		h.setPassword(t, ana.Seq, good)
		if !h.signs(t, "ana", good) {
			t.Fatal("not let in")
		}
		h.set(t, h.tenant, ana, muster.Suspended)
		if h.signs(t, "ana", good) {
			t.Error("suspended, and let in")
		}
		h.set(t, h.tenant, ana, muster.Active)
		if !h.signs(t, "ana", good) {
			t.Error("active again, and not let in")
		}
		h.setPassword(t, ana.Seq, "another horse")
		if h.signs(t, "ana", good) || !h.signs(t, "ana", "another horse") {
			t.Error("the old password counts, or the new one does not")
		}
		// The version begins anew with a password that is deleted and set: the proof of the first does not count for it.
		h.write(t, h.tenant, func(tx *store.Tx) error { return tx.DeleteCredential(ana.Seq) })
		if h.signs(t, "ana", "another horse") {
			t.Error("a deleted password counts")
		}
		h.setPassword(t, ana.Seq, "third horse")
		if c := h.credential(t, ana.Seq); c.Version != 1 {
			t.Fatalf("version %d", c.Version)
		}
		if h.signs(t, "ana", good) || h.signs(t, "ana", "another horse") || !h.signs(t, "ana", "third horse") {
			t.Error("an old password counts, or the new one does not")
		}
		sealed := h.sealed(t, h.tenant, sent{ana.Seq, "fourth horse"})
		if h.signs(t, "ana", "third horse") || !h.signs(t, "ana", "fourth horse") {
			t.Errorf("with a newer password waiting (batch %d) the old one counts, or the new one does not", sealed.Seq)
		}
	})
}

func TestTriesAreSlowedDown(t *testing.T) {
	eachLodge(t, func(t *testing.T, h *lodge) {
		for name, prepare := range map[string]func(person int64){
			"hashed": func(person int64) { h.setPassword(t, person, good) },
			"sealed": func(person int64) { h.sealed(t, h.tenant, sent{person, good}) },
		} {
			p := h.named(t, h.tenant, name, muster.Active)
			prepare(p.Seq)
			for n := range access.FreeTries {
				if h.signs(t, name, fmt.Sprint("wrong", n)) {
					t.Fatalf("%s: a wrong password is let in", name)
				}
			}
			if h.signs(t, name, good) {
				t.Errorf("%s: after %d tries the next is made at once", name, access.FreeTries)
			}
			at := h.tries(t, p.Seq)
			if at.Fails != access.FreeTries || at.LockedUntil.IsZero() {
				t.Errorf("%s: tries %+v: one while the door is closed was counted, or one was not", name, at)
			}
			h.clock.Advance(time.Second)
			if !h.signs(t, name, good) {
				t.Errorf("%s: kept out after a second", name)
			}
			if at := h.tries(t, p.Seq); at != (store.Tries{}) {
				t.Errorf("%s: after the right password: %+v", name, at)
			}
		}
	})
}

// Tries that come at the same time, and at several processes, do not get more than those that come one after the other.
func TestTriesAtTheSameTime(t *testing.T) {
	eachLodge(t, func(t *testing.T, h *lodge) {
		ana := h.named(t, h.tenant, "ana", muster.Active)
		h.setPassword(t, ana.Seq, good)
		nodes := []*access.Access{h.Access, h.node(t, storetest.AnotherNode(t, h.st, storetest.WithClock(h.clock)))}
		var callers sync.WaitGroup
		for n := range 12 {
			callers.Go(func() {
				_, err := nodes[n%2].SignIn(t.Context(), "", "ana", fmt.Sprint("wrong", n))
				if code := muster.CodeOf(err); code != muster.Unauthenticated && code != muster.Unavailable {
					t.Errorf("%q, %v", code, err)
				}
			})
		}
		callers.Wait()
		if at := h.tries(t, ana.Seq); at.Fails != access.FreeTries {
			t.Errorf("%d tries were made, want %d", at.Fails, access.FreeTries)
		}
	})
}

// A client that opens many connections at once is one who signs in.
func TestManyWithTheSamePasswordAtOnce(t *testing.T) {
	eachLodge(t, func(t *testing.T, h *lodge) {
		ana := h.named(t, h.tenant, "ana", muster.Active)
		h.setPassword(t, ana.Seq, good)
		var callers sync.WaitGroup
		var in atomic.Int32
		for range 40 {
			callers.Go(func() {
				if c, err := h.SignIn(t.Context(), "", "ana", good); err == nil && c.Person == ana.Seq {
					in.Add(1)
				}
			})
		}
		callers.Wait()
		if in.Load() != 40 {
			t.Errorf("%d of 40 came in", in.Load())
		}
		if at := h.tries(t, ana.Seq); at.Fails != 0 {
			t.Errorf("tries %+v", at)
		}
	})
}

func TestNextTry(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)
	var tries store.Tries
	var waits []time.Duration
	for range 14 {
		next, allowed := access.NextTry(tries, now)
		if !allowed {
			t.Fatal("not allowed though the door is open")
		}
		if again, allowed := access.NextTry(next, now); next.LockedUntil.After(now) && (allowed || again != next) {
			t.Errorf("a try while the door is closed: %v, %+v", allowed, again)
		}
		wait := time.Duration(0)
		if !next.LockedUntil.IsZero() {
			wait = next.LockedUntil.Sub(now)
		}
		waits, tries, now = append(waits, wait/time.Second), next, now.Add(wait)
	}
	if fmt.Sprint(waits) != fmt.Sprint([]time.Duration{0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60, 60}) {
		t.Errorf("waits %v", waits)
	}
	if next, _ := access.NextTry(store.Tries{Fails: 1 << 40, LockedUntil: now}, now); next.LockedUntil.Sub(now) != access.LongestLock {
		t.Errorf("after very many: %+v", next)
	}
	if next, _ := access.NextTry(tries, tries.LockedUntil.Add(access.ForgetTries)); next != (store.Tries{Fails: 1}) {
		t.Errorf("much later: %+v", next)
	}
}

func TestStaleHashIsMadeAnew(t *testing.T) {
	eachLodge(t, func(t *testing.T, h *lodge) {
		ana := h.named(t, h.tenant, "ana", muster.Active)
		cheap, err := argon2id.CreateHash(good, &argon2id.Params{Memory: 8 * 1024, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32})
		if err != nil {
			t.Fatal(err)
		}
		h.write(t, h.tenant, func(tx *store.Tx) error { return tx.SetCredential(ana.Seq, cheap) })
		before := h.credential(t, ana.Seq)
		if !h.signs(t, "ana", good) {
			t.Fatal("not let in")
		}
		h.Close() // waits for what nobody waits for
		after := h.credential(t, ana.Seq)
		if after.Hash == cheap || after.Version != before.Version || !after.ChangedAt.Equal(before.ChangedAt) {
			t.Errorf("before %+v, after %+v", before, after)
		}
		if !h.signs(t, "ana", good) || h.signs(t, "ana", good+"x") {
			t.Error("the hash that was made anew is of something else")
		}
	})
}

func TestTooManySignIns(t *testing.T) {
	eachLodge(t, func(t *testing.T, h *lodge) {
		ana := h.named(t, h.tenant, "ana", muster.Active)
		h.setPassword(t, ana.Seq, good)
		if !h.signs(t, "ana", good) {
			t.Fatal("not let in")
		}
		leave := h.Crowd()
		for _, login := range []string{"ana", "eve"} {
			_, err := h.SignIn(t.Context(), "", login, "wrong")
			want(t, login+" in a crowd", err, muster.Unavailable)
		}
		if !h.signs(t, "ana", good) {
			t.Error("who has proven the password waits for strangers")
		}
		leave()
		if h.signs(t, "ana", "wrong") {
			t.Error("let in")
		}
	})
}

// Whatever a refusal is for, it is given on the same grid of time.
func TestRefusalsTakeTheSameTime(t *testing.T) {
	h := newLodge(t, store.SQLite)
	const step = 700 * time.Millisecond
	ana, paul := h.named(t, h.tenant, "ana", muster.Active), h.named(t, h.tenant, "paul", muster.Active)
	h.setPassword(t, ana.Seq, good)
	h.setPassword(t, paul.Seq, good)
	h.closed(t, paul.Seq, h.clock.Now().Add(time.Hour))
	h.AnswerEvery(step)
	for _, login := range []string{"ana", "paul", "eve", ""} {
		var took []time.Duration
		for onGrid := false; !onGrid; { // on a busy machine an answer may come late; one that is not held back never comes at the right time
			if len(took) == 5 {
				t.Errorf("%q was refused after %v", login, took)
				break
			}
			began := time.Now()
			if h.signs(t, login, "wrong") {
				t.Error("let in")
			}
			last := time.Since(began)
			onGrid = last >= step && last%step <= step/2
			took = append(took, last)
		}
	}
	h.clock.Advance(time.Hour) // so that the door is open after all that
	if !h.signs(t, "ana", good) {
		t.Error("who has the right password is not let in")
	}
}

func TestProofsAreBounded(t *testing.T) {
	t.Parallel()
	access.FillProofs(t)
}
