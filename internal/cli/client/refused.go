package client

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/musterid/muster"
)

// Unreachable says that no answer came from the server.
type Unreachable struct {
	Server string
	Cause  error
}

func (e *Unreachable) Error() string {
	return fmt.Sprintf("no answer from %s: %v", e.Server, e.Cause)
}

func (e *Unreachable) Unwrap() error { return e.Cause }

// Refused is an answer that says no, with the server's reasons.
type Refused struct {
	Status int
	Detail string        // one sentence
	Faults muster.Errors // field by field; may be empty
}

func (e *Refused) Error() string {
	if e.Detail != "" {
		return e.Detail
	}
	if len(e.Faults) > 0 {
		return e.Faults.Error()
	}
	return fmt.Sprintf("the server answered %d %s", e.Status, http.StatusText(e.Status))
}

// Unwrap lets errors.As find the faults.
func (e *Refused) Unwrap() error { return e.Faults.Or() }

// refusal reads the problem that an answer describes, or what else stands in it.
func refusal(response *http.Response) *Refused {
	e := &Refused{Status: response.StatusCode}
	content, _ := io.ReadAll(io.LimitReader(response.Body, 1<<20)) // a cut answer still has its status
	var problem struct {
		Title  string        `json:"title"`
		Detail string        `json:"detail"`
		Errors muster.Errors `json:"errors"`
	}
	if json.Unmarshal(content, &problem) == nil && (problem.Title != "" || problem.Detail != "" || len(problem.Errors) > 0) {
		e.Detail, e.Faults = problem.Detail, problem.Errors
		if e.Detail == "" {
			e.Detail = problem.Title
		}
		return e
	}
	if text := strings.TrimSpace(string(content)); strings.HasPrefix(response.Header.Get("Content-Type"), "text/plain") && len(text) < 300 {
		e.Detail = text
	}
	if e.Detail == "" {
		e.Detail = fmt.Sprintf("The server answered %d %s.", e.Status, http.StatusText(e.Status))
	}
	return e
}
