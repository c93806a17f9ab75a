package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/cli/client"
	"github.com/musterid/muster/internal/store/storetest"
)

// patient is a context that ends with the test, or when that waits too long.
func patient(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), storetest.Patience)
	t.Cleanup(cancel)
	return ctx
}

// following gives a follower of a server that answers the live stream with stream and single looks with look. Both get how often they were asked.
func following(t *testing.T, stream, look func(n int) (status int, states []string)) (*follower, *bytes.Buffer) {
	t.Helper()
	var streams, looks atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/events") {
			status, states := look(int(looks.Add(1)))
			w.WriteHeader(status)
			fmt.Fprint(w, strings.Join(states, ""))
			return
		}
		status, states := stream(int(streams.Add(1)))
		w.WriteHeader(status)
		for _, state := range states {
			fmt.Fprintf(w, "data: %s\n\n", state)
		}
	}))
	t.Cleanup(server.Close)
	c, err := client.New(client.Options{URL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	var out bytes.Buffer
	s := newSession(patient(t), strings.NewReader(""), &out, &out)
	return &follower{s: s, client: c, bar: paced(&out, false, time.Hour), pause: time.Millisecond}, &out
}

const (
	importRuns   = `{"id":"1","kind":"import","state":"running","total":4,"counts":{"done":2}}`
	importIsDone = `{"id":"1","kind":"import","state":"finished","total":4,"counts":{"done":4},"provision":{"state":"running","total":0}}`
	accountsRun  = `{"id":"1","kind":"import","state":"finished","total":4,"counts":{"done":4},"provision":{"state":"running","total":4,"counts":{"done":1}}}`
	allIsDone    = `{"id":"1","kind":"import","state":"finished","total":4,"counts":{"done":4},"provision":{"state":"finished","total":4,"counts":{"done":4}}}`
	importIsHeld = `{"id":"1","kind":"import","state":"held","total":4,"message":"too many"}`
)

func none(int) (int, []string) { return http.StatusInternalServerError, nil }

func TestWaitUntilAccountsAreThere(t *testing.T) {
	t.Parallel()
	f, out := following(t, func(int) (int, []string) {
		return http.StatusOK, []string{importRuns, importIsDone, accountsRun, allIsDone, `{"never":"read"}`}
	}, none)
	b, err := f.wait("1", true)
	if err != nil || b.Provision == nil || b.Provision.State != muster.Finished {
		t.Fatalf("ended with %+v, %v", b, err)
	}
	want := "People        50 %  2/4\nPeople       100 %  4/4\nAccounts      25 %  1/4\nAccounts     100 %  4/4\n"
	if out.String() != want {
		t.Errorf("showed\n%swant\n%s", out.String(), want)
	}
	var latest batchView
	if err := json.Unmarshal(f.latest, &latest); err != nil || latest.Provision.Counts.Done != 4 {
		t.Errorf("the last answer is %s (%v)", f.latest, err)
	}
}

func TestWaitForAPlanDoesNotWaitForAccounts(t *testing.T) {
	t.Parallel()
	f, _ := following(t, func(int) (int, []string) { return http.StatusOK, []string{importIsDone} }, none)
	if b, err := f.wait("1", false); err != nil || b.State != muster.Finished {
		t.Errorf("ended with %+v, %v", b, err)
	}
}

func TestWaitEndsWhereSomebodyMustDecide(t *testing.T) {
	t.Parallel()
	f, _ := following(t, func(int) (int, []string) { return http.StatusOK, []string{importRuns, importIsHeld} }, none)
	b, err := f.wait("1", true)
	if err != nil || b.State != muster.HeldBatch {
		t.Errorf("ended with %+v, %v", b, err)
	}
	var ended *exit
	if err := f.s.outcome(b); !errors.As(err, &ended) || ended.code != ExitHeld {
		t.Errorf("a held batch comes to %v", err)
	}
}

func TestWaitSurvivesARestartOfTheServer(t *testing.T) {
	t.Parallel()
	f, _ := following(t, func(n int) (int, []string) {
		switch n {
		case 1: // goes away in the middle
			return http.StatusOK, []string{importRuns}
		case 2, 3:
			return http.StatusServiceUnavailable, nil
		}
		return http.StatusOK, []string{allIsDone}
	}, func(n int) (int, []string) {
		if n == 3 {
			return http.StatusOK, []string{importRuns}
		}
		return http.StatusServiceUnavailable, nil
	})
	if b, err := f.wait("1", true); err != nil || b.State != muster.Finished {
		t.Errorf("ended with %+v, %v", b, err)
	}
}

func TestWaitGivesUp(t *testing.T) {
	t.Parallel()
	t.Run("a server that never answered", func(t *testing.T) {
		t.Parallel()
		f, _ := following(t, none, none)
		var refused *client.Refused
		if _, err := f.wait("1", true); !errors.As(err, &refused) || refused.Status != http.StatusInternalServerError {
			t.Errorf("ended with %v", err)
		}
	})
	t.Run("a batch that is not there", func(t *testing.T) {
		t.Parallel()
		missing := func(int) (int, []string) { return http.StatusNotFound, nil }
		f, _ := following(t, missing, missing)
		f.latest = json.RawMessage("{}")
		var refused *client.Refused
		if _, err := f.wait("1", true); !errors.As(err, &refused) || refused.Status != http.StatusNotFound {
			t.Errorf("ended with %v", err)
		}
	})
	t.Run("the user goes", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		runs := func(int) (int, []string) { return http.StatusOK, []string{importRuns} }
		f, _ := following(t, runs, func(n int) (int, []string) {
			if n == 3 {
				cancel()
			}
			return runs(n)
		})
		f.s.ctx = ctx
		var ended *exit
		if _, err := f.wait("1", true); !errors.As(err, &ended) || ended.code != ExitFailed || !strings.Contains(ended.message, "muster batches watch 1") {
			t.Errorf("ended with %v", err)
		}
	})
}

func TestOutcome(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		batch string
		want  int
	}{
		{"all done", allIsDone, ExitDone},
		{"held", importIsHeld, ExitHeld},
		{"accounts held", `{"state":"finished","provision":{"id":"2","state":"held"}}`, ExitHeld},
		{"failed rows", `{"state":"finished","counts":{"failed":1}}`, ExitPartial},
		{"failed accounts", `{"state":"finished","provision":{"state":"finished","counts":{"failed":1}}}`, ExitPartial},
		{"cancelled", `{"state":"cancelled","counts":{"skipped":3}}`, ExitFailed},
		{"failed as a whole", `{"state":"failed"}`, ExitFailed},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b, err := as[batchView](json.RawMessage(test.batch))
			if err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			s := newSession(t.Context(), nil, &out, &out)
			if got := s.finish(s.outcome(b)); got != test.want {
				t.Errorf("exit code %d, want %d", got, test.want)
			}
		})
	}
}
