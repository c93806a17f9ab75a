package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/cli/client"
)

// The exit codes. Scripts rely on them.
const (
	ExitDone    = 0 // all that was asked for is done
	ExitFailed  = 1 // nothing, or not all, was done, for the reason that was printed
	ExitUsage   = 2 // the command line or the settings make no sense, or the data folder is in use
	ExitPartial = 3 // finished, and some items failed
	ExitHeld    = 4 // held until somebody releases it
)

// exit ends the program with a code. What led to it has been said already, or is in message.
type exit struct {
	code    int
	message string
	cause   error
}

func (e *exit) Error() string { return e.message }

func (e *exit) Unwrap() error { return e.cause }

// exitf ends with a code after a message in the reader's language.
func (s *session) exitf(code int, format string, args ...any) error {
	return &exit{code: code, message: s.t.Sprintf(format, args...)}
}

// finish prints why a command failed and gives its exit code.
func (s *session) finish(err error) int {
	var ended *exit
	switch {
	case err == nil:
		return ExitDone
	case errors.As(err, &ended):
		if ended.message != "" {
			fmt.Fprintln(s.errs, "muster:", ended.message)
		}
		return ended.code
	case errors.Is(err, context.Canceled):
		s.notef("muster: Stopped.")
		return ExitFailed
	}
	s.explain(err)
	return ExitFailed
}

// explain prints an error, and what can be done about it where that is known.
func (s *session) explain(err error) {
	var refused *client.Refused
	var unreachable *client.Unreachable
	switch {
	case errors.As(err, &unreachable):
		s.notef("muster: No server answers at %s (%v).", unreachable.Server, unreachable.Cause)
		s.notef("Start one with: muster serve. Is it elsewhere? Say where with --url or MUSTER_URL.")
	case errors.As(err, &refused):
		s.complain(refused.Faults, refused.Error())
		if refused.Status == http.StatusUnauthorized {
			s.notef("%s", s.keyHint())
		}
	default:
		var one *muster.Error
		var faults muster.Errors
		if errors.As(err, &one) {
			faults = muster.Faults(err)
		}
		s.complain(faults, err.Error())
	}
}

// complain prints every fault, or the whole error where it has none.
func (s *session) complain(faults muster.Errors, whole string) {
	if len(faults) == 0 {
		fmt.Fprintln(s.errs, "muster:", clean(whole))
	}
	for _, fault := range faults {
		fmt.Fprintln(s.errs, "muster:", s.fault(fault))
	}
}

// fault says one failure, with the field it is about.
func (s *session) fault(e *muster.Error) string {
	text := s.t.Error(e)
	if e.Field != "" {
		text = s.t.Sprintf("%s: %s", e.Field, text)
	}
	return clean(text)
}
