package app

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

// The log says what was done, and names neither people nor keys.
func TestTheLogNamesNobody(t *testing.T) {
	var out safeBuffer
	a, err := Open(t.Context(), Config{Config: settings(t, store.Options{}), Stderr: &out})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	storetest.Await(t, a.Ready(), "the process to be ready")
	key := adminKey(t, a)
	get(t, a, "/v1/people?email=hidden@example.org&name=hidden", key)
	get(t, a, "/v1/people/hidden", key)
	get(t, a, "/hidden", key)
	cancel()
	if err := errors.Join(<-ended, a.Close()); err != nil {
		t.Fatal(err)
	}
	log := out.String()
	for _, want := range []string{"method=GET", "route=/v1/people", "route=/v1/people/{person}", "status=404", "request=", "key=1", "took="} {
		if !strings.Contains(log, want) {
			t.Errorf("the log has no %s:\n%s", want, log)
		}
	}
	for _, secret := range []string{"hidden", key} {
		if strings.Contains(log, secret) {
			t.Errorf("the log says %q:\n%s", secret, log)
		}
	}
}

type safeBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}
