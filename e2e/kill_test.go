package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/musterid/muster/e2e/people"
	"github.com/musterid/muster/internal/connector/rehearsal"
	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

// resumesWithin is how long work may rest after a start. On SQLite nobody else can be at it; on PostgreSQL the leases of the dead process run out
// first.
func resumesWithin(s *server) time.Duration {
	switch {
	case s.database != "":
		return 30 * time.Second
	case raceDetector:
		return 5 * time.Second // with what until adds, less than a lease
	}
	return 3 * time.Second
}

// phases are where a run of ten kills strikes. On PostgreSQL each kill of planning or of the import costs a lease, so there are fewer of those.
var phases = map[store.Engine]struct{ upload, plan, run, deliver int }{
	store.SQLite:   {2, 2, 2, 4},
	store.Postgres: {2, 1, 1, 6},
}

// TestTortureKill kills the server with SIGKILL, at random moments of a run of 1,000 people whose target loses every fifth answer, and starts it
// again. Nothing may be lost, nothing done twice.
func TestTortureKill(t *testing.T) {
	rounds := (kills(t, 10) + 9) / 10
	random := luck(t)
	seeds := map[store.Engine]uint64{store.SQLite: random.Uint64(), store.Postgres: random.Uint64()}
	each(t, func(t *testing.T, s *server) {
		engine := store.SQLite
		if s.database != "" {
			engine = store.Postgres
		}
		r := rand.New(rand.NewPCG(seeds[engine], 2))
		maker := people.New(r.Uint64(), "k")
		target, outside := s.aim(t, rehearsal.Faults{LatencyMS: 5, FailAfterCommitPercent: 20, Seed: r.Int64N(1 << 40)}, map[string]any{"concurrency": 4})
		a := &assassin{t: t, s: s, random: r, outside: outside}
		var everybody []people.Person
		for round := range rounds {
			list, file := some(maker, 1000)
			everybody = append(everybody, list...)
			a.round(fmt.Sprintf("round %d.csv", round), file, phases[engine])
		}
		t.Logf("%d kills: %s; work resumed after at most %s", a.kills, strings.Join(a.struck, ", "), a.slowest.Round(time.Millisecond))

		batches := s.provesBatches(t)
		if len(batches) != 2*rounds {
			t.Errorf("%d batches after %d uploads", len(batches), rounds)
		}
		s.provesTarget(t, target, outside, s.provesDirectory(t, everybody))
		if w := outside.Writes(); w.Create != len(everybody) || w.Total() != w.Create {
			t.Errorf("writes at the target: %+v for %d people", w, len(everybody))
		}
		s.stop()
		s.leavesNothing(t)
	})
}

// assassin brings people in while the server is killed again and again.
type assassin struct {
	t       *testing.T
	s       *server
	random  *rand.Rand
	outside *rehearsal.Server
	kills   int
	struck  []string
	slowest time.Duration
}

func (a *assassin) round(name, file string, n struct{ upload, plan, run, deliver int }) {
	a.t.Helper()
	for range n.upload {
		a.killUpload(name, file)
	}
	b := a.uploaded(name, file)
	for i := range n.plan {
		a.strike(b.ID, 25*time.Millisecond, i == n.plan-1)
	}
	until(a.t, 40*time.Second, "planned", func() bool { b = a.s.batch(a.t, b.ID); return b.State != "planning" })
	if b.State != "planned" {
		a.t.Fatalf("after planning: %+v", b)
	}
	call[batchView](a.t, a.s, "POST", "/v1/batches/"+b.ID+"/run", nil)
	for i := range n.run {
		a.strike(b.ID, 80*time.Millisecond, i == n.run-1)
	}
	until(a.t, 40*time.Second, "the people are there", func() bool { b = a.s.batch(a.t, b.ID); return over(b.State) })
	for range n.deliver {
		a.strike(b.ID, 500*time.Millisecond, true)
	}
	b = a.s.finished(a.t, b.ID, true, a.rest())
	if b.Counts.Created != b.Total || b.Provision.Counts.Done != b.Total {
		a.t.Errorf("%s: %+v, accounts %+v", name, b, b.Provision)
	}
}

// rest is how long what is left of a run may take: on SQLite too little for any lease of a dead process to run out.
func (a *assassin) rest() time.Duration {
	if a.s.database != "" {
		return 60 * time.Second
	}
	return 15 * time.Second
}

func (a *assassin) wait(most time.Duration) {
	timer := time.NewTimer(time.Duration(a.random.Int64N(int64(most))))
	defer timer.Stop()
	<-timer.C
}

// killUpload kills the server while a file comes in, or just after.
func (a *assassin) killUpload(name, file string) {
	a.t.Helper()
	if there := a.named(name); len(there) == 1 && a.once(name) == "" {
		a.strike(there[0].ID, 25*time.Millisecond, true) // it has arrived already
		return
	}
	ended := make(chan error, 1)
	go func() {
		_, p, err := a.s.sendOnce(context.Background(), slowly(file, 200*time.Millisecond), url.Values{"name": {name}, "then": {"plan"}}, a.once(name))
		if errors.Is(err, errRefused) {
			err = fmt.Errorf("%w: %+v", err, p)
		}
		ended <- err
	}()
	a.wait(300 * time.Millisecond)
	a.s.kill()
	if err := storetest.Await(a.t, ended, "the end of the upload"); errors.Is(err, errRefused) {
		a.t.Errorf("the upload was refused: %v", err)
	}
	a.kills++
	a.struck = append(a.struck, "upload")
	a.s.again()
	if there := a.named(name); len(there) > 0 {
		a.resumes(there[0].ID)
	}
}

// slowly gives a file in small pieces over some time.
func slowly(file string, over time.Duration) io.Reader {
	const pieces = 20
	r, w := io.Pipe()
	go func() {
		tick := time.NewTicker(over / pieces)
		defer tick.Stop()
		for i := range pieces {
			<-tick.C
			if _, err := io.WriteString(w, file[i*len(file)/pieces:(i+1)*len(file)/pieces]); err != nil {
				return // nobody reads any more
			}
		}
		_ = w.Close() // of a pipe, it never fails
	}()
	return r
}

// named gives the batches of a name.
func (a *assassin) named(name string) (there []batchView) {
	a.t.Helper()
	for _, b := range list[batchView](a.t, a.s, "/v1/batches", url.Values{"kind": {"import"}}) {
		if b.Name == name {
			there = append(there, b)
		}
	}
	if len(there) > 1 {
		a.t.Fatalf("%s is there %d times", name, len(there))
	}
	return there
}

// uploaded sends a file that may have arrived in spite of a kill: what was committed stays, what was not leaves nothing.
func (a *assassin) uploaded(name, file string) batchView {
	a.t.Helper()
	there := a.named(name)
	if len(there) == 1 && a.once(name) == "" {
		return there[0]
	}
	b, p, err := a.s.sendOnce(a.t.Context(), strings.NewReader(file), url.Values{"name": {name}, "then": {"plan"}}, a.once(name))
	if err != nil {
		a.t.Fatalf("send %s again: %v %+v", name, err, p)
	}
	if len(there) == 1 && there[0].ID != b.ID {
		a.t.Errorf("%s was taken twice, as %s and as %s", name, there[0].ID, b.ID)
	}
	return b
}

// once is the idempotency key of an upload. On PostgreSQL another process may be at a request that was not answered, so its key is not free for a
// minute, which is too long for a test.
func (a *assassin) once(name string) string {
	if a.s.database != "" {
		return ""
	}
	return "upload of " + name
}

// strike kills the server at some moment and starts it again. With proof, the work must go on; without, the next strike comes before one can tell.
func (a *assassin) strike(id string, most time.Duration, proof bool) {
	a.t.Helper()
	at := a.s.batch(a.t, id)
	a.wait(most)
	a.s.kill()
	a.kills++
	a.struck = append(a.struck, at.where())
	a.s.again()
	if proof {
		a.resumes(id)
	}
}

// where says in a word how far a batch is.
func (b *batchView) where() string {
	switch {
	case !over(b.State):
		return b.State
	case b.Provision == nil:
		return "accounts planned"
	case !over(b.Provision.State):
		return fmt.Sprintf("delivered %d", b.Provision.Counts.Done)
	}
	return "finished"
}

// resumes proves that work goes on in time after a start.
func (a *assassin) resumes(id string) {
	a.t.Helper()
	began := time.Now()
	first := ""
	until(a.t, resumesWithin(a.s), "work goes on after the start", func() bool {
		b := a.s.batch(a.t, id)
		if b.State == "planned" || over(b.State) && b.Provision != nil && over(b.Provision.State) {
			return true // there is nothing to go on with
		}
		now := fmt.Sprintf("%s %+v %d", b.State, b.Counts, a.outside.Writes().Total())
		if b.Provision != nil {
			now += fmt.Sprintf(" %s %+v", b.Provision.State, b.Provision.Counts)
		}
		if first == "" {
			first = now
		}
		return now != first
	})
	a.slowest = max(a.slowest, time.Since(began))
}
