package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/app"
	"github.com/musterid/muster/internal/cli/client"
	"github.com/musterid/muster/internal/config"
)

// fast is a clock that goes on by a second whenever somebody looks at it.
func fast() func() time.Time {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	return func() time.Time { at = at.Add(time.Second); return at }
}

func TestWhyAccountsWaitIsToldOnce(t *testing.T) {
	t.Parallel()
	const later = "2026-01-01T10:20:30Z"
	answers := []string{
		`{"id":"a","name":"staff","paused":true},{"id":"b","name":"pupils"}`,
		`{"id":"a","name":"staff","paused":true},{"id":"b","name":"pupils"}`,
		`{"id":"a","name":"staff"},{"id":"b","name":"pupils","message":"No answer.","until":"` + later + `"}`,
		`{"id":"a","name":"staff"},{"id":"b","name":"pupils","message":"No answer.","until":"2026-01-01T10:25:30Z"}`,
		`{"id":"a","name":"staff"},{"id":"b","name":"pupils","message":"The password\nis wrong."}`,
		`{"id":"a","name":"staff"},{"id":"b","name":"pupils"}`,
		`{"id":"a","name":"staff","paused":true},{"id":"b","name":"pupils"}`,
	}
	asked, finish := 0, make(chan struct{})
	mux := http.NewServeMux()
	mux.HandleFunc("/v1/targets", func(w http.ResponseWriter, _ *http.Request) {
		if asked++; asked == 4 {
			w.WriteHeader(http.StatusInternalServerError) // is passed over
			return
		}
		n := asked
		if asked > 4 {
			n--
		}
		if n == len(answers)+1 {
			close(finish)
		}
		fmt.Fprintf(w, `{"items":[%s]}`, answers[min(n, len(answers))-1])
	})
	mux.HandleFunc("/v1/batches/1/events", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "data: %s\n\n", accountsRun)
		_ = http.NewResponseController(w).Flush()
		select {
		case <-finish:
		case <-r.Context().Done():
		}
		fmt.Fprintf(w, "data: %s\n\n", allIsDone)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	c, err := client.New(client.Options{URL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	var out bytes.Buffer
	f := &follower{s: newSession(patient(t), nil, &out, &out), client: c, bar: paced(&out, false, time.Hour), pause: time.Millisecond, stalled: stalled{now: fast()}}
	if b, err := f.wait("1", true); err != nil || b.Provision.State != muster.Finished {
		t.Fatalf("ended with %+v, %v", b, err)
	}
	want := "Accounts      25 %  1/4\n"
	want = "People       100 %  4/4\n" + want +
		"staff is paused, and its accounts wait. To let it go on: muster targets resume staff\n" +
		"pupils is in trouble, and its accounts wait until " + local8601(later, time.TimeOnly) + " at least: No answer.\n" +
		"pupils is in trouble, and its accounts wait: The password is wrong.\n" +
		"staff is paused, and its accounts wait. To let it go on: muster targets resume staff\n" +
		"Accounts     100 %  4/4\n"
	if out.String() != want {
		t.Errorf("told\n%swant\n%s", out.String(), want)
	}
}

// Only accounts that do not move are a reason to ask, and only after a while.
func TestWhenTargetsAreAsked(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	view := func(text string) batchView {
		b, err := as[batchView]([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for _, c := range []struct {
		name, first, then string
		want              bool // 5 s after the first
	}{
		{"people come in", importRuns, importRuns, false},
		{"accounts stand still", accountsRun, accountsRun, true},
		{"accounts are about to begin", importIsDone, importIsDone, true},
		{"accounts move", accountsRun, strings.Replace(accountsRun, `"done":1`, `"done":2`, 1), false},
		{"the account work alone", `{"kind":"provision","state":"running","total":3}`, `{"kind":"provision","state":"running","total":3}`, true},
		{"all is done", accountsRun, allIsDone, false},
		{"held", importIsHeld, importIsHeld, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			now := at
			w := stalled{now: func() time.Time { return now }}
			w.note(view(c.first))
			now = at.Add(patience - time.Millisecond)
			if w.due() {
				t.Error("asked too early")
			}
			w.note(view(c.then))
			now = at.Add(patience)
			if got := w.due(); got != c.want {
				t.Errorf("asked: %v", got)
			}
			if w.due() {
				t.Error("asked again at once")
			}
		})
	}
}

// heard is an output that says when a text has come.
type heard struct {
	lock sync.Mutex
	bytes.Buffer
	text string
	come chan struct{}
}

func (h *heard) Write(p []byte) (int, error) {
	h.lock.Lock()
	defer h.lock.Unlock()
	before := strings.Contains(h.String(), h.text)
	n, err := h.Buffer.Write(p)
	if !before && strings.Contains(h.String(), h.text) {
		close(h.come)
	}
	return n, err
}

// Whoever waits for accounts on a target that is down is told so, and goes on when it is back.
func TestWaitingForATargetThatIsDown(t *testing.T) {
	t.Parallel()
	out := &heard{text: "switched to be down", come: make(chan struct{})}
	ctx := patient(t)
	s := newSession(ctx, nil, out, out)
	data := t.TempDir()
	running, err := s.startServer(context.Background(), app.Config{Config: config.Config{Data: data, Listen: "127.0.0.1:0"}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.close()
		if err := running.halt(); err != nil {
			t.Error(err)
		}
	})
	s.remote = remote{URL: running.app.URL(), Data: data}
	server, err := s.connect()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.call(http.MethodPost, "/v1/targets", nil, map[string]any{"name": "practice", "kind": "rehearsal", "config": map[string]any{"instance": t.TempDir(), "down": true}}); err != nil {
		t.Fatal(err)
	}
	b, err := client.Upload[batchView](t.Context(), server, "/v1/batches", values("then", "run"), "text/csv", strings.NewReader("email\na@example.org\n"))
	if err != nil {
		t.Fatal(err)
	}
	mended := make(chan error, 1)
	go func() {
		select {
		case <-out.come:
		case <-ctx.Done():
		}
		practice := targetArgument{"practice"}
		err := (&targetsSet{targetArgument: practice, settingFlags: settingFlags{Set: []string{"down=false"}}}).Run(s)
		mended <- errors.Join(err, (&targetsCheck{practice}).Run(s)) // what answers is not left alone any longer
	}()
	f := &follower{s: s, client: server, bar: paced(out, false, time.Hour), pause: time.Millisecond, stalled: stalled{now: fast()}}
	b, err = f.wait(b.ID, true)
	if err != nil || b.Provision == nil || b.Provision.Counts.Done != 1 {
		t.Errorf("ended with %+v, %v", b, err)
	}
	if err := <-mended; err != nil {
		t.Error(err)
	}
	if n := strings.Count(out.String(), "practice is in trouble, and its accounts wait until"); n != 1 {
		t.Errorf("told %d times:\n%s", n, out.String())
	}
}
