package access

import (
	"runtime"
	"testing"
	"time"
)

func TestPace(t *testing.T) {
	t.Parallel()
	const hash = 50 * time.Millisecond
	busy := false
	p := newPace(func() bool { return busy })
	cores := time.Duration(runtime.GOMAXPROCS(0))
	rests := func(times int, took time.Duration) (last time.Duration) {
		for range times {
			last = p.after(took)
		}
		return last
	}
	if rest := rests(5, hash); rest != 0 {
		t.Errorf("alone: rests %v", rest)
	}
	if rest := rests(5, 3*hash); rest != 0 {
		t.Errorf("alone on a machine that others use: rests %v", rest)
	}
	busy = true
	if rest := rests(5, hash); rest != 0 {
		t.Errorf("beside work that leaves the cores: rests %v", rest)
	}
	rest := rests(10, 2*hash)
	share := float64(2*hash) / float64(rest+2*hash) // of the time, by each of so many workers as there are cores
	if share < 0.9*leastShare || share > 1.1*leastShare {
		t.Errorf("beside work that wants the %d cores: rests %v, a share of %.2f", cores, rest, share)
	}
	if again := rests(1, hash); again == 0 || again >= rest {
		t.Errorf("when the cores get free: rests %v after %v", again, rest)
	}
	if rest := rests(40, hash); rest != 0 {
		t.Errorf("when the cores are free: rests %v", rest)
	}
	rests(10, 2*hash)
	busy = false
	if rest := rests(4, 2*hash); rest != 0 {
		t.Errorf("when the work is over: rests %v", rest)
	}
}
