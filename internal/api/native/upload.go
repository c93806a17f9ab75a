package native

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/access"
	"github.com/musterid/muster/internal/api"
	"github.com/musterid/muster/internal/batch"
	"github.com/musterid/muster/internal/intake"
)

func (s *surface) uploads() {
	o := op(http.MethodPost, "/v1/batches", "create-batch", "Send a file in",
		"Stores a file of people as a batch, and plans or runs it if asked to. The file is the body itself, with the options in the query, or the part `file` of a form, "+
			"with the options in the query or in parts before it. What the file is, its encoding, its delimiter and the meaning of its columns are found out; `mapping` "+
			"corrects that. A file that cannot be understood as a whole is refused and leaves nothing; what is wrong with single rows is told by their items.")
	for _, option := range uploadOptions {
		o.Parameters = append(o.Parameters, &huma.Param{Name: option.name, In: "query", Description: option.description, Schema: option.schema()})
	}
	file := &huma.Schema{Type: "string", Format: "binary"}
	form := &huma.Schema{Type: "object", Properties: map[string]*huma.Schema{"file": file}, Required: []string{"file"}}
	for _, option := range uploadOptions {
		form.Properties[option.name] = option.schema()
		form.Properties[option.name].Description = option.description
	}
	o.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"multipart/form-data": {Schema: form}}}
	for _, kind := range uploadTypes {
		o.RequestBody.Content[kind] = &huma.MediaType{Schema: file}
	}
	o.Responses["201"] = &huma.Response{Description: "Created", Content: map[string]*huma.MediaType{"application/json": {Schema: s.schemaOf((*Batch)(nil))}}}
	stream(s, o, s.upload)
}

// upload takes a file in as it arrives. With an idempotency key the batch and the answer become durable in one transaction. The digest of the
// content is known only at its end, so the key is claimed with the digest of the options, and the content's own is kept with the answer: a repeat
// is read to its end, stores nothing, and gets the first answer if the content was the same.
func (s *surface) upload(w http.ResponseWriter, r *http.Request, caller muster.Caller) error {
	given, err := s.open(w, r)
	if err != nil {
		return err
	}
	up, err := given.options.upload(given.name, s.Limits.Upload)
	if err != nil {
		return err
	}
	claim, done, err := s.claimUpload(w, r, caller, given)
	if err != nil || done {
		return err
	}
	defer s.abandonOnPanic(r.Context(), claim)
	var answer []byte
	up.Also = func(tx *intake.Tx, b *batch.Batch) (err error) {
		if answer, err = s.created(b); err != nil {
			return err
		}
		k := kept{Header: map[string]string{"Location": location(b), "Content-Type": "application/json"}, Body: string(answer), Content: s.Access.Digest(given.sum.Sum(nil))}
		text, err := json.Marshal(k)
		if err != nil {
			return fmt.Errorf("native: keep the answer: %w", err)
		}
		return claim.Remember(tx, access.Answer{Status: http.StatusCreated, Body: text})
	}
	b, err := s.Intake.Receive(r.Context(), caller, given.content, up)
	if err != nil {
		return errors.Join(refused(err), s.Access.Abandon(context.WithoutCancel(r.Context()), claim, err))
	}
	api.ExtendWrite(w) // a large file took its time
	w.Header().Set("Location", location(&b))
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusCreated)
	_, _ = w.Write(answer) // a client that is gone
	return nil
}

// refused is what is wrong with a file. One that is too large is too large a body.
func refused(err error) error {
	var fault *muster.Error
	if errors.As(err, &fault) && fault.Code == muster.TooLong {
		return &api.WithStatus{Status: http.StatusRequestEntityTooLarge, Err: err}
	}
	return err
}

func location(b *batch.Batch) string { return "/v1/batches/" + b.ID.String() }

func (s *surface) created(b *batch.Batch) ([]byte, error) {
	v, err := s.batchView(b)
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(v)
	return append(text, '\n'), err
}

// claimUpload looks for an earlier upload with the same idempotency key, and answers a repeat of it.
func (s *surface) claimUpload(w http.ResponseWriter, r *http.Request, caller muster.Caller, given *uploaded) (claim *access.Claim, done bool, err error) {
	key := r.Header.Get(repeatHeader)
	if key == "" {
		return nil, false, nil
	}
	digest, err := given.options.digest(given.name)
	if err != nil {
		return nil, false, err
	}
	answer, claim, err := s.Access.Replay(r.Context(), caller, key, r.Method+" "+r.URL.EscapedPath(), digest)
	if err != nil || answer == nil {
		return claim, false, err
	}
	k, err := keptOf(answer)
	if err == nil {
		err = s.Access.SameBody(given.content, s.Limits.Upload.Bytes, given.sum, k.Content)
	}
	if err != nil {
		return nil, false, err
	}
	api.ExtendWrite(w)
	k.write(w, answer.Status)
	return nil, true, nil
}

// uploaded is a file that is arriving.
type uploaded struct {
	name    string
	content io.Reader // what is read of it goes into sum
	sum     hash.Hash
	options options
}

func newUploaded(name string, content io.Reader, o options) *uploaded {
	sum := sha256.New()
	return &uploaded{name: name, content: io.TeeReader(content, sum), sum: sum, options: o}
}

// digest names everything about an upload but its content.
func (o options) digest(name string) ([]byte, error) {
	var text bytes.Buffer
	if err := json.NewEncoder(&text).Encode([]any{name, o}); err != nil {
		return nil, fmt.Errorf("native: digest of options: %w", err)
	}
	sum := sha256.Sum256(text.Bytes())
	return sum[:], nil
}
