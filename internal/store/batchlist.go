package store

import (
	"github.com/google/uuid"

	"github.com/musterid/muster"
)

// BatchQuery is which batches to list, with the place in the list. Zero fields do not filter.
type BatchQuery struct {
	Kind        muster.BatchKind
	Surface     string
	Unit        int64
	Paths       []string // those for a unit of these paths, or below
	States      []muster.BatchState
	Skip, Limit int
}

// BatchPage lists batches, newest first. With it comes how many there are, counted no further than most.
func (tx *Tx) BatchPage(q BatchQuery, most int) (list []BatchRow, total int, err error) {
	query, args := tx.batchPageSQL(q)
	err = tx.each(query, args, func(scan func(...any) error) error {
		b, err := scanBatch(scan)
		list = append(list, b)
		return err
	})
	if err != nil {
		return nil, 0, err
	}
	w := tx.batchesAsked(q)
	err = tx.row("SELECT count(*) FROM (SELECT 1 FROM batch t WHERE "+w.sql()+" LIMIT "+w.arg(most)+") n", w.args, &total)
	return list, total, err
}

func (tx *Tx) batchPageSQL(q BatchQuery) (string, []any) {
	w := tx.batchesAsked(q)
	return "SELECT " + batchColumns + " FROM batch t WHERE " + w.sql() + " ORDER BY t.seq DESC LIMIT " + w.arg(q.Limit) + " OFFSET " + w.arg(q.Skip), w.args
}

func (tx *Tx) batchesAsked(q BatchQuery) *where {
	w := &where{}
	w.add("t.tenant = ?", tx.tenant)
	w.add("t.state <> 'receiving'")
	if q.Kind != "" {
		w.add("t.kind = ?", string(q.Kind))
	}
	if q.Surface != "" {
		w.add("t.surface = ?", q.Surface)
	}
	if q.Unit != 0 {
		w.add("t.unit = ?", q.Unit)
	}
	if q.Paths != nil {
		w.add("t.seq IN (SELECT b.seq FROM " + tx.unitsWithin(w.arg(tx.tenant), w.arg(tx.texts(q.Paths))) + tx.inTurn("batch", "b", "b.unit = u.seq") + ")")
	}
	if len(q.States) > 0 {
		words := make([]string, len(q.States))
		for i, s := range q.States {
			words[i] = string(s)
		}
		w.add(tx.isOneOf("t.state", w.arg(tx.texts(words))))
	}
	return w
}

// isOneOf is the condition that a column has one of some texts, which are one argument.
func (tx *Tx) isOneOf(column, texts string) string {
	if tx.store.engine == Postgres {
		return column + " = ANY(" + texts + "::text[])"
	}
	return column + " IN (SELECT value FROM json_each(" + texts + "))"
}

// CountsOfImport gives state, size and counts of an import of a surface, of whichever tenant: what the holder of its id may know without being known.
func (tx *Tx) CountsOfImport(surface string, id uuid.UUID) (b muster.Batch, err error) {
	c := &b.Counts
	err = tx.row(`SELECT state, total, done, failed, skipped, created, updated, unchanged FROM batch WHERE id = $1 AND kind = 'import' AND surface = $2 AND state <> 'receiving'`,
		[]any{tx.uuid(id), surface}, (*string)(&b.State), &b.Total, &c.Done, &c.Failed, &c.Skipped, &c.Created, &c.Updated, &c.Unchanged)
	if muster.CodeOf(err) == muster.NotFound {
		return b, muster.Errorf(muster.NotFound, "id", "There is no batch %s.", id)
	}
	b.ID = id
	return b, err
}
