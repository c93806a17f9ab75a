package storetest

import (
	"fmt"
	"runtime/debug"
	"testing"
	"time"
)

// Patience is how long a test waits for what must happen: far longer than that takes on a busy machine under the race detector. Reaching it is a
// failure, never a measurement.
const Patience = 2 * time.Minute

// longest is how long one test may take. It is longer than Patience, so that a wait that knows what it waits for says so first.
const longest = 6 * time.Minute

// Await gives what comes from a channel, and ends the test when nothing does.
func Await[T any](t testing.TB, from <-chan T, what string) (got T) {
	t.Helper()
	timer := time.NewTimer(Patience)
	defer timer.Stop()
	select {
	case got = <-from:
	case <-timer.C:
		t.Fatalf("waited %s for %s", Patience, what)
	}
	return got
}

// Bound ends the whole process, with the stacks of all goroutines, when a test takes so long that it must be stuck: the tests of other packages go
// on, and whoever reads the output sees where it hangs. Opening a database does it; who opens none says so.
func Bound(t testing.TB) {
	t.Helper()
	if _, measured := t.(*testing.B); measured {
		return
	}
	name := t.Name()
	timer := time.AfterFunc(longest, func() {
		debug.SetTraceback("all")
		panic(fmt.Sprintf("test %s has not ended after %s", name, longest))
	})
	t.Cleanup(func() { timer.Stop() })
}
