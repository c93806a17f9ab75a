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

// Upload describes a file that is to be imported.
type Upload struct {
	Name    string
	Sheet   string            // of a workbook; "" is the first
	Mapping map[string]string // header to field, or "-" to leave a column out
	// Reading is asked what the columns of a header mean, in the words of a Mapping, once the header is known. Mapping counts before it.
	Reading     func(header []string) (map[string]string, error)
	Matching    muster.Matching // "" is upsert
	Source      string          // that source ids belong to, unless a column says
	SharedEmail bool
	EmptyClears bool
	Dates       string // dmy, mdy or ""
	Then        batch.Then
	Limits      sheet.Limits

	Unit          roster.UnitRef // everybody in the file joins it, with the role that their row names; the zero UnitRef is none
	AccountsAsked bool           // nobody gets an account by this import: that is ordered later
	Profile       string         // of those registered: how rows are read beyond what columns say. Only tables have it

	// Also runs in the transaction that makes the batch visible.
	Also func(tx *store.Tx, b *store.BatchRow) error
}

// Receive stores a file as a batch and begins what was asked for. A file that cannot be understood as a whole is refused and leaves nothing;
// what is wrong with single rows is told by their items.
func (in *Intake) Receive(ctx context.Context, caller muster.Caller, content io.Reader, u Upload) (store.BatchRow, error) {
	if err := access.Can(caller, muster.WritePeople); err != nil {
		return store.BatchRow{}, err
	}
	o, err := u.options()
	if err != nil {
		return store.BatchRow{}, err
	}
	reader, err := sheet.Open(content, sheet.Options{Name: u.Name, Sheet: u.Sheet, Limits: u.Limits})
	if err != nil {
		return store.BatchRow{}, err
	}
	defer reader.Close() //nolint:errcheck // only a temporary file
	o.Format, o.Header = reader.Format(), reader.Header()
	sample, done, err := readSample(reader)
	if err != nil {
		return store.BatchRow{}, err
	}
	if len(sample) == 0 {
		return store.BatchRow{}, muster.Errorf(muster.Required, "", "The file has no row with a person in it.")
	}
	if o.Format.Tabular() {
		if err := understand(&o, u.Mapping, sample); err != nil {
			return store.BatchRow{}, err
		}
	}
	return in.take(ctx, caller, u, o, sample, reader, done)
}

func (u *Upload) options() (Options, error) {
	o := Options{Matching: u.Matching, Source: u.Source, SharedEmail: u.SharedEmail, EmptyClears: u.EmptyClears, Dates: u.Dates}
	switch o.Matching {
	case "":
		o.Matching = muster.Upsert
	case muster.CreateOnly, muster.UpdateOnly, muster.Upsert:
	default:
		return o, muster.Errorf(muster.Invalid, "mode", "%q is none of create, update, upsert.", o.Matching)
	}
	if o.Dates != "" && o.Dates != "dmy" && o.Dates != "mdy" {
		return o, muster.Errorf(muster.Invalid, "dates", "%q is neither dmy (day first) nor mdy (month first).", o.Dates)
	}
	return o, nil
}

// readSample reads the first rows. done says that there are no more.
func readSample(reader *sheet.Reader) (sample []batch.Row, done bool, err error) {
	for len(sample) < sampleRows {
		row, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return sample, true, nil
		}
		if err != nil {
			return nil, false, err
		}
		sample = append(sample, asRow(row))
	}
	return sample, false, nil
}

func asRow(row sheet.Row) batch.Row {
	return batch.Row{Number: row.Number, Cells: row.Cells, JSON: row.JSON, Faults: row.Faults}
}

// take streams the rows into a batch.
func (in *Intake) take(ctx context.Context, caller muster.Caller, u Upload, o Options, sample []batch.Row, reader *sheet.Reader, done bool) (store.BatchRow, error) {
	packed, err := json.Marshal(o)
	if err != nil {
		return store.BatchRow{}, fmt.Errorf("intake: options: %w", err)
	}
	r, err := in.engine.Receive(ctx, caller, batch.Submission{Surface: caller.Surface, Name: u.Name, Options: packed})
	if err != nil {
		return store.BatchRow{}, err
	}
	defer r.Abort(ctx) //nolint:errcheck // after Finish there is nothing to abort
	for _, row := range sample {
		if err := r.Add(ctx, o.withoutSecrets(row)); err != nil {
			return store.BatchRow{}, err
		}
	}
	for !done {
		row, err := reader.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return store.BatchRow{}, err
		}
		if err := r.Add(ctx, o.withoutSecrets(asRow(row))); err != nil {
			return store.BatchRow{}, err
		}
	}
	return r.Finish(ctx, u.Then, u.Also)
}
