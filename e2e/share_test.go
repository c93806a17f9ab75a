package e2e

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/musterid/muster/e2e/people"
	"github.com/musterid/muster/internal/connector/rehearsal"
	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

// A target that does the work and loses every fifth answer gets no account twice, and misses none.
func TestLostAnswers(t *testing.T) {
	seed := luck(t).Int64N(1 << 40)
	each(t, func(t *testing.T, s *server) {
		target, outside := s.aim(t, rehearsal.Faults{FailAfterCommitPercent: 20, Seed: seed}, map[string]any{"concurrency": 16})
		everybody, file := some(people.New(uint64(seed), "l"), 1000)
		b := s.imported(t, file, "people.csv")
		if b.Counts.Created != 1000 || b.Provision.Counts.Done != 1000 {
			t.Errorf("%+v, accounts %+v", b, b.Provision)
		}
		s.provesBatches(t)
		s.provesTarget(t, target, outside, s.provesDirectory(t, everybody))
		if w := outside.Writes(); w.Create != 1000 || w.Total() != 1000 {
			t.Errorf("writes at the target: %+v", w)
		}

		again := s.imported(t, file, "people again.csv")
		if again.Counts.Unchanged != 1000 || again.Provision.Counts.Unchanged != again.Provision.Total || outside.Writes().Total() != 1000 {
			t.Errorf("the same file again: %+v, accounts %+v, writes %+v", again, again.Provision, outside.Writes())
		}
	})
}

// Two processes over one database share the work, and neither does what the other did.
func TestTwoProcesses(t *testing.T) {
	t.Parallel()
	one := start(t, options{engine: store.Postgres})
	two := start(t, options{node: one})
	seed := luck(t).Uint64()
	maker := people.New(seed, "p")
	target, outside := one.aim(t, rehearsal.Faults{LatencyMS: 20, FailAfterCommitPercent: 5, Seed: int64(seed >> 1)}, map[string]any{"concurrency": 4})

	everybody, file := some(maker, 1000)
	seen := watchClaims(t, one.database)
	b := one.upload(t, file, "shared.csv", "run")
	two.finished(t, b.ID, true, 2*time.Minute)
	shares := seen()
	t.Logf("accounts delivered by each process: %v", shares)
	if len(shares) != 2 {
		t.Errorf("%d processes delivered: %v", len(shares), shares)
	}
	two.provesBatches(t)
	two.provesTarget(t, target, outside, two.provesDirectory(t, everybody))
	if w := outside.Writes(); w.Create != 1000 || w.Total() != 1000 {
		t.Errorf("writes at the target: %+v", w)
	}

	// Now the one that took the file in dies in the middle of it.
	more, file := some(maker, 1000)
	everybody = append(everybody, more...)
	b = one.upload(t, file, "orphaned.csv", "run")
	until(t, 20*time.Second, "some accounts are made", func() bool { return outside.Writes().Create > 1200 })
	one.kill()
	began := time.Now()
	b = two.finished(t, b.ID, true, 2*time.Minute)
	t.Logf("the other process had finished %s after the kill", time.Since(began).Round(time.Millisecond))
	if b.Counts.Created != 1000 || b.Provision.Counts.Done != 1000 {
		t.Errorf("%+v, accounts %+v", b, b.Provision)
	}
	two.provesBatches(t)
	two.provesTarget(t, target, outside, two.provesDirectory(t, everybody))
	if w := outside.Writes(); w.Create != 2000 || w.Total() != 2000 {
		t.Errorf("writes at the target: %+v", w)
	}
	two.stop()
	two.leavesNothing(t)
}

// watchClaims looks at who holds accounts until the returned function is called, which says how many were last held by each process.
func watchClaims(t *testing.T, database string) (shares func() map[string]int) {
	t.Helper()
	db, err := sql.Open("pgx", database)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() }) // it only read
	holders := map[int64]string{}
	look := func() error {
		rows, err := db.QueryContext(t.Context(), "SELECT seq, owner FROM account WHERE owner IS NOT NULL")
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var account int64
			var owner string
			if err := rows.Scan(&account, &owner); err != nil {
				return err
			}
			node, _, _ := strings.Cut(owner, "/")
			holders[account] = node
		}
		return rows.Err()
	}
	enough, ended := make(chan bool), make(chan error, 1)
	go func() {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-enough:
				ended <- nil
				return
			case <-tick.C:
			}
			if err := look(); err != nil {
				ended <- fmt.Errorf("look at claims: %w", err)
				return
			}
		}
	}()
	return func() map[string]int {
		t.Helper()
		close(enough)
		if err := storetest.Await(t, ended, "the last look"); err != nil {
			t.Error(err)
		}
		counted := map[string]int{}
		for _, node := range holders {
			counted[node]++
		}
		return counted
	}
}
