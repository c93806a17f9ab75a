package intake

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/access"
	"github.com/musterid/muster/internal/batch"
	"github.com/musterid/muster/internal/sheet"
	"github.com/musterid/muster/internal/store"
)

// OptionsOf gives what is remembered of an import besides its rows.
func OptionsOf(b store.BatchRow) (Options, error) {
	var o Options
	if err := json.Unmarshal(b.Options, &o); err != nil {
		return o, fmt.Errorf("intake: options of batch %d: %w", b.Seq, err)
	}
	return o, nil
}

// Result is the answer to an import: the user's own file, with columns added that say what became of each row.
type Result struct {
	Name      string // of the file
	MediaType string

	intake  *Intake
	caller  muster.Caller
	batch   store.BatchRow
	options Options
}

var mediaTypes = map[string]string{
	sheet.CSV: "text/csv; charset=utf-8", sheet.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
	sheet.JSON: "application/json", sheet.NDJSON: "application/x-ndjson",
}

// Result prepares the result sheet of an import. It may be written at any time; rows that had no turn yet are pending.
func (in *Intake) Result(caller muster.Caller, b store.BatchRow) (Result, error) {
	if err := access.Some(caller, muster.ReadPeople); err != nil {
		return Result{}, err
	}
	if b.Kind != muster.ImportBatch {
		return Result{}, muster.Errorf(muster.Unsupported, "", "Only an import has a result sheet.")
	}
	o, err := OptionsOf(b)
	base := strings.TrimSuffix(path.Base(b.Name), path.Ext(b.Name))
	if base == "" || base == "." || base == "/" {
		base = "import"
	}
	kind := o.Format.Kind
	return Result{Name: base + "-result." + kind, MediaType: mediaTypes[kind], intake: in, caller: caller, batch: b, options: o}, err
}

// resultRows is how many rows are read at a time.
const resultRows = 1_000

// Write writes the sheet. Columns added before by us are left out, so that an answer to an answer does not grow.
func (r Result) Write(ctx context.Context, w io.Writer) error {
	targets, err := r.targets(ctx)
	if err != nil {
		return err
	}
	added := []string{"muster_status", "muster_username", "muster_error"}
	for _, t := range targets {
		added = append(added, "muster_"+t.Name)
	}
	out, err := sheet.NewWriter(w, r.options.Format, r.options.Header, added)
	if err != nil {
		return err
	}
	for from := 0; from < r.batch.Total; from += resultRows {
		if err := r.write(ctx, out, targets, from); err != nil {
			_ = out.Close()
			return err
		}
	}
	return out.Close()
}

func (r Result) targets(ctx context.Context) (targets []store.TargetRow, err error) {
	err = r.intake.store.View(ctx, r.caller.Tenant, func(tx *store.Tx) error {
		targets, err = tx.Targets()
		return err
	})
	return targets, err
}

// part is what is known of some rows.
type part struct {
	rows     []batch.Row
	items    []muster.Item
	people   map[int64]store.PersonRow
	accounts map[int64][]store.AccountRow
}

func (r Result) write(ctx context.Context, out *sheet.Writer, targets []store.TargetRow, from int) error {
	p, err := r.read(ctx, from)
	if err != nil {
		return err
	}
	for n, row := range p.rows {
		item := p.items[n]
		cells := []string{status(item), p.username(item), sentences(item)}
		for _, t := range targets {
			cells = append(cells, onTarget(p.accounts[item.Person], t.Seq, item))
		}
		if err := out.Write(sheet.Row{Number: row.Number, Cells: row.Cells, JSON: row.JSON}, cells...); err != nil {
			return err
		}
	}
	return nil
}

func (r Result) read(ctx context.Context, from int) (p part, err error) {
	end := min(from+resultRows, r.batch.Total)
	if p.rows, err = r.intake.engine.Rows(ctx, r.caller, r.batch, from, end-from); err != nil {
		return p, err
	}
	if len(p.rows) < end-from {
		return p, muster.Errorf(muster.Gone, "", "The rows of this batch are kept no longer, so its result sheet cannot be written.")
	}
	if p.items, err = r.intake.engine.Items(ctx, r.caller, r.batch, "", from, end-from); err != nil {
		return p, err
	}
	if len(p.items) < len(p.rows) {
		return p, fmt.Errorf("intake: result of batch %d: %d items for %d rows from %d", r.batch.Seq, len(p.items), len(p.rows), from)
	}
	var people []int64
	for _, i := range p.items {
		if i.Person != 0 {
			people = append(people, i.Person)
		}
	}
	err = r.intake.store.View(ctx, r.caller.Tenant, func(tx *store.Tx) error {
		if p.people, err = tx.People(people); err != nil {
			return err
		}
		p.accounts, err = tx.AccountsOfPeople(people)
		return err
	})
	return p, err
}

// username is the person's, or the forecast of one.
func (p *part) username(i muster.Item) string {
	if person, ok := p.people[i.Person]; ok {
		return person.Username
	}
	if f, ok := i.Change.Field("username"); ok && i.State == muster.PlannedItem {
		name, _ := f.After.(string)
		return name
	}
	return ""
}

// status is the outcome of an item in a word.
func status(i muster.Item) string {
	switch i.State {
	case muster.DoneItem:
	case muster.PlannedItem:
		return forecast(i.Change.Action)
	default:
		return string(i.State)
	}
	switch i.Change.Action {
	case muster.Create:
		return "created"
	case muster.Update, muster.Delete:
		return "updated"
	}
	return "unchanged"
}

// forecast is what is planned, in words that nobody takes for an outcome.
func forecast(a muster.Action) string {
	switch a {
	case muster.Create:
		return "to be created"
	case muster.Update, muster.Delete:
		return "to be changed"
	}
	return "unchanged"
}

func sentences(i muster.Item) string {
	list := make([]string, len(i.Reasons))
	for n, reason := range i.Reasons {
		list[n] = reason.Error()
	}
	return strings.Join(list, " ")
}

// onTarget says what happened to a person's account on a target.
func onTarget(accounts []store.AccountRow, target int64, i muster.Item) string {
	for _, a := range accounts {
		if a.Target != target {
			continue
		}
		text := string(a.State)
		if a.LastError != nil {
			text += ": " + a.LastError.Message
		}
		return text
	}
	if i.State == muster.DoneItem {
		return "none"
	}
	return ""
}
