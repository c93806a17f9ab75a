package access

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestPace(t *testing.T) {
	t.Parallel()
	const hash = 50 * time.Millisecond
	load := Idle
	p := newPace(func() Load { return load })
	rests := func(times int, took time.Duration) (last time.Duration) {
		for range times {
			last = p.after(took)
		}
		return last
	}
	least := func(rest, took time.Duration) bool { // whether a worker hashes as little as it ever does
		share := float64(took) / float64(rest+took)
		return share > 0.9*leastShare && share < 1.1*leastShare
	}
	if rest := rests(5, hash); rest != 0 {
		t.Errorf("alone: rests %v", rest)
	}
	if rest := rests(5, 3*hash); rest != 0 {
		t.Errorf("alone on a machine that others use: rests %v", rest)
	}
	load = Busy
	if rest := rests(5, hash); rest != 0 {
		t.Errorf("beside work that leaves the cores: rests %v", rest)
	}
	rest := rests(1, 2*hash)
	if !least(rest, 2*hash) {
		t.Errorf("beside work that wants the cores: rests %v", rest)
	}
	if again := rests(1, hash); again == 0 || again >= rest {
		t.Errorf("when the cores get free: rests %v after %v", again, rest)
	}
	if rest := rests(40, hash); rest != 0 {
		t.Errorf("when the cores are free: rests %v", rest)
	}
	load = Bulk
	if rest := rests(1, hash); !least(rest, hash) {
		t.Errorf("beside bulk work, of which nothing is felt here: rests %v", rest)
	}
	if rest := rests(100, hash); !least(rest, hash) {
		t.Errorf("beside bulk work that takes long: rests %v", rest)
	}
	load = Idle
	if rest := rests(5, 2*hash); rest != 0 {
		t.Errorf("when the work is over: rests %v", rest)
	}
}

// Whatever comes in between, hashing goes on: of any stretch of time a worker has its least share.
func TestPaceNeverCeases(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		load := Idle
		p := newPace(func() Load { return load })
		var hashed, rested time.Duration
		for range rapid.IntRange(1, 100).Draw(t, "hashes") {
			load = rapid.SampledFrom([]Load{Idle, Busy, Bulk}).Draw(t, "load")
			took := time.Duration(rapid.Int64Range(1, int64(time.Minute)).Draw(t, "took"))
			rest := p.after(took)
			if rest < 0 {
				t.Fatalf("rests %v", rest)
			}
			hashed, rested = hashed+took, rested+rest
			if share := float64(hashed) / float64(hashed+rested); share < 0.99*leastShare {
				t.Fatalf("%v of hashing in %v", hashed, hashed+rested)
			}
		}
	})
}
