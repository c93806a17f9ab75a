package native

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/access"
	"github.com/musterid/muster/internal/api"
	"github.com/musterid/muster/internal/batch"
)

func (s *surface) batchMoves() {
	for _, m := range []struct {
		word, summary, description string
		do                         func(context.Context, muster.Caller, uuid.UUID) (batch.Batch, error)
	}{
		{"plan", "Plan a batch", "Works out what each row would change and stores it; nothing is done. The batch is `planned` when that is through.", s.Batches.Plan},
		{"run", "Run a batch", "Carries the batch out: as it was planned, or at once. One past the tenant's limits is `held` until somebody releases it. " +
			"Running a provision batch again delivers what failed.", s.run},
		{"release", "Release a held batch", "Lets a batch that is held be carried out as planned.", s.Batches.Release},
		{"cancel", "Cancel a batch", "Stops the batch at its next chunk. What was done stays done; the rest is skipped.", s.Batches.Cancel},
	} {
		handle(s, op(http.MethodPost, "/v1/batches/{batch}/"+m.word, m.word+"-batch", m.summary, m.description),
			func(ctx context.Context, caller muster.Caller, in *OneBatch) (*BatchOut, error) {
				id, err := idOf("batch", in.Batch)
				if err != nil {
					return nil, err
				}
				b, err := m.do(ctx, caller, id)
				return s.batchOut(ctx, caller, b, err)
			})
	}
	handle(s, op(http.MethodPost, "/v1/batches/{batch}/retry", "retry-batch", "Retry what failed",
		"Of an import: makes a new batch of the rows that failed or were skipped. Of a provision batch: delivers its failed accounts again, in the same batch."), s.retryBatch)

	events := op(http.MethodGet, "/v1/batches/{batch}/events", "watch-batch", "Watch a batch",
		"Server-Sent Events: the batch as JSON, now and whenever it changes, until it and the accounts that follow from it are final. A comment every 15 seconds keeps the connection alive.")
	events.Parameters = append(events.Parameters, pathParam("batch", "The batch's id."))
	events.Responses["200"] = &huma.Response{Description: "A stream of events; the data of each is a batch.", Content: map[string]*huma.MediaType{
		"text/event-stream": {Schema: &huma.Schema{Type: "string"}},
	}}
	stream(s, events, s.watch)
}

// run carries a batch out. Of a provision batch that is over, it tries again what failed.
func (s *surface) run(ctx context.Context, caller muster.Caller, id uuid.UUID) (batch.Batch, error) {
	b, err := s.changeable(ctx, caller, id)
	if err != nil {
		return b, err
	}
	if b.Kind == muster.ProvisionBatch {
		return s.Provision.RetryBatch(ctx, caller, id)
	}
	return s.Batches.Run(ctx, caller, id)
}

// changeable reads a batch for somebody who may change it.
func (s *surface) changeable(ctx context.Context, caller muster.Caller, id uuid.UUID) (batch.Batch, error) {
	if err := access.Some(caller, muster.WritePeople); err != nil {
		return batch.Batch{}, err
	}
	return s.Batches.Get(ctx, caller, id)
}

// RetryIn says what to do with the new batch.
type RetryIn struct {
	OneBatch
	Then string `query:"then" enum:"none,plan,run" default:"none" doc:"What to do with the new batch at once."`
}

var thens = map[string]batch.Then{"": batch.Rest, "none": batch.Rest, "plan": batch.PlanIt, "run": batch.CarryIt}

func (s *surface) retryBatch(ctx context.Context, caller muster.Caller, in *RetryIn) (*BatchOut, error) {
	id, err := idOf("batch", in.Batch)
	if err != nil {
		return nil, err
	}
	b, err := s.changeable(ctx, caller, id)
	switch {
	case err != nil:
	case b.Kind == muster.ProvisionBatch:
		b, err = s.Provision.RetryBatch(ctx, caller, id)
	default:
		b, err = s.Batches.Retry(ctx, caller, id, thens[in.Then])
	}
	return s.batchOut(ctx, caller, b, err)
}

const (
	lookEvery = 250 * time.Millisecond
	beatEvery = 15 * time.Second
)

// watch streams a batch as it changes.
func (s *surface) watch(w http.ResponseWriter, r *http.Request, caller muster.Caller) error {
	b, err := s.batchOf(r, caller)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no") // a proxy in between must not wait for the end
	if r.Method == http.MethodHead {
		return nil
	}
	out := &events{w: w, control: http.NewResponseController(w)}
	look, beat := time.NewTicker(lookEvery), time.NewTicker(beatEvery)
	defer look.Stop()
	defer beat.Stop()
	for {
		over, err := s.show(r.Context(), caller, &b, out)
		if err != nil || over {
			return out.end(err)
		}
		select {
		case <-r.Context().Done():
			return nil
		case <-s.Closing:
			return nil
		case <-beat.C:
			if caller, err = s.callerOf(r); err == nil { // a key that was revoked sees nothing more
				err = out.send(":\n\n")
			}
		case <-look.C:
			b, err = s.Batches.Get(r.Context(), caller, b.ID)
		}
		if err != nil {
			return out.end(err)
		}
	}
}

// show sends a batch if it differs from what was sent last, and says whether nothing more will happen to it.
func (s *surface) show(ctx context.Context, caller muster.Caller, b *batch.Batch, out *events) (over bool, err error) {
	v, err := s.wholeView(ctx, caller, b)
	if err != nil {
		return false, err
	}
	over = v.State.Final() && (v.Provision == nil || v.Provision.State.Final())
	text, err := json.Marshal(v)
	if err != nil {
		return over, err
	}
	v.ETA, v.UpdatedAt = 0, time.Time{}
	if v.Provision != nil {
		v.Provision.ETA = 0
	}
	telling, err := json.Marshal(v) // without what changes by itself
	if err != nil || bytes.Equal(telling, out.last) {
		return over, err
	}
	out.last = telling
	return over, out.send("data: " + string(text) + "\n\n")
}

// events is a stream of Server-Sent Events.
type events struct {
	w       http.ResponseWriter
	control *http.ResponseController
	last    []byte
	begun   bool
}

func (e *events) send(text string) error {
	e.begun = true
	api.ExtendWrite(e.w)
	_, err := e.w.Write([]byte(text))
	if err == nil {
		err = e.control.Flush()
	}
	if err != nil {
		return errors.Join(errGone, err)
	}
	return nil
}

var errGone = errors.New("native: the client went away")

// end gives the error that can still be told. In a stream that has begun it cannot: the stream ends, and whoever follows asks again.
func (e *events) end(err error) error {
	if e.begun {
		return nil
	}
	return err
}
