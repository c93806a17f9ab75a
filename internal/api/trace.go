package api

import (
	"context"
	"time"

	"github.com/google/uuid"
)

// Trace is what is known of a request while it is answered. The goroutine that answers fills it in; the log says it at the end.
type Trace struct {
	ID      string // X-Request-Id, the client's own or one made here
	Surface string
	Route   string // the pattern that matched, never the path
	Key     int64  // of the caller
	Tenant  int64
	Cause   error // what went wrong on our side
	Quiet   bool  // not worth a line when all is well, such as a probe

	began time.Time
}

type traceKey struct{}

func withTrace(ctx context.Context, t *Trace) context.Context {
	return context.WithValue(ctx, traceKey{}, t)
}

// TraceOf gives the trace of the request that ctx belongs to. Outside of a request it gives one that nobody reads.
func TraceOf(ctx context.Context) *Trace {
	if t, ok := ctx.Value(traceKey{}).(*Trace); ok {
		return t
	}
	return &Trace{}
}

// maxRequestID is how long a client's own request id may be.
const maxRequestID = 128

// requestID takes the client's id when it is sane, and makes one otherwise.
func requestID(given string) string {
	if given == "" || len(given) > maxRequestID {
		return uuid.Must(uuid.NewV7()).String()
	}
	for i := range len(given) {
		if given[i] <= ' ' || given[i] > '~' {
			return uuid.Must(uuid.NewV7()).String()
		}
	}
	return given
}
