package edconnekt

import (
	"net/http"

	"github.com/google/uuid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/batch"
	"github.com/musterid/muster/internal/intake"
)

// The words for where an identity batch stands (contract §9.6).
const (
	importPending   = "PENDING"
	importWorking   = "PROCESSING"
	importCompleted = "COMPLETED"
	importFailed    = "FAILED"
	importCancelled = "CANCELLED"
)

var importWords = map[muster.BatchState]string{
	muster.Ready: importPending, muster.Planned: importPending, muster.HeldBatch: importPending,
	muster.Planning: importWorking, muster.Running: importWorking,
	muster.Finished: importCompleted, muster.Failed: importFailed, muster.Cancelled: importCancelled,
}

// Bounds of the lists of imports, and of their items and errors.
const (
	pageSize  = 10
	pageMost  = 100
	itemsSize = 50
	itemsMost = 200
)

// listImports is GET /bulkimport/batches.
func (s *surface) listImports(q *request) (int, any, error) {
	p := q.paging(pageSize, pageMost)
	word := q.text("status", false)
	if err := q.err(); err != nil {
		return 0, nil, err
	}
	ask := batch.Query{Kind: muster.ImportBatch, Surface: surfaceName, Skip: p.skip(), Limit: p.size}
	for state, own := range importWords {
		if word != "" && own == word {
			ask.States = append(ask.States, state)
		}
	}
	if scope := s.scope(q); scope != (uuid.UUID{}) {
		unit, err := s.establishment(q, scope)
		if err != nil {
			return 0, nil, err
		}
		ask.Unit = unit.Seq
	}
	rows := []map[string]any{}
	total := 0
	if word == "" || len(ask.States) > 0 { // another word is no batch's
		list, n, err := s.Batches.Listing(q.ctx, q.caller, ask)
		if err != nil {
			return 0, nil, err
		}
		total = n
		for i := range list {
			rows = append(rows, importRow(&list[i]))
		}
	}
	return http.StatusOK, map[string]any{
		"success": true, "data": rows, "total": total, "page": p.number, "size": p.size, "page_size": p.size, "pages": pages(total, p.size),
	}, nil
}

// importRow is an import in a list.
func importRow(b *batch.Batch) map[string]any {
	row := map[string]any{
		"id": b.ID, "establishment_id": nil, "source_file_url": b.Name, "uploaded_by": createdBy(b.Batch.Owner), "status": importWords[b.State], "total_items": b.Total,
		"created_at": timestamp(b.CreatedAt), "updated_at": timestamp(b.UpdatedAt),
	}
	if o, err := intake.OptionsOf(*b); err == nil && o.Unit != (uuid.UUID{}) {
		row["establishment_id"] = o.Unit
	}
	return row
}

// importOf gives the import that the path names. An id that is none names nothing: batch_id is a plain text here (contract §9.5).
func (s *surface) importOf(q *request) (batch.Batch, error) {
	id, why := parseUUID(q.r.PathValue("batch_id"))
	if why != "" {
		return batch.Batch{}, errNoBatch
	}
	b, err := s.Batches.Get(q.ctx, q.caller, id)
	if err == nil && (b.Kind != muster.ImportBatch || b.Surface != surfaceName) {
		err = errNoBatch
	}
	return b, notFound(err, errNoBatch)
}

func (s *surface) oneImport(q *request) (int, any, error) {
	b, err := s.importOf(q)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, map[string]any{"success": true, "data": importRow(&b)}, nil
}

// importStatus is GET …/status: the counters, flat.
func (s *surface) importStatus(q *request) (int, any, error) {
	b, err := s.importOf(q)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, countersOf(&b.Batch), nil
}

// counters are what is told of an import as it goes. There are no people in them, so that they may be told to whoever holds the import's id.
type counters struct {
	Type      string    `json:"type,omitempty"` // of an event
	Batch     uuid.UUID `json:"batch_id"`
	Status    string    `json:"status"`
	Total     int       `json:"total_items"`
	Processed int       `json:"processed_items"`
	Progress  int       `json:"progress"` // in percent
	New       int       `json:"new_count"`
	Updated   int       `json:"updated_count"`
	Skipped   int       `json:"skipped_count"`
	Invalid   int       `json:"invalid_count"`
}

func countersOf(b *muster.Batch) counters {
	c := b.Counts
	out := counters{
		Batch: b.ID, Status: importWords[b.State], Total: b.Total, Processed: b.Total - c.Pending(b.Total), New: c.Created, Updated: c.Updated,
		Skipped: c.Unchanged + c.Skipped, Invalid: c.Failed,
	}
	switch {
	case b.Total > 0:
		out.Progress = out.Processed * 100 / b.Total
	case b.State.Final():
		out.Progress = 100
	}
	return out
}

// outcomes are the words for items. An item is never caught in the middle: a row is done with the whole of its chunk or not at all.
var outcomes = map[string][]batch.ItemOutcome{
	"PENDING": {batch.OutcomePending}, "PROCESSING": {}, "SUCCESS": {batch.OutcomeDone}, "ERROR": {batch.OutcomeFailed},
	"SKIPPED": {batch.OutcomeUnchanged, batch.OutcomeSkipped},
}

func outcomeWord(i muster.Item) string {
	switch batch.OutcomeOf(i) {
	case batch.OutcomeDone:
		return "SUCCESS"
	case batch.OutcomeFailed:
		return "ERROR"
	case batch.OutcomeUnchanged, batch.OutcomeSkipped:
		return "SKIPPED"
	}
	return "PENDING"
}

// importItems is GET …/items.
func (s *surface) importItems(q *request) (int, any, error) {
	p := q.paging(itemsSize, itemsMost)
	word, search := q.text("status", false), q.text("search", false)
	if err := q.err(); err != nil {
		return 0, nil, err
	}
	b, err := s.importOf(q)
	if err != nil {
		return 0, nil, err
	}
	wanted, known := outcomes[word]
	var list []told
	total := 0
	switch {
	case word != "" && len(wanted) == 0 || word != "" && !known:
	case search != "":
		list, total, err = s.searched(q, b, wanted, search, p)
	default:
		list, total, err = s.told(q, b, wanted, p.skip(), p.size)
	}
	if err != nil {
		return 0, nil, err
	}
	items := make([]map[string]any, len(list))
	for i := range list {
		items[i] = list[i].item()
	}
	return http.StatusOK, map[string]any{"success": true, "items": items, "total": total, "page": p.number, "size": p.size, "pages": pages(total, p.size)}, nil
}

// importErrors is GET …/errors: one for each row that failed, with all that is wrong with it.
func (s *surface) importErrors(q *request) (int, any, error) {
	p := q.paging(itemsSize, itemsMost)
	word := q.text("error_type", false)
	if err := q.err(); err != nil {
		return 0, nil, err
	}
	b, err := s.importOf(q)
	if err != nil {
		return 0, nil, err
	}
	failures := []batch.ItemOutcome{batch.OutcomeFailed}
	var list []told
	total := 0
	if word == "" {
		list, total, err = s.told(q, b, failures, p.skip(), p.size)
	} else {
		list, total, err = s.filtered(q, b, failures, p, func(t *told) bool { return t.errorType() == word })
	}
	if err != nil {
		return 0, nil, err
	}
	faults := make([]map[string]any, len(list))
	for i := range list {
		faults[i] = list[i].fault()
	}
	return http.StatusOK, map[string]any{"success": true, "errors": faults, "total": total, "page": p.number, "size": p.size, "pages": pages(total, p.size)}, nil
}
