package store_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

var errRefused = errors.New("refused")

// note leaves a trace that can be counted.
func note(tx *store.Tx, text string) error {
	return tx.Exec("INSERT INTO username_counter (tenant, base, n) VALUES ($1, $2, 1)", tx.Tenant(), text)
}

func notes(t *testing.T, st *store.Store) (list []string) {
	t.Helper()
	look(t, st, storetest.Tenant, func(tx *store.Tx) (err error) {
		list, err = tx.Strings("SELECT base FROM username_counter ORDER BY base")
		return err
	})
	return list
}

func wantNotes(t *testing.T, st *store.Store, want ...string) {
	t.Helper()
	if got := notes(t, st); !slices.Equal(got, want) {
		t.Errorf("there is %q, want %q", got, want)
	}
}

func TestUpdateCommitsOrLeavesNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		for name, run := range map[string]func(context.Context, int64, func(*store.Tx) error) error{"update": st.Update, "bulk": st.Bulk} {
			var called []string
			err := run(t.Context(), storetest.Tenant, func(tx *store.Tx) error {
				tx.AfterCommit(func() { called = append(called, "done") })
				return note(tx, name)
			})
			if err != nil {
				t.Fatal(err)
			}
			err = run(t.Context(), storetest.Tenant, func(tx *store.Tx) error {
				tx.AfterCommit(func() { called = append(called, "refused") })
				return errors.Join(note(tx, name+" refused"), errRefused)
			})
			if !errors.Is(err, errRefused) {
				t.Errorf("%s: %v", name, err)
			}
			err = run(t.Context(), storetest.Tenant, func(tx *store.Tx) error {
				tx.AfterCommit(func() { called = append(called, "panic") })
				if err := note(tx, name+" panic"); err != nil {
					return err
				}
				panic("on purpose")
			})
			if err == nil {
				t.Errorf("%s: a panic is no error", name)
			}
			if !slices.Equal(called, []string{"done"}) {
				t.Errorf("%s: after commit: %q", name, called)
			}
		}
		wantNotes(t, st, "bulk", "update")
	})
}

func TestAfterCommitMayUseTheStore(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		write(t, st, storetest.Tenant, func(tx *store.Tx) error {
			tx.AfterCommit(func() {
				write(t, st, storetest.Tenant, func(tx *store.Tx) error { return note(tx, "second") })
			})
			return note(tx, "first")
		})
		wantNotes(t, st, "first", "second")
	})
}

func TestTryUndoesItsOwnPartOnly(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		var called []string
		write(t, st, storetest.Tenant, func(tx *store.Tx) error {
			called = nil
			if err := note(tx, "a"); err != nil {
				return err
			}
			err := tx.Try(func() error {
				tx.AfterCommit(func() { called = append(called, "b") })
				inner := tx.Try(func() error { return errors.Join(note(tx, "b1"), errRefused) })
				return errors.Join(note(tx, "b2"), inner)
			})
			if !errors.Is(err, errRefused) {
				t.Errorf("try gave %v", err)
			}
			if err := tx.Try(func() error { return note(tx, "a") }); err == nil { // a statement that fails, too
				t.Error("a clash is no error")
			}
			return tx.Try(func() error {
				tx.AfterCommit(func() { called = append(called, "c") })
				return note(tx, "c")
			})
		})
		wantNotes(t, st, "a", "c")
		if !slices.Equal(called, []string{"c"}) {
			t.Errorf("after commit: %q", called)
		}
	})
}

func TestViewCannotWrite(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		if err := st.View(t.Context(), storetest.Tenant, func(tx *store.Tx) error { return note(tx, "a") }); err == nil {
			t.Error("a view wrote")
		}
		wantNotes(t, st)
	})
}

func TestViewSeesOneState(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		look(t, st, storetest.Tenant, func(tx *store.Tx) error {
			before, err := tx.Strings("SELECT base FROM username_counter")
			if err != nil {
				return err
			}
			write(t, st, storetest.Tenant, func(tx *store.Tx) error { return note(tx, "a") })
			after, err := tx.Strings("SELECT base FROM username_counter")
			if len(before) != 0 || len(after) != 0 {
				t.Errorf("%q, then %q", before, after)
			}
			return err
		})
		wantNotes(t, st, "a")
	})
}

func TestUpdateWithACancelledContextDoesNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := st.Update(ctx, storetest.Tenant, func(tx *store.Tx) error { return note(tx, "a") }); !errors.Is(err, context.Canceled) {
			t.Errorf("gave %v", err)
		}
		wantNotes(t, st)
	})
}

// Who leaves while their work is done is told what came of it: on SQLite it is done all the same, on PostgreSQL it surely is not.
func TestUpdateWhoseCallerLeavesBeforeTheCommit(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		err := st.Update(ctx, storetest.Tenant, func(tx *store.Tx) error {
			defer cancel()
			return note(tx, "a")
		})
		if st.Engine() == store.SQLite {
			if err != nil {
				t.Error(err)
			}
			wantNotes(t, st, "a")
			return
		}
		if !errors.Is(err, context.Canceled) || errors.Is(err, store.ErrUncertain) {
			t.Errorf("gave %v", err)
		}
		wantNotes(t, st)
	})
}

// While the writer of SQLite is busy others queue up; then they share one transaction, and each fails or succeeds alone.
func TestWaitingUpdatesShareACommit(t *testing.T) {
	st := storetest.Open(t, store.SQLite)
	busy, free := make(chan struct{}), make(chan struct{})
	var done sync.WaitGroup
	done.Go(func() {
		_ = st.Bulk(context.Background(), storetest.Tenant, func(tx *store.Tx) error { close(busy); <-free; return nil })
	})
	storetest.Await(t, busy, "the bulk work to begin")
	if st.SinglesWaiting() {
		t.Error("a bulk transaction counts as a single one")
	}
	ctx, cancel := context.WithCancel(t.Context())
	const callers = 20
	began := time.Now()
	errs := make([]error, callers)
	transactions := make([]any, callers)
	called := make([]bool, callers)
	for i := range callers {
		done.Go(func() {
			own := context.Background()
			if i == 4 {
				own = ctx
			}
			errs[i] = st.Update(own, storetest.Tenant, func(tx *store.Tx) error {
				transactions[i] = tx.SQL()
				tx.AfterCommit(func() { called[i] = true })
				if err := note(tx, fmt.Sprintf("%02d", i)); err != nil {
					return err
				}
				switch i {
				case 1:
					return errRefused
				case 2:
					return tx.Try(func() error { panic("inside a savepoint") })
				case 3:
					return tx.Exec("INSERT INTO nowhere VALUES (1)")
				}
				return nil
			})
		})
	}
	for st.Queued() < callers {
		if runtime.Gosched(); time.Since(began) > storetest.Patience {
			t.Fatalf("%d of %d callers wait", st.Queued(), callers)
		}
	}
	if !st.SinglesWaiting() {
		t.Error("nobody seems to wait")
	}
	cancel()
	close(free)
	done.Wait()
	if !st.SinglesWaiting() && time.Since(began) < store.WaitedLately { // on a busy machine the time may be over
		t.Error("it is forgotten at once that somebody waited")
	}
	var want []string
	for i := range callers {
		fails := i >= 1 && i <= 4
		if (errs[i] != nil) != fails || called[i] == fails {
			t.Errorf("caller %d: error %v, told of the commit: %v", i, errs[i], called[i])
		}
		if !fails {
			want = append(want, fmt.Sprintf("%02d", i))
			if transactions[i] != transactions[0] {
				t.Errorf("caller %d has a transaction of its own", i)
			}
		}
	}
	if !errors.Is(errs[4], context.Canceled) {
		t.Errorf("the caller who went away got %v", errs[4])
	}
	wantNotes(t, st, want...)
}

func TestCloseLetsWritersFinish(t *testing.T) {
	st := storetest.Open(t, store.SQLite)
	var callers sync.WaitGroup
	results := make([]error, 50)
	begun := make(chan struct{}, len(results))
	for i := range results {
		callers.Go(func() {
			begun <- struct{}{}
			results[i] = st.Update(context.Background(), storetest.Tenant, func(tx *store.Tx) error { return note(tx, fmt.Sprint(i)) })
		})
	}
	storetest.Await(t, begun, "a caller to begin")
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	callers.Wait()
	want := 0
	for _, err := range results {
		if err == nil {
			want++
		}
	}
	again := storetest.AnotherNode(t, st)
	if got := len(notes(t, again)); got != want {
		t.Errorf("%d callers were told yes, %d rows are there", want, got)
	}
	if err := st.Update(context.Background(), storetest.Tenant, func(tx *store.Tx) error { return nil }); err == nil {
		t.Error("a closed store accepts an update")
	}
}

func TestLostRaceIsRepeated(t *testing.T) {
	st := storetest.Open(t, store.Postgres)
	runs := 0
	write(t, st, storetest.Tenant, func(tx *store.Tx) error {
		if runs++; runs < 3 {
			return errors.Join(note(tx, fmt.Sprint(runs)), store.ErrClash)
		}
		return note(tx, "in the end")
	})
	wantNotes(t, st, "in the end")
	err := st.Update(t.Context(), storetest.Tenant, func(tx *store.Tx) error { return store.ErrClash })
	if !errors.Is(err, store.ErrClash) {
		t.Errorf("a race that is lost every time gives %v", err)
	}
}
