package store_test

import (
	"context"
	"errors"
	"testing"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

// A Single is a transaction, whatever its first statement is and whatever its last: all of it stays or nothing.
func TestSinglesBeginAndEnd(t *testing.T) {
	count := func(n int) func(tx *store.Tx) error {
		return func(tx *store.Tx) error { return tx.CountPeople(map[muster.State]int{muster.Active: n}) }
	}
	read := func(tx *store.Tx) error {
		_, err := tx.Own()
		return err
	}
	direct := func(tx *store.Tx) error { // as the queue does
		_, err := tx.SQL().ExecContext(tx.Context(), "INSERT INTO username_counter (tenant, base, n) VALUES ($1, 'direct', 1)", tx.Tenant())
		return err
	}
	text := func(what string) func(tx *store.Tx) error { return func(tx *store.Tx) error { return note(tx, what) } }
	many := func(tx *store.Tx) error {
		g := make([]store.GroupMember, 100)
		for i := range g {
			g[i] = store.GroupMember{Group: 1, Person: int64(i) + 1}
		}
		return tx.AddGroupMembers(g)
	}
	steps := map[string][]func(tx *store.Tx) error{
		"nothing": nil, "only what waits": {count(1)}, "only reads": {read, read}, "only a write": {text("a")}, "as the queue": {direct}, "the queue last": {read, count(1), direct},
		"reads and what waits": {read, count(1), count(2)}, "what waits and reads": {count(1), read}, "a write last": {count(1), text("a")}, "many rows": {many}, "many rows last": {count(1), many},
	}
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		group := muster.Group{Code: "g", Label: "G"}
		write(t, st, storetest.Tenant, func(tx *store.Tx) error { return tx.InsertGroups([]*muster.Group{&group}) })
		state := func() (list []string) {
			look(t, st, storetest.Tenant, func(tx *store.Tx) (err error) {
				list, err = tx.Strings(`SELECT 'base ' || base FROM username_counter UNION ALL SELECT 'count ' || sum(n) FROM person_count HAVING sum(n) <> 0
 UNION ALL SELECT 'members ' || count(*) FROM group_member HAVING count(*) > 0`)
				return err
			})
			return list
		}
		for name, list := range steps {
			run := func(end error) error {
				return st.Single(t.Context(), storetest.Tenant, func(tx *store.Tx) error {
					for _, step := range list {
						if err := step(tx); err != nil {
							return err
						}
					}
					return end
				})
			}
			gone := errors.New("gone")
			if err := run(gone); !errors.Is(err, gone) || len(state()) > 0 {
				t.Errorf("%s: %v leaves %q", name, err, state())
			}
			writes := name != "nothing" && name != "only reads"
			if err := run(nil); err != nil || (len(state()) > 0) != writes {
				t.Errorf("%s: %v writes %q", name, err, state())
			}
			write(t, st, storetest.Tenant, func(tx *store.Tx) error {
				return errors.Join(tx.Exec("DELETE FROM username_counter"), tx.Exec("DELETE FROM person_count"), tx.Exec("DELETE FROM group_member"))
			})
		}
	})
}

// A transaction that the database has given up is no success, also when whoever ran it does not say so; the next one is not touched by it.
func TestSinglesThatBreak(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		if st.Engine() == store.SQLite {
			return // a statement that fails there leaves its transaction as it was
		}
		for name, after := range map[string]func(tx *store.Tx) error{
			"what waits": func(tx *store.Tx) error { return tx.CountPeople(map[muster.State]int{muster.Active: 1}) }, "nothing": func(*store.Tx) error { return nil },
		} {
			err := st.Single(t.Context(), storetest.Tenant, func(tx *store.Tx) error {
				if err := note(tx, "a"); err != nil {
					return err
				}
				if err := tx.Exec("INSERT INTO nowhere VALUES (1)"); err == nil {
					t.Error("there is a table of that name")
				}
				return after(tx)
			})
			if err == nil {
				t.Errorf("%s: it is said to be done", name)
			}
			ctx, cancel := context.WithCancel(t.Context())
			err = st.Single(ctx, storetest.Tenant, func(tx *store.Tx) error {
				err := note(tx, "a")
				cancel()
				return errors.Join(err, after(tx))
			})
			if err == nil {
				t.Errorf("%s: who has left is told that it is done", name)
			}
			if err := st.Single(t.Context(), storetest.Tenant, func(tx *store.Tx) error { return note(tx, name) }); err != nil {
				t.Errorf("%s: afterwards: %v", name, err)
			}
		}
		wantNotes(t, st, "nothing", "what waits")
	})
}

// What cannot even be made ready has begun nothing, and what follows is in a transaction all the same.
func TestSinglesWhoseFirstStatementIsNone(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		gone := errors.New("gone")
		for name, first := range map[string]func(tx *store.Tx) error{
			"a query":     func(tx *store.Tx) error { _, err := tx.Strings("SELECT nothing FROM tenant"); return err },
			"a statement": func(tx *store.Tx) error { return tx.Exec("DELETE FROM nowhere") },
		} {
			err := st.Single(t.Context(), storetest.Tenant, func(tx *store.Tx) error {
				if first(tx) == nil {
					t.Errorf("%s: nothing is wrong with it", name)
				}
				_ = note(tx, name) // on PostgreSQL it fails, too
				return gone
			})
			if !errors.Is(err, gone) {
				t.Errorf("%s: %v", name, err)
			}
		}
		wantNotes(t, st)
	})
}
