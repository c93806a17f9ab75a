package access_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/access"
	"github.com/musterid/muster/internal/secret"
	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

func TestPasswordsOfRowsAreHashed(t *testing.T) {
	eachLodge(t, func(t *testing.T, h *lodge) {
		ana, bob, eve := h.named(t, h.tenant, "ana", muster.Active), h.named(t, h.tenant, "bob", muster.Active), h.named(t, h.tenant, "eve", muster.Active)
		h.setPassword(t, bob.Seq, "before the batch")
		rows := []sent{{ana.Seq, "ana's horse"}, {0, "of nobody"}, {bob.Seq, "bob's horse"}, {eve.Seq, ""}}
		b := h.received(t, h.tenant, rows...)
		if h.signs(t, "ana", "ana's horse") || !h.signs(t, "bob", "before the batch") {
			t.Error("a password counts before its row was carried out")
		}
		sentAt := h.clock.Now()
		h.carried(t, b, rows...)
		if !h.signs(t, "ana", "ana's horse") || !h.signs(t, "bob", "bob's horse") || h.signs(t, "bob", "before the batch") {
			t.Error("before it is hashed: the password does not count, or the old one does")
		}
		h.clock.Advance(time.Hour)
		h.has(t, map[int64]time.Time{ana.Seq: sentAt, bob.Seq: sentAt}, ana.Seq, bob.Seq, eve.Seq)
		if n := h.hash(t); n != 2 {
			t.Errorf("%d hashed", n)
		}
		if h.waiting(t) != 1 { // of the row that failed
			t.Errorf("%d are still sealed", h.waiting(t))
		}
		h.has(t, map[int64]time.Time{ana.Seq: sentAt, bob.Seq: sentAt}, ana.Seq, bob.Seq, eve.Seq)
		if !h.signs(t, "ana", "ana's horse") || !h.signs(t, "bob", "bob's horse") || h.signs(t, "eve", "of nobody") {
			t.Error("hashed, and it does not count, or counts for somebody else")
		}
		if ok, _, err := secret.CheckPassword(t.Context(), h.credential(t, ana.Seq).Hash, "ana's horse"); !ok || err != nil {
			t.Errorf("the hash: %v, %v", ok, err)
		}
		if n := h.hash(t); n != 0 {
			t.Errorf("%d hashed a second time", n)
		}
	})
}

// has holds to it who has a password, and since when.
func (h *lodge) has(t *testing.T, since map[int64]time.Time, people ...int64) {
	t.Helper()
	h.look(t, func(tx *store.Tx) error {
		got, err := tx.HasCredential(people)
		if fmt.Sprint(got) != fmt.Sprint(since) {
			t.Errorf("passwords since %v, want %v", got, since)
		}
		return err
	})
}

func TestTheLastPasswordOfSomebodyCounts(t *testing.T) {
	eachLodge(t, func(t *testing.T, h *lodge) {
		ana := h.named(t, h.tenant, "ana", muster.Active)
		// Received first, carried out last: the order of carrying out counts.
		late := []sent{{ana.Seq, "in the late batch"}}
		b := h.received(t, h.tenant, late...)
		h.sealed(t, h.tenant, sent{ana.Seq, "the first"}, sent{ana.Seq, "the second"}, sent{0, "the third"})
		if h.signs(t, "ana", "the first") || !h.signs(t, "ana", "the second") {
			t.Error("of one batch the first counts, or the last does not")
		}
		if n := h.waiting(t); n != 3 { // with those of the row that failed and of the batch to come
			t.Errorf("%d are sealed", n)
		}
		h.carried(t, b, late...)
		if h.signs(t, "ana", "the second") || !h.signs(t, "ana", "in the late batch") {
			t.Error("the older one counts")
		}
		if n := h.hash(t); n != 1 || !h.signs(t, "ana", "in the late batch") || h.credential(t, ana.Seq).Version != 1 {
			t.Errorf("%d hashed for %+v", n, h.credential(t, ana.Seq))
		}
	})
}

// What comes while a hash is made counts more than the hash.
func TestPasswordsThatChangeDuringTheHash(t *testing.T) {
	eachLodge(t, func(t *testing.T, h *lodge) {
		for name, change := range map[string]func(person int64){
			"set":  func(person int64) { h.setPassword(t, person, "newer horse") },
			"sent": func(person int64) { h.sealed(t, h.tenant, sent{person, "newer horse"}) },
			"deleted": func(person int64) {
				h.write(t, h.tenant, func(tx *store.Tx) error { return tx.DeleteCredential(person) })
			},
		} {
			p := h.named(t, h.tenant, name, muster.Active)
			h.sealed(t, h.tenant, sent{p.Seq, good})
			list := h.claim(t, "owner", h.clock.Now().Add(time.Minute))
			if len(list) != 1 || list[0].Person != p.Seq {
				t.Fatalf("claimed %+v", list)
			}
			change(p.Seq)
			if kept := h.keep(t, "owner", list[0], good); kept != 0 {
				t.Errorf("%s: the hash was kept", name)
			}
			h.hash(t)
			if h.signs(t, name, good) || h.signs(t, name, "newer horse") != (name != "deleted") {
				t.Errorf("%s: the older password counts, or the newer one does not", name)
			}
		}
	})
}

func (h *lodge) claim(t *testing.T, owner string, until time.Time) (list []store.WaitingPassword) {
	t.Helper()
	h.write(t, store.Everyone, func(tx *store.Tx) (err error) {
		list, err = tx.ClaimWaiting(0, owner, until, 100)
		return err
	})
	return list
}

func (h *lodge) keep(t *testing.T, owner string, w store.WaitingPassword, password string) (kept int) {
	t.Helper()
	hash, err := secret.HashPassword(t.Context(), password)
	if err != nil {
		t.Fatal(err)
	}
	h.write(t, w.Tenant, func(tx *store.Tx) (err error) {
		kept, err = tx.KeepHashed(owner, []store.HashedPassword{{WaitingPassword: w, Hash: hash}})
		return err
	})
	return kept
}

// A process that dies with passwords in hand loses none, and none is hashed twice.
func TestHashingAfterAProcessDied(t *testing.T) {
	eachLodge(t, func(t *testing.T, h *lodge) {
		ana, bob := h.named(t, h.tenant, "ana", muster.Active), h.named(t, h.tenant, "bob", muster.Active)
		h.sealed(t, h.tenant, sent{ana.Seq, good}, sent{bob.Seq, good})
		dead := h.claim(t, "dead", h.clock.Now().Add(access.HashLease))
		if len(dead) != 2 {
			t.Fatalf("%d claimed", len(dead))
		}
		if n := h.hash(t); n != 0 {
			t.Errorf("%d hashed that somebody else is at", n)
		}
		// It kept one before it died.
		if h.keep(t, "dead", dead[0], good) != 1 {
			t.Error("its owner cannot keep it")
		}
		if h.st.Engine() == store.Postgres {
			h.clock.Advance(access.HashLease)
		}
		next := h.hasher(t, h.st) // of a process that has just started
		if err := next.Look(t.Context()); err != nil {
			t.Fatal(err)
		}
		next.Wait()
		for _, p := range []*store.PersonRow{ana, bob} {
			if c := h.credential(t, p.Seq); c.Version != 1 || !h.signs(t, p.Username, good) {
				t.Errorf("%s has %+v", p.Username, c)
			}
		}
		if h.waiting(t) != 0 || h.keep(t, "dead", dead[1], "a late hash") != 0 {
			t.Error("who lost a password can still keep it")
		}
	})
}

func TestHashingByManyProcesses(t *testing.T) {
	eachLodge(t, func(t *testing.T, h *lodge) {
		var rows []sent
		for n := range 20 {
			rows = append(rows, sent{h.named(t, h.tenant, fmt.Sprint("p", n), muster.Active).Seq, fmt.Sprint("horse of ", n)})
		}
		h.sealed(t, h.tenant, rows...)
		var nodes sync.WaitGroup
		counts := make([]int, 3)
		for i := range counts {
			hasher := h.hasher(t, storetest.AnotherNode(t, h.st, storetest.WithClock(h.clock)))
			nodes.Go(func() {
				n, err := hasher.Run(t.Context())
				if err != nil {
					t.Error(err)
				}
				counts[i] = n
			})
		}
		nodes.Wait()
		if counts[0]+counts[1]+counts[2] != len(rows) || h.waiting(t) != 0 {
			t.Errorf("%v hashed of %d, %d left", counts, len(rows), h.waiting(t))
		}
		for n, r := range rows {
			c := h.credential(t, r.person)
			if ok, _, err := secret.CheckPassword(t.Context(), c.Hash, r.password); c.Version != 1 || !ok || err != nil {
				t.Errorf("%d has %+v: %v, %v", n, c, ok, err)
			}
		}
	})
}

// A process that is told to stop keeps what it has hashed and leaves the rest to others, at once.
func TestHashingIsPutDown(t *testing.T) {
	eachLodge(t, func(t *testing.T, h *lodge) {
		var rows []sent
		for n := range 200 {
			rows = append(rows, sent{h.named(t, h.tenant, fmt.Sprint("p", n), muster.Active).Seq, good})
		}
		h.sealed(t, h.tenant, rows...)
		ctx, stop := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer stop()
		n, err := h.hasher(t, h.st).Run(ctx)
		if err == nil || n >= len(rows) || h.waiting(t) != len(rows)-n {
			t.Errorf("%d hashed, %d wait, %v", n, h.waiting(t), err)
		}
		if free := h.claim(t, "other", h.clock.Now().Add(time.Minute)); len(free) != min(100, len(rows)-n) {
			t.Errorf("%d of %d are free", len(free), len(rows)-n)
		}
	})
}

func TestPasswordsThatCannotBeHashed(t *testing.T) {
	eachLodge(t, func(t *testing.T, h *lodge) {
		ana, bob := h.named(t, h.tenant, "ana", muster.Active), h.named(t, h.tenant, "bob", muster.Active)
		first := h.sealed(t, h.tenant, sent{ana.Seq, good})
		h.sealed(t, h.tenant, sent{bob.Seq, good})
		h.write(t, h.tenant, func(tx *store.Tx) error {
			_, err := tx.SQL().Exec("UPDATE sealed_password SET sealed = (SELECT s.sealed FROM sealed_password s WHERE s.batch <> $1) WHERE batch = $1", first.Seq)
			return err
		})
		if h.signs(t, "ana", good) {
			t.Error("a sealed password that was copied to another row opens there")
		}
		if n := h.hash(t); n != 1 || h.waiting(t) != 0 {
			t.Errorf("%d hashed, %d wait", n, h.waiting(t))
		}
		if h.signs(t, "ana", good) || !h.signs(t, "bob", good) {
			t.Error("one that cannot be opened counts, or keeps others from counting")
		}
	})
}

func TestOldPasswordsAreForgotten(t *testing.T) {
	eachLodge(t, func(t *testing.T, h *lodge) {
		ana, bob := h.named(t, h.tenant, "ana", muster.Active), h.named(t, h.tenant, "bob", muster.Active)
		h.sealed(t, h.tenant, sent{0, "of a row that failed"}, sent{ana.Seq, good})
		ended := h.received(t, h.tenant, sent{0, "of a row that is never reached"})
		late := []sent{{bob.Seq, "of a row that is reached late"}}
		held := h.received(t, h.tenant, late...)
		h.write(t, h.tenant, func(tx *store.Tx) error {
			ended.State, held.State = muster.Cancelled, muster.HeldBatch
			return errors.Join(tx.SaveBatch(ended), tx.SaveBatch(held))
		})
		hasher := h.hasher(t, h.st)
		for _, step := range []struct {
			after time.Duration
			left  int
		}{{0, 4}, {access.SealedFor, 4}, {time.Second, 2}, {30 * access.SealedFor, 2}} {
			h.clock.Advance(step.after)
			if err := hasher.DropOld(t.Context()); err != nil || h.waiting(t) != step.left {
				t.Errorf("%v later %d are sealed, want %d: %v", step.after, h.waiting(t), step.left, err)
			}
		}
		if h.hash(t) != 1 || !h.signs(t, "ana", good) {
			t.Error("a password whose row was done is lost, because hashing it took long")
		}
		h.carried(t, held, late...)
		if !h.signs(t, "bob", late[0].password) {
			t.Error("a password is lost because its batch was held for long")
		}
	})
}

// A failed row keeps its password for whoever sends it once more, and a batch that is deleted takes its passwords along.
func TestPasswordsOfRowsThatFailed(t *testing.T) {
	eachLodge(t, func(t *testing.T, h *lodge) {
		ana := h.named(t, h.tenant, "ana", muster.Active)
		b := h.sealed(t, h.tenant, sent{0, "of a row that failed"}, sent{ana.Seq, good})
		h.look(t, func(tx *store.Tx) error {
			list, err := tx.SealedPasswords(b.Seq, []int{0, 1, 2})
			if len(list) != 1 || !list[0].At.Equal(h.clock.Now()) {
				t.Errorf("kept for another try: %+v", list)
			}
			plain, open := h.key.Open(store.SealedPurpose(b.Seq, 0), list[0].Sealed)
			if open != nil || string(plain) != "of a row that failed" {
				t.Errorf("opened: %q, %v", plain, open)
			}
			return err
		})
		h.write(t, h.tenant, func(tx *store.Tx) error { return tx.DeleteBatch(b.Seq) })
		if h.waiting(t) != 2 {
			t.Errorf("%d passwords of a batch that is not removed", h.waiting(t))
		}
		b.State = muster.Receiving
		h.write(t, h.tenant, func(tx *store.Tx) error { return errors.Join(tx.SaveBatch(b), tx.DeleteBatch(b.Seq)) })
		if h.waiting(t) != 0 {
			t.Error("passwords outlive their batch")
		}
	})
}

// Tenants take turns, so that the long line of one keeps nobody of another waiting.
func TestTenantsTakeTurns(t *testing.T) {
	eachLodge(t, func(t *testing.T, h *lodge) {
		second, err := h.CreateTenant(t.Context(), h.admin, access.NewTenant{Code: "school", Name: "School"})
		if err != nil {
			t.Fatal(err)
		}
		for n := range 3 {
			h.sealed(t, h.tenant, sent{h.named(t, h.tenant, fmt.Sprint("a", n), muster.Active).Seq, good})
			h.sealed(t, second.Seq, sent{h.named(t, second.Seq, fmt.Sprint("b", n), muster.Active).Seq, good})
		}
		var order []int64
		last := int64(0)
		for range 6 {
			h.write(t, store.Everyone, func(tx *store.Tx) error {
				list, err := tx.ClaimWaiting(last, "owner", tx.Now().Add(time.Minute), 1)
				if len(list) == 1 {
					last = list[0].Tenant
				}
				return err
			})
			order = append(order, last)
		}
		if want := []int64{h.tenant, second.Seq, h.tenant, second.Seq, h.tenant, second.Seq}; fmt.Sprint(order) != fmt.Sprint(want) {
			t.Errorf("order %v, want %v", order, want)
		}
		if list := h.claim(t, "owner", h.clock.Now().Add(time.Minute)); len(list) != 0 {
			t.Errorf("claimed twice: %+v", list)
		}
	})
}

// Tries are not begun anew because a password is hashed.
func TestTriesOutlastTheHash(t *testing.T) {
	eachLodge(t, func(t *testing.T, h *lodge) {
		ana := h.named(t, h.tenant, "ana", muster.Active)
		h.sealed(t, h.tenant, sent{ana.Seq, good})
		h.closed(t, ana.Seq, h.clock.Now().Add(time.Hour))
		before := h.tries(t, ana.Seq)
		h.hash(t)
		if after := h.tries(t, ana.Seq); after != before || after.Fails == 0 {
			t.Errorf("tries %+v, before the hash %+v", after, before)
		}
		if h.signs(t, "ana", good) {
			t.Error("the door is open")
		}
	})
}

// The queue's look starts the hashing once, and Close ends it.
func TestLook(t *testing.T) {
	eachLodge(t, func(t *testing.T, h *lodge) {
		ana := h.named(t, h.tenant, "ana", muster.Active)
		hasher := h.hasher(t, h.st)
		look := func() {
			t.Helper()
			if err := hasher.Look(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		look()
		hasher.Wait()
		h.sealed(t, h.tenant, sent{ana.Seq, good})
		look()
		look()
		hasher.Wait()
		if h.waiting(t) != 0 || h.credential(t, ana.Seq).Version != 1 {
			t.Errorf("%d wait, %+v", h.waiting(t), h.credential(t, ana.Seq))
		}
		hasher.Close()
		h.sealed(t, h.tenant, sent{ana.Seq, "another horse"})
		look()
		if h.waiting(t) != 1 {
			t.Error("hashed after Close")
		}
	})
}
