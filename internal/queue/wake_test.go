package queue

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestWakerTellsEveryLane(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWaker(map[string]int{"b": 1, "a": 1})
		ctx, cancel := context.WithCancel(t.Context())
		heard := make(chan string)
		ended := make(chan error, 1)
		go func() {
			for {
				n, err := w.WaitForNotification(ctx)
				if err != nil {
					ended <- err
					return
				}
				if n.Topic != "river_insert" {
					t.Errorf("topic %q", n.Topic)
				}
				heard <- n.Payload
			}
		}()
		drain := func() (lanes []string) {
			for {
				synctest.Wait()
				select {
				case payload := <-heard:
					lanes = append(lanes, payload)
				default:
					return lanes
				}
			}
		}
		a, b := `{"queue":"a"}`, `{"queue":"b"}`

		if got := drain(); len(got) > 0 {
			t.Errorf("before any nudge: heard %q", got)
		}
		w.nudge()
		if got := drain(); !slices.Equal(got, []string{b, a}) {
			t.Errorf("nudged while waiting: heard %q", got)
		}

		w.nudge()
		<-heard // b; by now a is on its way
		synctest.Wait()
		w.nudge()
		if got := drain(); !slices.Equal(got, []string{a, b, a}) {
			t.Errorf("nudged when half told: heard %q, want both lanes again", got)
		}

		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("ended with %v", err)
		}
		w.nudge() // nobody waits; must not block
	})
}

func TestEveryTicksUntilTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		ctx, cancel := context.WithCancel(t.Context())
		began, calls := time.Now(), []time.Duration(nil)
		work := ticker{interval: time.Minute, name: "sweep", work: func(context.Context) error {
			calls = append(calls, time.Since(began))
			switch len(calls) {
			case 1:
				return errors.New("no connection")
			case 2:
				panic("nil map")
			case 3:
				time.Sleep(150 * time.Second)
			}
			return nil
		}}
		ended := make(chan struct{})
		go func() {
			work.run(ctx, slog.New(slog.NewTextHandler(&log, nil)))
			close(ended)
		}()
		time.Sleep(330 * time.Second)
		cancel()
		<-ended
		want := []time.Duration{0, time.Minute, 2 * time.Minute, 270 * time.Second, 300 * time.Second}
		if !slices.Equal(calls, want) {
			t.Errorf("called at %v, want %v", calls, want)
		}
		for _, text := range []string{"name=sweep", "no connection", "nil map"} {
			if !strings.Contains(log.String(), text) {
				t.Errorf("the log lacks %q:\n%s", text, log.String())
			}
		}
	})
}

func TestWaitAfterFailure(t *testing.T) {
	t.Parallel()
	for attempt, want := range map[int]time.Duration{
		0: time.Second, 1: time.Second, 2: 2 * time.Second, 6: 32 * time.Second, 7: time.Minute, 1000: time.Minute,
	} {
		if got := waitAfter(attempt); got != want {
			t.Errorf("after attempt %d: %s, want %s", attempt, got, want)
		}
	}
}
