package intake

import (
	"context"
	"encoding/json"
	"io"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/roster"
	"github.com/musterid/muster/internal/store"
)

// Array describes a request whose body is a JSON array of objects, each of them a row.
type Array struct {
	Name     string
	Profile  string // of those registered: what the members of the objects mean
	Matching muster.Matching
	Rules    roster.AdmitOptions
	Extra    json.RawMessage // the surface's own, kept as Options.Extra
	Report   bool            // whoever submits it is mailed what became of it
	Limits   ArrayLimits
	Note     []string // members of which Options.Noted is to say whether they are in any row

	// Secret is the member that holds a password: its value is cut out before the row is stored, and kept sealed. CheckSecret says what is wrong with a
	// value, which fails the row.
	Secret      string
	CheckSecret func(string) *muster.Error

	// Also runs in the transaction that makes the batch visible.
	Also func(tx *store.Tx, b *store.BatchRow) error
}

// ArrayLimits bound a body. Zero fields take the defaults of files.
type ArrayLimits struct {
	Bytes        int64
	Rows         int
	ElementBytes int
	Depth        int
}

// Reasons why a body is refused as a whole.
const (
	BodyEmpty       = "empty"
	BodyInvalidJSON = "invalid_json"
	BodyTrailing    = "trailing_bytes"
	BodyInvalidUTF8 = "invalid_utf8"
	BodyNotAnArray  = "not_an_array"
	BodyNotAnObject = "not_an_object"
	BodyTooManyRows = "too_many_rows"
	BodyTooLarge    = "too_large"
	BodyTooDeep     = "too_deep"
)

// BodyError says why a body was refused as a whole. Nothing of it was kept.
type BodyError struct {
	Reason string // one of the Body constants
	Index  int    // of the row, from 0; -1 when it is of none
	Offset int64  // of the byte, from 0; -1 when it is not known
	Err    *muster.Error
}

func (e *BodyError) Error() string { return e.Err.Error() }
func (e *BodyError) Unwrap() error { return e.Err }

// ReceiveArray stores a body as a batch whose rows take effect in order, and has it carried out. It reads the body as it comes: memory does not grow
// with it. A body that is wrong as a whole is a *BodyError and leaves nothing; what is wrong with single rows is told by their items.
func (in *Intake) ReceiveArray(ctx context.Context, caller muster.Caller, body io.Reader, a Array) (store.BatchRow, error) {
	return store.BatchRow{}, muster.Errorf(muster.Unsupported, "", "Bodies are not received yet.")
}
