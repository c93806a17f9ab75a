package access_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/musterid/muster/internal/access"
	"github.com/musterid/muster/internal/store"
)

// Who asks while a key is being looked up is told what is read after that, together with everybody else who asks meanwhile.
func TestLookUpsAreShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, reads, goOn := access.NewLooks(), int64(0), make(chan error)
		read := func(context.Context) (store.KeyRow, error) {
			reads++
			k := store.KeyRow{Tenant: reads}
			return k, <-goOn
		}
		told := make(chan int64, 10)
		broken := errors.New("broken")
		ask := func(ctx context.Context) {
			k, err := l.Key(ctx, "a", read)
			switch {
			case errors.Is(err, broken):
				told <- -1
			case err != nil:
				told <- -2
			default:
				told <- k.Tenant
			}
		}
		want := func(what ...int64) {
			t.Helper()
			synctest.Wait()
			for _, w := range what {
				if got := <-told; got != w {
					t.Errorf("told %d, want %d", got, w)
				}
			}
			if len(told) > 0 {
				t.Errorf("%d more are told", len(told))
			}
		}
		go ask(t.Context())
		synctest.Wait()
		leaves, cancel := context.WithCancel(t.Context())
		for range 3 {
			go ask(t.Context())
		}
		go ask(leaves)
		synctest.Wait()
		cancel()
		want(-2)
		if k, err := l.Key(t.Context(), "b", func(context.Context) (store.KeyRow, error) { return store.KeyRow{Tenant: 7}, nil }); err != nil || k.Tenant != 7 {
			t.Errorf("another key waits: %+v %v", k, err)
		}
		goOn <- nil
		want(1)
		go ask(t.Context()) // while the three are
		synctest.Wait()
		goOn <- nil
		want(2, 2, 2)
		goOn <- broken
		want(-1)
		if reads != 3 || l.Busy() != 0 {
			t.Errorf("%d look-ups, %d under way", reads, l.Busy())
		}
		go ask(t.Context())
		goOn <- nil
		want(4)
		if l.Busy() != 0 {
			t.Error("a look-up is still under way")
		}
	})
}

// A look-up with which our own code does not get along costs those who wait for it, and neither the process nor those who come later.
func TestALookUpPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, goOn, told := access.NewLooks(), make(chan bool), make(chan error, 2)
		read := func(context.Context) (store.KeyRow, error) {
			if <-goOn {
				panic("a key of the test")
			}
			return store.KeyRow{}, nil
		}
		for range 2 {
			go func() {
				_, err := l.Key(t.Context(), "a", read)
				told <- err
			}()
			synctest.Wait()
		}
		goOn <- false
		if err := <-told; err != nil {
			t.Error(err)
		}
		goOn <- true
		if err := <-told; err == nil {
			t.Error("who waited is told that all is well")
		}
		synctest.Wait()
		if l.Busy() != 0 {
			t.Error("a look-up is still under way")
		}
	})
}
