package muster

import (
	"errors"
	"fmt"
	"strings"
)

// Code says what kind of thing went wrong, in a word that programs can rely on. There are few: a new one is needed only when a caller would
// act differently.
type Code string

const (
	Required        Code = "required"        // a value that must be given is missing
	Invalid         Code = "invalid"         // a value is there but cannot be accepted
	TooLong         Code = "too_long"        // a value or body is over its limit; the message names the limit
	Conflict        Code = "conflict"        // somebody else holds this; the message names the other party
	NotFound        Code = "not_found"       // there is no such object for this caller
	ReadOnly        Code = "read_only"       // the field exists but is not the caller's to set
	Unsupported     Code = "unsupported"     // understood, and not offered
	Policy          Code = "policy"          // a rule of the tenant refuses it
	Unauthenticated Code = "unauthenticated" // no credential, or one that is not known
	Forbidden       Code = "forbidden"       // the caller is known and may not
	Stale           Code = "stale"           // the object has moved on since it was read
	Gone            Code = "gone"            // it was there and is kept no longer
	Unavailable     Code = "unavailable"     // try again later
	Internal        Code = "internal"        // our fault; the cause is in the log and never in the answer
)

// Error is a failure that may be shown to the person who caused it. Anything that is not an *Error is internal: it is logged at the top and the
// user is told only that something went wrong.
type Error struct {
	Code    Code   `json:"code"`
	Field   string `json:"field,omitempty"`  // path of the value at fault, such as email or attributes.class; "" for the object as a whole
	Column  string `json:"column,omitempty"` // of the user's file that the value stands in, as its header has it; "" when there is none
	Message string `json:"message"`          // one English sentence that says what to do

	// Format and Args are what Message was made from, so that it can be said in another language.
	Format string `json:"-"`
	Args   []any  `json:"-"`

	cause error
}

// Errorf makes an Error. The message must not contain secrets or internals.
func Errorf(code Code, field, format string, args ...any) *Error {
	return &Error{Code: code, Field: field, Message: fmt.Sprintf(format, args...), Format: format, Args: args}
}

// Because attaches an internal cause, which is logged and never shown.
func (e *Error) Because(cause error) *Error { e.cause = cause; return e }

// Error names what the user can look for: the column of their file, else the field.
func (e *Error) Error() string {
	switch {
	case e.Column != "":
		return e.Column + ": " + e.Message
	case e.Field != "":
		return e.Field + ": " + e.Message
	}
	return e.Message
}

// Unwrap gives the internal cause, if there is one.
func (e *Error) Unwrap() error { return e.cause }

// Explain is what a log has to say of an error: the error, and the internal causes that its own text keeps from users.
func Explain(err error) string {
	text := err.Error()
	var look func(error)
	look = func(err error) {
		own, is := err.(*Error) //nolint:errorlint // every error below is looked at by itself
		if is && own.cause != nil {
			text += ", because: " + own.cause.Error()
		}
		switch e := err.(type) { //nolint:errorlint // as above
		case interface{ Unwrap() []error }:
			for _, one := range e.Unwrap() {
				look(one)
			}
		case interface{ Unwrap() error }:
			if one := e.Unwrap(); one != nil {
				look(one)
			}
		}
	}
	look(err)
	return text
}

// Errors are all the failures of one object, in the order in which they were found.
type Errors []*Error

func (es Errors) Error() string {
	texts := make([]string, len(es))
	for i, e := range es {
		texts[i] = e.Error()
	}
	return strings.Join(texts, "; ")
}

// Unwrap lets errors.As and errors.Is look into each failure.
func (es Errors) Unwrap() []error {
	list := make([]error, len(es))
	for i, e := range es {
		list[i] = e
	}
	return list
}

// Or gives es as an error, or nil when there are none. (A nil Errors put into an error is not nil.)
func (es Errors) Or() error {
	if len(es) == 0 {
		return nil
	}
	return es
}

// CodeOf is the code of the first Error in err's chain, Internal when there is none, and "" for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return Internal
}

// Faults lists the Errors in err, so that every surface can answer them in its own shape; an err without any gives one Internal.
func Faults(err error) Errors {
	if err == nil {
		return nil
	}
	var many Errors
	if errors.As(err, &many) {
		return many
	}
	var one *Error
	if errors.As(err, &one) {
		return Errors{one}
	}
	return Errors{Errorf(Internal, "", "Something went wrong on our side. The log names the request.").Because(err)}
}
