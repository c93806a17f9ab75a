package main

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/access"
	"github.com/musterid/muster/internal/api/jumpcloud"
	"github.com/musterid/muster/internal/batch"
	"github.com/musterid/muster/internal/intake"
	"github.com/musterid/muster/internal/provision"
	"github.com/musterid/muster/internal/secret"
	"github.com/musterid/muster/internal/sheet"
)

const hashes = 48

// measurePasswords hashes as many passwords barely on all cores, and those of a job in line, in turn. Then it imports people alone, and while a long
// line is hashed.
func measurePasswords(ctx context.Context, b *bench) error {
	engines, err := b.prepare(ctx, 0, 0)
	if err != nil {
		return err
	}
	file, err := made(b.seed, sheet.CSV, max(b.rows/2, 1))
	if err != nil {
		return err
	}
	t := b.table("database", "passwords", "bare hashes/s", "Muster hashes/s", "ratio", "of rounds", "import alone rows/s", "while hashing", "ratio", "of rounds")
	for _, e := range engines {
		if err := e.passwords(ctx, t, file); err != nil {
			return fmt.Errorf("%s: %w", e.name, err)
		}
	}
	t.print()
	return nil
}

func (e *engine) passwords(ctx context.Context, t *table, file []byte) error {
	var bares, lines, ofBare, alones, besides, ofAlone []float64
	for range e.b.rounds {
		before, err := bareHashes(ctx)
		if err != nil {
			return err
		}
		line, err := e.hashed(ctx)
		if err != nil {
			return err
		}
		after, err := bareHashes(ctx)
		if err != nil {
			return err
		}
		alone, err := e.besideHashes(ctx, file, 0)
		if err != nil {
			return err
		}
		beside, err := e.besideHashes(ctx, file, 20*hashes)
		if err != nil {
			return err
		}
		again, err := e.besideHashes(ctx, file, 0)
		if err != nil {
			return err
		}
		bares, lines, ofBare = append(bares, (before+after)/2), append(lines, line), append(ofBare, line/((before+after)/2))
		alones, besides, ofAlone = append(alones, (alone+again)/2), append(besides, beside), append(ofAlone, beside/((alone+again)/2))
	}
	rate := func(list []float64) string { return fmt.Sprintf("%.1f", median(list)) }
	t.row(e.name, hashes, rate(bares), rate(lines), share(median(ofBare)), shares(ofBare), median(alones), median(besides), share(median(ofAlone)), shares(ofAlone))
	return nil
}

// bareHashes hashes on all cores, and gives hashes a second.
func bareHashes(ctx context.Context) (perSecond float64, err error) {
	cores := runtime.GOMAXPROCS(0)
	errs := make([]error, cores)
	var working sync.WaitGroup
	start := time.Now()
	for w := range cores {
		working.Go(func() {
			for i := w; i < hashes && errs[w] == nil; i += cores {
				_, errs[w] = secret.HashPassword(ctx, fmt.Sprintf("horse %d staple", i))
			}
		})
	}
	working.Wait()
	return hashes / time.Since(start).Seconds(), firstOf(errs...)
}

// withPasswords has a job with so many passwords carried out. They wait to be hashed then.
func (p *product) withPasswords(ctx context.Context, n int) error {
	var body bytes.Buffer
	for i := range n {
		sign := ","
		if i == 0 {
			sign = "["
		}
		fmt.Fprintf(&body, `%s{"username":"waits%d","email":"waits%d@example.org","password":"horse %d staple"}`, sign, i, i, i)
	}
	body.WriteString("]")
	profile, _ := jumpcloud.Profile()
	b, err := p.intake.ReceiveArray(ctx, p.caller, &body, intake.Array{Name: "passwords", Profile: profile, Matching: muster.EachNew, Secret: "password"})
	if err != nil {
		return err
	}
	if b, err = p.wait(ctx, b); err == nil && b.Counts.Created != n {
		err = fmt.Errorf("of %d rows with passwords came %+v", n, b.Counts)
	}
	return err
}

// works is what the binary tells its hashing of other work.
func (p *product) works() access.Load {
	switch {
	case p.queue.Working(batch.Lane, provision.FollowLane):
		return access.Bulk
	case p.queue.Working() || p.taking.Load() > 0:
		return access.Busy
	}
	return access.Idle
}

func (p *product) hasher() *access.Hasher {
	return access.NewHasher(access.HasherOptions{Store: p.store, Key: p.key, Load: p.works})
}

// hashed hashes the passwords of a job, with nothing else to do, and gives hashes a second.
func (e *engine) hashed(ctx context.Context) (perSecond float64, err error) {
	p, end, err := e.begin(ctx)
	if err != nil {
		return 0, err
	}
	defer func() { err = firstOf(err, end()) }()
	if err := p.withPasswords(ctx, hashes); err != nil {
		return 0, err
	}
	h := p.hasher()
	defer h.Close()
	start := time.Now()
	n, err := h.Run(ctx)
	if err == nil && n != hashes {
		err = fmt.Errorf("%d of %d passwords were hashed", n, hashes)
	}
	return hashes / time.Since(start).Seconds(), err
}

// besideHashes imports a file while so many passwords wait, and gives rows a second.
func (e *engine) besideHashes(ctx context.Context, file []byte, waiting int) (perSecond float64, err error) {
	p, end, err := e.begin(ctx)
	if err != nil {
		return 0, err
	}
	defer func() { err = firstOf(err, end()) }()
	if waiting > 0 {
		if err := p.withPasswords(ctx, waiting); err != nil {
			return 0, err
		}
		h := p.hasher()
		hashing, stop := context.WithCancel(ctx)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_, _ = h.Run(hashing) // it is stopped in the middle
		}()
		defer func() { stop(); <-ended; h.Close() }()
	}
	runtime.GC()
	start := time.Now()
	b, err := p.load(ctx, bytes.NewReader(file), sheet.CSV)
	return float64(b.Total) / time.Since(start).Seconds(), err
}
