package jumpcloud

import (
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"strings"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/access"
	"github.com/musterid/muster/internal/api"
	"github.com/musterid/muster/internal/batch"
	"github.com/musterid/muster/internal/intake"
	"github.com/musterid/muster/internal/roster"
)

func (s *surface) jobs() {
	s.routeLong("POST /api/v2/bulk/users", func(q *request) (any, error) { return s.submit(q, createMode) })
	s.routeLong("PATCH /api/v2/bulk/users", func(q *request) (any, error) { return s.submit(q, updateMode) })
	s.route("GET /api/v2/bulk/users/{id}/results", s.results)
	s.route("GET /api/v2/jobs/{id}", s.job)
	s.route("GET /api/v2/jobs/{id}/results", s.results)
}

// jobNames are the names that jobs have (contract §5).
var jobNames = map[string]string{createMode: "bulk-users-create", updateMode: "bulk-users-update"}

// submit takes the body of a job in as it arrives, and answers when all of it is durable (contract §3).
func (s *surface) submit(q *request, operation string) (any, error) {
	m, silent, err := s.modeOfRequest(q, operation)
	if err != nil {
		return nil, err
	}
	if err := q.writer(); err != nil {
		return nil, err
	}
	content, err := s.body(q)
	if err != nil {
		return nil, err
	}
	claim, replayed, err := s.claim(q, content)
	if err != nil || replayed != nil {
		return replayed, err
	}
	return s.receive(q, m, silent, content, claim)
}

// modeOfRequest reads the parameters and headers of a job.
func (s *surface) modeOfRequest(q *request, operation string) (m *mode, silent bool, err error) {
	m = &mode{Operation: operation, Org: q.orgID(), At: s.Now().UTC()}
	if m.Admin, err = s.admin(q); err != nil {
		return nil, false, err
	}
	query := q.r.URL.Query()
	switch query.Get("suppressEmail") {
	case "", "false", "0":
	case "true", "1":
		silent = true
	default:
		return nil, false, badRequest("suppressEmail", "invalid", "suppressEmail is true or false.")
	}
	if operation == updateMode {
		switch query.Get("arrayMode") {
		case "", "replace":
		case "merge":
			m.Merge = true
		default:
			return nil, false, badRequest("arrayMode", "invalid", "arrayMode is replace or merge.")
		}
		return m, silent, nil
	}
	m.Source = strings.TrimSpace(q.r.Header.Get("Creation-Source"))
	switch m.Source {
	case "", bulkSource:
		m.Source, m.State = bulkSource, s.States.CSVImport
	case "jumpcloud:gapps", "jumpcloud:o365", "jumpcloud:workday", "jumpcloud:scim", "jumpcloud:custom_integration":
		m.State = s.States.ApplicationImport
	default:
		return nil, false, badRequest("creation-source", "invalid", "The header creation-source names no source that is known. Leave it out, or send jumpcloud:bulk.")
	}
	return m, silent, nil
}

const bulkSource = "jumpcloud:bulk"

// admin is the id of the owner of the key: the person it is of, else one that stands for the key itself.
func (s *surface) admin(q *request) (string, error) {
	if q.caller.Person == 0 {
		return muster.HexID(keyIDs|q.caller.Key, q.org.CreatedAt), nil
	}
	found, err := s.Roster.BySeq(q.ctx, q.caller, []int64{q.caller.Person})
	return userID(found[q.caller.Person].ID), err
}

// content is the body of a job as it arrives, unpacked. What is read of it goes into sum.
type content struct {
	body   io.Reader
	sum    hash.Hash
	broken bool // not all of it could be read
}

func (c *content) Read(b []byte) (int, error) {
	n, err := c.body.Read(b)
	c.sum.Write(b[:n])
	if err != nil && !errors.Is(err, io.EOF) {
		c.broken = true
	}
	return n, err
}

func (s *surface) body(q *request) (*content, error) {
	body := api.Arriving(q.w, q.r.Body)
	switch strings.ToLower(strings.TrimSpace(q.r.Header.Get("Content-Encoding"))) {
	case "", "identity":
		if q.r.ContentLength > s.BulkBody {
			return nil, s.tooLarge()
		}
	case "gzip":
		packed, err := gzip.NewReader(io.LimitReader(body, s.BulkBody+s.BulkBody>>10+1<<10)) // what cannot be packed grows by this much at most
		if err != nil {
			return nil, badRequest("", intake.BodyInvalidJSON, "The body is not the gzip that Content-Encoding says it is.")
		}
		body = packed
	default:
		return nil, refuse(http.StatusUnsupportedMediaType, "Send the body as it is, or packed with gzip.")
	}
	return &content{body: body, sum: sha256.New()}, nil
}

func (s *surface) tooLarge() *refusal {
	return refuse(http.StatusRequestEntityTooLarge, fmt.Sprintf("A body has at most %d bytes. Send the users in several jobs.", s.BulkBody),
		detail{Reason: intake.BodyTooLarge})
}

// kept is the answer that a repeat gets. Sum is of the body, which is known only when all of it has been read.
type kept struct {
	Job string `json:"job"`
	Sum []byte `json:"sum"`
}

const repeatHeader = "Idempotency-Key"

// claim looks for an earlier request with the same key, and gives its answer when there was one with the same body. The key is the organization's,
// whichever of its API keys comes with it.
func (s *surface) claim(q *request, c *content) (*access.Claim, any, error) {
	given := q.r.Header.Values(repeatHeader)
	if len(given) == 0 || given[0] == "" {
		return nil, nil, nil
	}
	if key := given[0]; len(key) > 255 || strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, nil, badRequest(repeatHeader, "invalid", "An idempotency key has 1 to 255 visible ASCII characters.")
	}
	org := q.caller
	org.Key, org.Person, org.Name = 0, 0, surfaceName
	route := q.r.Method + " " + q.r.URL.EscapedPath() + "?" + q.r.URL.RawQuery
	digest := sha256.Sum256([]byte(route))
	answer, claim, err := s.Access.Replay(q.ctx, org, given[0], q.r.Method+" "+q.r.URL.EscapedPath(), digest[:])
	if err != nil || answer == nil {
		return claim, nil, err
	}
	var k kept
	if err := json.Unmarshal(answer.Body, &k); err != nil {
		return nil, nil, fmt.Errorf("jumpcloud: answer that was kept: %w", err)
	}
	if err := s.Access.SameBody(c, s.BulkBody, c.sum, k.Sum); err != nil {
		return nil, nil, c.refused(err)
	}
	q.w.Header().Set("Idempotency-Replayed", "true")
	return nil, jobID{k.Job}, nil
}

// jobID is the answer to a job (contract §3.4).
type jobID struct {
	ID string `json:"jobId"`
}

// receive stores the body as a batch and has it carried out.
func (s *surface) receive(q *request, m *mode, silent bool, c *content, claim *access.Claim) (any, error) {
	defer func() {
		if cause := recover(); cause != nil {
			_ = s.Access.Abandon(context.WithoutCancel(q.ctx), claim, nil) // the panic goes on, and counts more
			panic(cause)
		}
	}()
	extra, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("jumpcloud: options of a job: %w", err)
	}
	array := intake.Array{
		Name: jobNames[m.Operation], Profile: profile, Matching: muster.EachNew, Extra: extra, Report: !silent,
		Rules:  roster.AdmitOptions{FromZero: true}, // rows are spoken of by their index
		Limits: intake.ArrayLimits{Bytes: s.BulkBody, Rows: s.BulkRows, ElementBytes: int(min(s.BulkBody, mostElement)), Depth: s.Depth},
		Note:   []string{"email", "username", "employeeIdentifier", "id", "_id"}, Secret: "password", CheckSecret: s.Access.CheckNewPassword,
	}
	if m.Operation == updateMode {
		array.Matching = muster.ByID
	}
	var id string
	array.Also = func(tx *intake.Tx, b *batch.Batch) error {
		id = JobID(b.Seq, b.CreatedAt)
		text, err := json.Marshal(kept{Job: id, Sum: s.Access.Digest(c.sum.Sum(nil))})
		if err != nil {
			return fmt.Errorf("jumpcloud: keep the answer: %w", err)
		}
		return claim.Remember(tx, access.Answer{Status: http.StatusOK, Body: text})
	}
	if _, err := s.Intake.ReceiveArray(q.ctx, q.caller, c, array); err != nil {
		return nil, errors.Join(c.refused(err), s.Access.Abandon(context.WithoutCancel(q.ctx), claim, err))
	}
	return jobID{id}, nil
}

// mostElement is the largest object of a body: several hundred custom attributes with values of the greatest length fit in, however they are written.
const mostElement = 4 << 20

// notWhole is the refusal of a body that was cut off, stood still or is no gzip all through.
func notWhole() *refusal {
	return badRequest("", intake.BodyInvalidJSON, "The body did not arrive as a whole.")
}

// refused puts a fault of a body as a whole into this surface's words (contract §3.3).
func (c *content) refused(err error) error {
	var body *intake.BodyError
	switch {
	case errors.As(err, &body):
	case c.broken:
		return notWhole()
	default:
		return err
	}
	status := http.StatusBadRequest
	if body.Reason == intake.BodyTooLarge || body.Reason == intake.BodyTooManyRows {
		status = http.StatusRequestEntityTooLarge
	}
	d := detail{Reason: body.Reason}
	if body.Index >= 0 {
		d.Index, d.Field = &body.Index, fmt.Sprintf("[%d]", body.Index)
	}
	if body.Offset >= 0 {
		d.Offset = &body.Offset
	}
	return refuse(status, body.Err.Message, d)
}
