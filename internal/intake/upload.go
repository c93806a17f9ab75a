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
	Name  string
	Sheet string // of a workbook; "" is the first
	// Sheets is asked, with the names of a workbook's sheets, which of them has the people, and which others say more about the same people: their
	// cells are put beside the rows of the first, by the e-mail address. It counts before Sheet, unless it gives no name.
	Sheets  func(names []string) (main string, beside []string)
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
	Rules         roster.AdmitOptions
	Profile       string // of those registered: how rows are read beyond what columns say. Only tables have it

	// Also runs in the transaction that makes the batch visible.
	Also func(tx *store.Tx, b *store.BatchRow) error

	beside []string // the sheets that Sheets named
}

// Receive stores a file as a batch and begins what was asked for. A file that cannot be understood as a whole is refused and leaves nothing;
// what is wrong with single rows is told by their items.
func (in *Intake) Receive(ctx context.Context, caller muster.Caller, content io.Reader, u Upload) (store.BatchRow, error) {
	if err := access.Some(caller, muster.WritePeople); err != nil {
		return store.BatchRow{}, err
	}
	o, err := u.options()
	if err != nil {
		return store.BatchRow{}, err
	}
	unit, err := in.destination(ctx, caller, &o, u)
	if err != nil {
		return store.BatchRow{}, err
	}
	reader, err := u.open(content)
	if err != nil {
		return store.BatchRow{}, err
	}
	defer reader.Close() //nolint:errcheck // only a temporary file
	mapping, err := u.read(reader)
	if err != nil {
		return store.BatchRow{}, err
	}
	o.Format, o.Header = reader.Format(), reader.Header()
	sample, done, err := readSample(reader)
	if err != nil {
		return store.BatchRow{}, err
	}
	if len(sample) == 0 {
		return store.BatchRow{}, muster.Errorf(muster.Required, "", "The file has no row with a person in it.")
	}
	if o.Format.Tabular() {
		if err := understand(&o, mapping, sample); err != nil {
			return store.BatchRow{}, err
		}
	}
	return in.take(ctx, caller, u, o, unit, sample, reader, done)
}

// destination finds the unit that everybody joins, and makes sure that the profile is there by which the rows will be read.
func (in *Intake) destination(ctx context.Context, caller muster.Caller, o *Options, u Upload) (seq int64, err error) {
	if _, err := in.profile(u.Profile); err != nil || u.Unit.IsZero() {
		return 0, err
	}
	unit, err := in.roster.Unit(ctx, caller, u.Unit)
	if err != nil {
		return 0, err
	}
	o.Unit, o.UnitNames = unit.ID, []string{unit.ID.String(), unit.Code, unit.Kind + ":" + unit.Code}
	return unit.Seq, nil
}

func (u *Upload) options() (Options, error) {
	o := Options{
		Matching: u.Matching, Source: u.Source, SharedEmail: u.SharedEmail || u.Rules.SharedEmail, EmptyClears: u.EmptyClears, Dates: u.Dates,
		AccountsAsked: u.AccountsAsked, Rules: u.Rules, Profile: u.Profile,
	}
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
func (in *Intake) take(ctx context.Context, caller muster.Caller, u Upload, o Options, unit int64, sample []batch.Row, reader *sheet.Reader, done bool) (store.BatchRow, error) {
	packed, err := json.Marshal(o)
	if err != nil {
		return store.BatchRow{}, fmt.Errorf("intake: options: %w", err)
	}
	r, err := in.engine.Receive(ctx, caller, batch.Submission{Surface: caller.Surface, Name: u.Name, Options: packed, Unit: unit})
	if err != nil {
		return store.BatchRow{}, err
	}
	defer r.Abort(ctx) //nolint:errcheck // after Finish there is nothing to abort
	look := newMembers(Array{})
	for _, row := range sample {
		if err := r.Add(ctx, o.withoutSecrets(row, look)); err != nil {
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
		if err := r.Add(ctx, o.withoutSecrets(asRow(row), look)); err != nil {
			return store.BatchRow{}, err
		}
	}
	notes, err := orphans(reader)
	if err != nil {
		return store.BatchRow{}, err
	}
	if len(notes) > 0 {
		o.Notes = append(o.Notes, notes...)
		if packed, err = json.Marshal(o); err != nil {
			return store.BatchRow{}, fmt.Errorf("intake: options: %w", err)
		}
		r.SetOptions(packed)
	}
	return r.Finish(ctx, u.Then, u.Also)
}
