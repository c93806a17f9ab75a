package native

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/musterid/muster/internal/access"
	"github.com/musterid/muster/internal/api"
)

// repeatHeader makes a POST safe to send again.
const (
	repeatHeader   = "Idempotency-Key"
	replayedHeader = "Idempotency-Replayed"
)

// kept is an answer as it is remembered: what a repeat gets.
type kept struct {
	Header map[string]string `json:"h,omitempty"`
	Body   string            `json:"b,omitempty"`
	// Content is the digest of an upload, which is known only when it has been read.
	Content []byte `json:"c,omitempty"`
}

// keptHeaders are the headers that belong to an answer.
var keptHeaders = []string{"Location", "ETag", "Content-Type"}

// once carries a POST with an idempotency key out once. Only what succeeded is remembered: a request that was refused changed nothing and may be
// sent again, corrected or not. The work has been committed before its answer is kept; if the process dies between the two, a repeat after a
// minute is carried out anew. Uploads keep their answer in their own transaction (upload.go), so for them there is no such gap.
func (s *surface) once(w http.ResponseWriter, r *http.Request, op *huma.Operation, body []byte, work func(http.ResponseWriter)) {
	key := r.Header.Get(repeatHeader)
	if op.Method != http.MethodPost || key == "" {
		work(w)
		return
	}
	digest := sha256.Sum256(body)
	answer, claim, err := s.Access.Replay(r.Context(), caller(r.Context()), key, route(r), digest[:])
	if err == nil && answer != nil {
		var k kept
		if k, err = keptOf(answer); err == nil {
			k.write(w, answer.Status)
			return
		}
	}
	if err != nil {
		api.Refuse(w, r, err)
		return
	}
	out := &held{header: w.Header()}
	defer s.abandonOnPanic(r.Context(), claim)
	work(out)
	if out.status < 200 || out.status > 299 {
		err = s.Access.Abandon(r.Context(), claim, api.TraceOf(r.Context()).Cause)
	} else {
		err = s.Access.Finish(r.Context(), claim, out.answer(op))
	}
	if err != nil {
		api.TraceOf(r.Context()).Cause = err // the work is done; only a repeat would not know
	}
	w.WriteHeader(out.status)
	_, _ = w.Write(out.body.Bytes()) // a client that is gone
}

// route names what a key was used for: the path with its ids, and the query.
func route(r *http.Request) string {
	sum := sha256.Sum256([]byte(r.URL.RawQuery))
	return r.Method + " " + r.URL.EscapedPath() + " " + string(hexOf(sum[:8]))
}

func (s *surface) abandonOnPanic(ctx context.Context, claim *access.Claim) {
	if cause := recover(); cause != nil {
		_ = s.Access.Abandon(ctx, claim, nil) // the panic goes on, and counts more
		panic(cause)
	}
}

// keptOf reads an answer as it was remembered.
func keptOf(answer *access.Answer) (k kept, err error) {
	if err := json.Unmarshal(answer.Body, &k); err != nil {
		return k, errors.Join(errors.New("native: read an answer that was kept"), err)
	}
	return k, nil
}

// write answers with what was answered before.
func (k kept) write(w http.ResponseWriter, status int) {
	for name, value := range k.Header {
		w.Header().Set(name, value)
	}
	w.Header().Set(replayedHeader, "true")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, k.Body) // a client that is gone
}

// held is an answer that waits until it is remembered.
type held struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (h *held) Header() http.Header { return h.header }

func (h *held) WriteHeader(status int) {
	if h.status == 0 {
		h.status = status
	}
}

func (h *held) Write(b []byte) (int, error) {
	h.WriteHeader(http.StatusOK)
	return h.body.Write(b)
}

func (h *held) answer(op *huma.Operation) access.Answer {
	k := kept{Header: map[string]string{}, Body: h.body.String()}
	for _, name := range keptHeaders {
		if value := h.header.Get(name); value != "" {
			k.Header[name] = value
		}
	}
	text, err := json.Marshal(k)
	if err != nil {
		text = []byte("{}") // texts always encode
	}
	return access.Answer{Status: h.status, Body: text, Secret: op.Metadata[secretAnswer] == true}
}

// secretAnswer marks operations whose answer holds a secret, which is not kept.
const secretAnswer = "secret answer"
