package intake

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/access"
	"github.com/musterid/muster/internal/batch"
	"github.com/musterid/muster/internal/roster"
	"github.com/musterid/muster/internal/sheet"
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
	Depth        int // a row beyond it fails, and no other
}

// BodyError says why a body was refused as a whole. Nothing of it was kept.
type BodyError = sheet.ArrayError

// Reasons of a BodyError.
const (
	BodyEmpty       = sheet.ArrayEmpty
	BodyInvalidJSON = sheet.ArrayInvalidJSON
	BodyTrailing    = sheet.ArrayTrailing
	BodyInvalidUTF8 = sheet.ArrayInvalidUTF8
	BodyNotAnArray  = sheet.ArrayNotAnArray
	BodyNotAnObject = sheet.ArrayNotAnObject
	BodyTooManyRows = sheet.ArrayTooManyRows
	BodyTooLarge    = sheet.ArrayTooLarge
)

// ReceiveArray stores a body as a batch whose rows take effect in order, and has it carried out. It reads the body as it comes: memory does not grow
// with it. A body that is wrong as a whole is a *BodyError and leaves nothing; what is wrong with single rows is told by their items. A body of no
// rows is a batch that has ended.
func (in *Intake) ReceiveArray(ctx context.Context, caller muster.Caller, body io.Reader, a Array) (store.BatchRow, error) {
	if err := access.Some(caller, muster.WritePeople); err != nil {
		return store.BatchRow{}, err
	}
	o, err := in.arrayOptions(a)
	if err != nil {
		return store.BatchRow{}, err
	}
	o.Submitter = caller.Person
	elements := sheet.NewArrayReader(body, sheet.Limits{Bytes: a.Limits.Bytes, Rows: a.Limits.Rows, LineBytes: a.Limits.ElementBytes, Depth: a.Limits.Depth})
	first, err := elements.Next() // before anything is stored
	if err != nil && !errors.Is(err, io.EOF) {
		return store.BatchRow{}, err
	}
	r, err2 := in.engine.Receive(ctx, caller, batch.Submission{Surface: caller.Surface, Name: a.Name, Ordered: true})
	if err2 != nil {
		return store.BatchRow{}, err2
	}
	defer r.Abort(ctx) //nolint:errcheck // after Finish there is nothing to abort
	look := newMembers(a)
	for raw := first; err == nil; raw, err = elements.Next() {
		deep := elements.TooDeep()
		if deep != nil {
			raw = flat(raw)
		}
		row, password := look.row(raw)
		if deep != nil {
			row.Faults = append(row.Faults, deep)
		}
		if err := r.AddWithSecret(ctx, row, password); err != nil {
			return store.BatchRow{}, err
		}
	}
	if !errors.Is(err, io.EOF) {
		return store.BatchRow{}, err
	}
	o.Noted = look.noted()
	packed, err := json.Marshal(o)
	if err != nil {
		return store.BatchRow{}, fmt.Errorf("intake: options: %w", err)
	}
	r.SetOptions(packed)
	return r.Finish(ctx, batch.CarryIt, a.Also)
}

// flat is an object without its members that are objects or lists. A row that is nested too deep is kept so: it fails, and shows whom it was about.
func flat(raw []byte) []byte {
	kept := append(make([]byte, 0, len(raw)), '{')
	s := scanner{raw: raw, see: func(depth int, _ []byte, at member) {
		if depth != 1 || raw[at.value] == '{' || raw[at.value] == '[' {
			return
		}
		if len(kept) > 1 {
			kept = append(kept, ',')
		}
		kept = append(kept, raw[at.start:at.end]...)
	}}
	s.value(0)
	return append(kept, '}')
}

func (in *Intake) arrayOptions(a Array) (Options, error) {
	profile, err := in.profile(a.Profile)
	if err != nil {
		return Options{}, err
	}
	if profile == nil || profile.Object == nil {
		return Options{}, fmt.Errorf("intake: the profile %q reads no objects", a.Profile)
	}
	return Options{
		Matching: a.Matching, SharedEmail: a.Rules.SharedEmail, Rules: a.Rules, Profile: a.Profile, Report: a.Report, Extra: a.Extra, Secret: a.Secret,
		Format: sheet.Format{Kind: sheet.JSON},
	}, nil
}
