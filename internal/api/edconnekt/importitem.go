package edconnekt

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/batch"
	"github.com/musterid/muster/internal/roster"
)

// told is a row of an import with its outcome, as the tracking screen shows it.
type told struct {
	muster.Item
	cells  map[string]string // as submitted, by field; nil when they are kept no longer
	person *roster.Person
	// created is when the batch was, which the item's id has in it.
	created time.Time
}

// told gives items by place with what stood in their rows.
func (s *surface) told(q *request, b batch.Batch, wanted []batch.ItemOutcome, skip, limit int) ([]told, int, error) {
	items, total, err := s.Batches.Page(q.ctx, q.caller, b, wanted, skip, limit)
	if err != nil {
		return nil, total, err
	}
	list, err := s.tell(q, b, items)
	return list, total, err
}

// searched gives the items whose e-mail address contains a text.
func (s *surface) searched(q *request, b batch.Batch, wanted []batch.ItemOutcome, search string, p page) ([]told, int, error) {
	items, total, err := s.Intake.Find(q.ctx, q.caller, b, search, wanted, p.skip(), p.size)
	if err != nil {
		return nil, total, err
	}
	list, err := s.tell(q, b, items)
	return list, total, err
}

// tell adds to items what stood in their rows, and whom they brought.
func (s *surface) tell(q *request, b batch.Batch, items []muster.Item) ([]told, error) {
	if len(items) == 0 {
		return nil, nil
	}
	rows, err := s.Intake.RowsOf(q.ctx, q.caller, b, items)
	if err != nil && muster.CodeOf(err) != muster.Gone {
		return nil, err
	}
	var seqs []int64
	for _, i := range items {
		if i.Person > 0 && i.State == muster.DoneItem {
			seqs = append(seqs, i.Person)
		}
	}
	people, err := s.Roster.BySeq(q.ctx, q.caller, seqs)
	if err != nil {
		return nil, err
	}
	list := make([]told, len(items))
	for n, i := range items {
		list[n] = told{Item: i, cells: rows[i.Index].Cells, created: b.CreatedAt}
		if row, kept := rows[i.Index]; kept && i.Row == 0 {
			list[n].Row = row.Row
		}
		if p, found := people[i.Person]; found && i.State == muster.DoneItem {
			list[n].person = &p
		}
	}
	return list, nil
}

// Bounds of filters that have to look at rows one by one.
const (
	searchWithin = 5 * time.Second
	searchStep   = 1000
)

var errTooMuch = say(http.StatusServiceUnavailable, "SEARCH_TOO_LONG", "La recherche est trop longue sur un lot de cette taille. Filtrez d’abord par statut.")

// filtered gives the page of those items that keep says yes to, and how many there are.
func (s *surface) filtered(q *request, b batch.Batch, wanted []batch.ItemOutcome, p page, keep func(*told) bool) (kept []told, total int, err error) {
	ctx, cancel := context.WithTimeout(q.ctx, searchWithin)
	defer cancel()
	own := *q
	own.ctx = ctx
	for skip := 0; ; skip += searchStep {
		list, _, err := s.told(&own, b, wanted, skip, searchStep)
		if err != nil {
			if errors.Is(err, context.DeadlineExceeded) && q.ctx.Err() == nil {
				err = errTooMuch
			}
			return nil, 0, err
		}
		for i := range list {
			if !keep(&list[i]) {
				continue
			}
			if total++; total > p.skip() && len(kept) < p.size {
				kept = append(kept, list[i])
			}
		}
		if len(list) < searchStep {
			return kept, total, nil
		}
	}
}

// id is the item's outward id.
func (t *told) id() uuid.UUID { return muster.ItemID(t.Batch, t.Index, t.created) }

// cell is what was submitted in a field, or null.
func (t *told) cell(field string) any {
	if text := t.cells[field]; text != "" {
		return text
	}
	return nil
}

// item is a row of the items table.
func (t *told) item() map[string]any {
	v := map[string]any{
		"id": t.id(), "row_number": t.Row, "email": t.cell("email"), "firstname": t.cell("first_name"), "lastname": t.cell("last_name"), "phone": t.cell(phoneField),
		"role_principal": t.cell("role"), "role_effectif": t.cell("secondary_role"), "cycle_codes": cyclesOf(t.cells["cycles"]), "status": outcomeWord(t.Item),
		"processed_at": nil, "identity_id": nil, "error_message": nil,
	}
	if t.State.Final() {
		v["processed_at"] = timestamp(t.At)
	}
	if t.person != nil {
		v["identity_id"] = t.person.ID
	}
	if len(t.Reasons) > 0 {
		v["error_message"] = t.message()
	}
	return v
}

func cyclesOf(cell string) []string {
	list := []string{}
	for word := range strings.FieldsFuncSeq(cell, func(r rune) bool { return r == ',' || r == ';' || r == '|' }) {
		if word = strings.TrimSpace(word); word != "" {
			list = append(list, word)
		}
	}
	return list
}

// fault is a row of the errors table.
func (t *told) fault() map[string]any {
	first := t.first()
	details := []map[string]any{}
	for _, e := range t.reasons() {
		details = append(details, map[string]any{"field": orNull(columnOf(e.Field)), "message": sentence(e)})
	}
	return map[string]any{
		"id": t.id(), "error_type": t.errorType(), "type": t.errorType(), "message": t.message(), "row_number": t.Row, "field": orNull(columnOf(first.Field)),
		"value": t.cell(cellField(first.Field)), "email": t.cell("email"), "details": details, "created_at": timestamp(t.At),
	}
}

// cellField is the field that a fault's value was submitted in.
func cellField(field string) string {
	if field == "phone" {
		return phoneField
	}
	return field
}

func (t *told) first() *muster.Error {
	if len(t.Reasons) == 0 {
		return &muster.Error{}
	}
	return t.Reasons[0]
}

// errorType is the kind of a failure (contract §9.7).
func (t *told) errorType() string {
	switch e := t.first(); e.Code {
	case muster.Conflict:
		return "DUPLICATE"
	case muster.Internal, muster.Unavailable:
		return "DATABASE"
	}
	return "VALIDATION"
}

// reasons are what is wrong with a row, each once: an address that is needed is missed by the role, and once more where nothing else names the person.
func (t *told) reasons() (list muster.Errors) {
	for _, e := range t.Reasons {
		if !slices.ContainsFunc(list, func(other *muster.Error) bool { return sentence(other) == sentence(e) }) {
			list = append(list, e)
		}
	}
	return list
}

// message says in French all that is wrong with a row: "Ligne 3: …".
func (t *told) message() string {
	var texts []string
	for _, e := range t.reasons() {
		texts = append(texts, sentence(e))
	}
	return fmt.Sprintf("Ligne %d: %s", t.Row, strings.Join(texts, " ; "))
}

// sentence says one fault of a row. Some have words that users know from this surface (contract §9.2).
func sentence(e *muster.Error) string {
	column := columnOf(e.Field)
	switch {
	case e.Code == muster.Required && e.Field == "role":
		return "role_principal manquant"
	case e.Code == muster.Required && e.Field != "":
		return "Champ requis manquant: " + column
	case e.Code == muster.Invalid && (e.Field == "birth_date" || e.Field == "hire_date"):
		return column + " doit être au format YYYY-MM-DD"
	case e.Field != "":
		return column + " : " + french.Error(e)
	}
	return french.Error(e)
}
