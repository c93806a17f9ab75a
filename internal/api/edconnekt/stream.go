package edconnekt

import (
	"encoding/json"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/api"
)

// The stream of an import's counters (contract §9.8). A browser's EventSource cannot send a credential, so that whoever knows the import's id may
// read it: it carries counters and the status, no people.
const (
	lookEvery   = time.Second
	beatEvery   = 15 * time.Second
	streamTime  = 300 // seconds
	streamMost  = 3600
	streamsMost = 256 // at once in one process: nobody has signed in for them
)

var streams atomic.Int64

// stream is GET /bulkimport/sse/{batch_id}.
func (s *surface) stream(q *request) (int, any, error) {
	within := q.number("timeout", streamTime, 1, streamMost)
	if err := q.err(); err != nil {
		return 0, nil, err
	}
	id, why := parseUUID(q.r.PathValue("batch_id"))
	if why != "" {
		return 0, nil, errNoBatch
	}
	b, err := s.Batches.CountsOf(q.ctx, surfaceName, id)
	if err != nil {
		return 0, nil, notFound(err, errNoBatch)
	}
	if streams.Add(1) > streamsMost {
		streams.Add(-1)
		return 0, nil, say(http.StatusServiceUnavailable, "TOO_MANY_STREAMS", "Trop de suivis sont ouverts. Réessayez dans quelques instants.")
	}
	defer streams.Add(-1)
	h := q.w.Header()
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("X-Accel-Buffering", "no") // a proxy in between must not wait for the end
	if q.r.Method == http.MethodHead {
		return http.StatusOK, nil, nil
	}
	s.follow(q, id, b, time.Duration(within)*time.Second)
	return http.StatusOK, nil, nil
}

// follow sends an event at once and with each change, until nothing more will happen, the time is over, or nobody listens.
func (s *surface) follow(q *request, id uuid.UUID, b muster.Batch, within time.Duration) {
	out := &events{w: q.w, control: http.NewResponseController(q.w)}
	look, beat, over := time.NewTicker(lookEvery), time.NewTicker(beatEvery), time.NewTimer(within)
	defer look.Stop()
	defer beat.Stop()
	defer over.Stop()
	for {
		event := countersOf(&b)
		event.Type = eventType(b.State)
		if out.data(event, false) != nil || b.State.Final() {
			return
		}
		var err error
		select {
		case <-q.ctx.Done():
			return
		case <-s.Closing:
			return
		case <-over.C:
			event.Type = "TIMEOUT"
			_ = out.data(event, true) // a client that is gone
			return
		case <-beat.C:
			err = out.send(":\n\n")
		case <-look.C:
			b, err = s.Batches.CountsOf(q.ctx, surfaceName, id)
		}
		if err != nil {
			return
		}
	}
}

func eventType(state muster.BatchState) string {
	switch state {
	case muster.Finished:
		return "COMPLETED"
	case muster.Failed:
		return "ERROR"
	case muster.Cancelled:
		return "CANCELLED"
	}
	return "PROGRESS"
}

// events is a stream of Server-Sent Events without names: the screen listens to nothing else.
type events struct {
	w       http.ResponseWriter
	control *http.ResponseController
	last    string
}

// data sends an event, when it differs from the last one or has to be sent.
func (e *events) data(v any, always bool) error {
	text, err := json.Marshal(v)
	if err != nil || string(text) == e.last && !always {
		return err
	}
	e.last = string(text)
	return e.send("data: " + e.last + "\n\n")
}

func (e *events) send(text string) error {
	api.ExtendWrite(e.w)
	if _, err := e.w.Write([]byte(text)); err != nil {
		return err
	}
	return e.control.Flush()
}
