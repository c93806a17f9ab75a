package native

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/api"
)

const (
	answerWithin = 30 * time.Second // an ordinary request
	bodyWithin   = 30 * time.Second // its body
)

// adapter puts huma's operations on our mux, each behind the guard.
type adapter struct{ *surface }

// Handle implements huma.Adapter.
func (a adapter) Handle(op *huma.Operation, handler func(huma.Context)) {
	a.mux.HandleFunc(op.Method+" "+op.Path, func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), answerWithin)
		defer cancel()
		r = r.WithContext(ctx)
		if err := checkAddress(r); err != nil {
			api.Refuse(w, r, err)
			return
		}
		body, err := a.readJSON(w, r, op)
		if err != nil {
			api.Refuse(w, r, err)
			return
		}
		a.once(w, r, op, body, func(w http.ResponseWriter) { handler(humago.NewContext(op, r, w)) })
	})
}

// checkAddress refuses texts in the address that no object can have and not every database takes.
func checkAddress(r *http.Request) error {
	if checkText("", r.URL.Path) != nil {
		return muster.Errorf(muster.NotFound, "", "There is nothing at this path. GET / lists where to begin.")
	}
	for name, values := range r.URL.Query() {
		for _, value := range values {
			if err := checkText(name, value); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkText refuses what PostgreSQL cannot hold. What a single field may have besides is its own matter.
func checkText(field, text string) error {
	switch {
	case !utf8.ValidString(text):
		return muster.Errorf(muster.Invalid, strings.ToValidUTF8(field, "�"), "This is not valid UTF-8.")
	case strings.ContainsRune(text, 0):
		return muster.Errorf(muster.Invalid, field, "There is a control character (U+0000) in it.")
	}
	return nil
}

// readJSON reads the body of an operation that has one, and puts it back. A body that is too large, nested too deeply, not JSON, or says a thing
// twice never reaches a handler.
func (s *surface) readJSON(w http.ResponseWriter, r *http.Request, op *huma.Operation) ([]byte, error) {
	if op.RequestBody == nil {
		return nil, nil
	}
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(bodyWithin)) // a writer of a test has none
	defer control.SetReadDeadline(time.Time{})              //nolint:errcheck // the same
	body, err := io.ReadAll(io.LimitReader(r.Body, s.Limits.Body+1))
	switch {
	case err != nil:
		return nil, broken(err)
	case int64(len(body)) > s.Limits.Body:
		return nil, &api.WithStatus{Status: http.StatusRequestEntityTooLarge, Err: muster.Errorf(muster.TooLong, "",
			"The body is larger than %d bytes (limit body-bytes). Many people at once go to POST /v1/batches.", s.Limits.Body)}
	}
	if len(body) > 0 {
		if err := wantJSON(r, op); err != nil {
			return nil, err
		}
		if err := checkJSON(body, s.Limits.Depth); err != nil {
			return nil, &api.WithStatus{Status: http.StatusBadRequest, Err: err}
		}
		if err := checkTexts(body); err != nil {
			return nil, err
		}
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return body, nil
}

// broken is a body that did not come to its end. Its cause is only told, not wrapped: readers take io.ErrUnexpectedEOF for an end.
func broken(err error) error {
	cause := errors.New(err.Error())
	var network net.Error
	if errors.As(err, &network) && network.Timeout() {
		return &api.WithStatus{Status: http.StatusRequestTimeout, Err: muster.Errorf(muster.Unavailable, "", "The body did not arrive in time. Send it again.").Because(cause)}
	}
	return &api.WithStatus{Status: http.StatusBadRequest, Err: muster.Errorf(muster.Invalid, "", "The body broke off before its end. Send it again.").Because(cause)}
}

func wantJSON(r *http.Request, op *huma.Operation) error {
	given := r.Header.Get("Content-Type")
	kind, _, err := mime.ParseMediaType(given)
	merge := op.Method == http.MethodPatch && kind == "application/merge-patch+json"
	if err == nil && (kind == "application/json" || merge) {
		r.Header.Set("Content-Type", "application/json")
		return nil
	}
	return &api.WithStatus{Status: http.StatusUnsupportedMediaType, Err: muster.Errorf(muster.Unsupported, "Content-Type", "The body must be JSON, and be called so: Content-Type: application/json.")}
}

// checkJSON wants one value in valid UTF-8, no deeper than depth, and no name twice in an object.
func checkJSON(text []byte, depth int) error {
	if !utf8.Valid(text) {
		return muster.Errorf(muster.Invalid, "", "The body is not valid UTF-8.")
	}
	if soundJSON(text, depth) {
		return nil
	}
	return faultInJSON(text, depth)
}

// faultInJSON reads a text once through, and says what is wrong with it.
func faultInJSON(text []byte, depth int) error {
	d := json.NewDecoder(bytes.NewReader(text))
	var open []map[string]bool // of each object or array that is open; nil for arrays
	name := false              // the next text is the name of a member
	for n := 0; ; n++ {
		token, err := d.Token()
		if errors.Is(err, io.EOF) && n > 0 && len(open) == 0 {
			return nil
		}
		if err != nil {
			return muster.Errorf(muster.Invalid, "", "The body is not JSON: %s.", strings.TrimPrefix(syntax(err, d), "json: "))
		}
		if n > 0 && len(open) == 0 {
			return muster.Errorf(muster.Invalid, "", "Something follows the end of the JSON value, at byte %d.", d.InputOffset())
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			if len(open) == depth {
				return muster.Errorf(muster.TooLong, "", "The body is nested deeper than %d (limit body-depth).", depth)
			}
			var seen map[string]bool
			if token == json.Delim('{') {
				seen = map[string]bool{}
			}
			open, name = append(open, seen), seen != nil
			continue
		case json.Delim('}'), json.Delim(']'):
			open = open[:len(open)-1]
		default:
			if name {
				seen := open[len(open)-1]
				word := token.(string) //nolint:forcetypeassert // the decoder gives nothing else for a name
				if seen[word] {
					return muster.Errorf(muster.Invalid, word, "%q stands twice in one object.", word)
				}
				seen[word], name = true, false
				continue
			}
		}
		name = len(open) > 0 && open[len(open)-1] != nil
	}
}

// checkTexts checks the texts of a body that is known to be JSON, and names the member of the body that one stands in.
func checkTexts(body []byte) error {
	if !bytes.Contains(body, []byte(`\u0000`)) {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(body))
	member, depth, name := "", 0, false // name: the next text is the name of a member of the body itself
	for {
		token, err := d.Token()
		if err != nil {
			return nil
		}
		switch t := token.(type) {
		case json.Delim:
			if t == '{' || t == '[' {
				depth++
			} else {
				depth--
			}
		case string:
			if name {
				member, name = t, false
				if checkText("", t) != nil {
					return checkText("", t)
				}
				continue
			}
			if err := checkText(member, t); err != nil {
				return err
			}
		}
		name = depth == 1
	}
}

func syntax(err error, d *json.Decoder) string {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return "it ends too early"
	}
	return fmt.Sprintf("%v, near byte %d", err, d.InputOffset())
}
