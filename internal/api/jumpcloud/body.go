package jumpcloud

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"unicode/utf8"

	"github.com/musterid/muster/internal/api"
	"github.com/musterid/muster/internal/intake"
)

// object reads the body of a request about one user: a JSON object. optional says that there may be none, which is an empty object.
func (s *surface) object(q *request, optional bool) (map[string]any, error) {
	text, err := io.ReadAll(http.MaxBytesReader(q.w, q.r.Body, s.Body))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, refuse(http.StatusRequestEntityTooLarge, fmt.Sprintf("A body has at most %d bytes.", s.Body), detail{Reason: intake.BodyTooLarge})
	case err != nil:
		return nil, badRequest("", intake.BodyInvalidJSON, "The body did not arrive as a whole.")
	}
	text = bytes.TrimSpace(text)
	switch {
	case len(text) == 0 && optional:
		return map[string]any{}, nil
	case len(text) == 0:
		return nil, badRequest("", intake.BodyEmpty, "The body is empty. Send a JSON object.")
	case !utf8.Valid(text):
		return nil, badRequest("", intake.BodyInvalidUTF8, "The body is not valid UTF-8.")
	case api.Deeper(text, s.Depth):
		return nil, badRequest("", "too_deep", fmt.Sprintf("The body is nested deeper than %d levels.", s.Depth))
	}
	var value any
	if err := json.Unmarshal(text, &value); err != nil {
		refusal := badRequest("", intake.BodyInvalidJSON, "The body is not valid JSON.")
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			refusal.Details[0].Offset = &syntax.Offset
		}
		return nil, refusal
	}
	o, ok := value.(map[string]any)
	if !ok {
		return nil, badRequest("", intake.BodyNotAnObject, "The body is not a JSON object.")
	}
	return o, nil
}
