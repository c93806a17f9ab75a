package e2e

import (
	"fmt"
	"io"
	"net/url"
	"os"
	"testing"
	"time"

	"github.com/musterid/muster/e2e/people"
	"github.com/musterid/muster/internal/sheet"
)

// TestTortureMemory brings in some people and, on another server, several times as many: the memory a process needs does not grow with the file. Even
// the fewer ones are several chunks, because what is decided ahead of a chunk being written is there from the second chunk on.
func TestTortureMemory(t *testing.T) {
	few, many := 15_000, 45_000
	switch {
	case os.Getenv("MUSTER_TORTURE") != "":
		few, many = 20_000, 100_000
	case raceDetector:
		few, many = 12_000, 30_000
	}
	small, ok := mostMemory(t, few)
	if !ok {
		t.Log("the system does not tell how much memory a process had; nothing was compared")
		return
	}
	large, _ := mostMemory(t, many)
	t.Logf("%d people: %d MiB; %d people: %d MiB", few, small>>20, many, large>>20)
	if large > small*3/2 {
		t.Errorf("%d people needed %d MiB, %d people %d MiB", few, small>>20, many, large>>20)
	}
}

func mostMemory(t *testing.T, n int) (most int64, ok bool) {
	t.Helper()
	s := start(t, options{})
	defer s.stop()
	r, w := io.Pipe()
	go func() { _ = w.CloseWithError(people.New(1, "m").Write(w, sheet.CSV, n)) }()
	b, p, err := s.send(t.Context(), r, url.Values{"name": {fmt.Sprintf("%d.csv", n)}, "then": {"run"}})
	if err != nil {
		t.Fatalf("%v %+v", err, p)
	}
	if b = s.finished(t, b.ID, false, 3*time.Minute); b.Counts.Created != n {
		t.Fatalf("%+v", b)
	}
	return s.memory()
}
