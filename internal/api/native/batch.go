package native

import (
	"context"
	"mime"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/api"
	"github.com/musterid/muster/internal/batch"
)

// OneBatch names a batch in the path.
type OneBatch struct {
	Batch string `path:"batch" doc:"The batch's id."`
}

// BatchOut answers with one batch.
type BatchOut struct{ Body Batch }

func (s *surface) batches() {
	handle(s, op(http.MethodGet, "/v1/batches", "list-batches", "List batches",
		"Imports of all surfaces, the newest first. The accounts that follow from an import are a batch of their own, of the kind `provision`: one import shows it as `provision`, and `kind` lists them."), s.listBatches)
	handle(s, op(http.MethodGet, "/v1/batches/{batch}", "get-batch", "Get a batch", "One batch: its state, its counts, its plan, how long it will take yet, and the accounts that follow from it."), s.getBatch)
	handle(s, op(http.MethodGet, "/v1/batches/{batch}/items", "list-items", "List a batch's items",
		"The outcome of every row, in order; also of rows that had no turn yet. Of an import each item tells what happened to the person's accounts on each target."), s.listItems)

	result := op(http.MethodGet, "/v1/batches/{batch}/result", "get-result", "Download the result sheet",
		"The file as it was sent, with columns added: what became of each row, the username, what was wrong, and the account on each target. Sent in again, the added columns are ignored.")
	result.Parameters = append(result.Parameters, pathParam("batch", "The batch's id."))
	result.Responses["200"] = &huma.Response{Description: "The file, in its own format.", Content: map[string]*huma.MediaType{
		"text/csv": {}, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": {}, "application/json": {}, "application/x-ndjson": {},
	}}
	stream(s, result, s.result)
}

func pathParam(name, description string) *huma.Param {
	return &huma.Param{Name: name, In: "path", Required: true, Description: description, Schema: &huma.Schema{Type: "string"}}
}

// BatchFilter is which batches to list.
type BatchFilter struct {
	Paging
	Kind  string `query:"kind" enum:"import,provision,all" default:"import" doc:"Imports, account work, or both."`
	State string `query:"state" enum:"ready,planning,planned,running,held,finished,cancelled,failed"`
}

func (s *surface) listBatches(ctx context.Context, caller muster.Caller, in *BatchFilter) (*struct{ Body Page[Batch] }, error) {
	at, err := in.open("batches", in.Kind, in.State)
	if err != nil {
		return nil, err
	}
	kind := muster.BatchKind(in.Kind)
	if in.Kind == "all" {
		kind = ""
	}
	list, err := s.Batches.List(ctx, caller, kind, muster.BatchState(in.State), at.Seq, in.ask())
	if err != nil {
		return nil, err
	}
	views := make([]Batch, len(list))
	for i := range list {
		if views[i], err = s.batchView(&list[i]); err != nil {
			return nil, err
		}
	}
	n := -1
	page := paged(in.Paging, at, list, func(*batch.Batch) Batch { n++; return views[n] }, func(b *batch.Batch) (string, int64) { return "", b.Seq })
	return &struct{ Body Page[Batch] }{*page}, nil
}

func (s *surface) getBatch(ctx context.Context, caller muster.Caller, in *OneBatch) (*BatchOut, error) {
	id, err := idOf("batch", in.Batch)
	if err != nil {
		return nil, err
	}
	b, err := s.Batches.Get(ctx, caller, id)
	return s.batchOut(ctx, caller, b, err)
}

func (s *surface) batchOut(ctx context.Context, caller muster.Caller, b batch.Batch, err error) (*BatchOut, error) {
	if err != nil {
		return nil, err
	}
	v, err := s.wholeView(ctx, caller, &b)
	if err != nil {
		return nil, err
	}
	return &BatchOut{v}, nil
}

// result streams the result sheet. What goes wrong after it has begun ends the connection, so that nobody takes a part for the whole.
func (s *surface) result(w http.ResponseWriter, r *http.Request, caller muster.Caller) error {
	b, err := s.batchOf(r, caller)
	if err != nil {
		return err
	}
	sheet, err := s.Intake.Result(caller, b)
	if err != nil {
		return err
	}
	out := &download{w: w, head: func(h http.Header) {
		h.Set("Content-Type", sheet.MediaType)
		h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": sheet.Name}))
	}}
	if err := sheet.Write(r.Context(), out); err != nil {
		if !out.begun {
			return err
		}
		panic(err)
	}
	return nil
}

// batchOf reads the batch that the path names.
func (s *surface) batchOf(r *http.Request, caller muster.Caller) (batch.Batch, error) {
	id, err := idOf("batch", r.PathValue("batch"))
	if err != nil {
		return batch.Batch{}, err
	}
	return s.Batches.Get(r.Context(), caller, id)
}

// download is an answer whose head is written with its first bytes: until then an error can still be told.
type download struct {
	w     http.ResponseWriter
	head  func(http.Header)
	begun bool
}

func (d *download) Write(b []byte) (int, error) {
	if !d.begun {
		d.begun = true
		d.head(d.w.Header())
	}
	api.ExtendWrite(d.w)
	return d.w.Write(b)
}

// ItemFilter is which items to list.
type ItemFilter struct {
	OneBatch
	Paging
	State string `query:"state" enum:"pending,planned,done,failed,skipped"`
}

// Item is one row of a batch, with its outcome.
type Item struct {
	ID       uuid.UUID        `json:"id" format:"uuid"`
	Index    int              `json:"index" doc:"From 0."`
	Row      int              `json:"row,omitempty" doc:"As the file counts, from 1."`
	State    muster.ItemState `json:"state" enum:"pending,planned,done,failed,skipped"`
	Person   *uuid.UUID       `json:"person,omitempty" format:"uuid"`
	Username string           `json:"username,omitempty" doc:"The person's; of somebody who is only planned, a forecast."`
	Name     string           `json:"name,omitempty" doc:"To know the person by."`
	Label    string           `json:"label,omitempty" doc:"Of an item without a person: what the row calls whom it means, by name, e-mail address, username or source id."`
	Change   Change           `json:"change" doc:"What was done, or would be done."`
	Reasons  []Fault          `json:"reasons" doc:"Why it failed or was skipped; of an item that is done, warnings."`
	Account  *uuid.UUID       `json:"account,omitempty" format:"uuid" doc:"Of a provision batch."`
	Target   string           `json:"target,omitempty" doc:"Of a provision batch: the target's name."`
	Accounts []Account        `json:"accounts,omitempty" doc:"Of an import: the person's account on each target."`
	At       time.Time        `json:"at" doc:"When this became so."`
}

func (s *surface) listItems(ctx context.Context, caller muster.Caller, in *ItemFilter) (*struct{ Body Page[Item] }, error) {
	id, err := idOf("batch", in.Batch)
	if err != nil {
		return nil, err
	}
	at, err := in.open("items", in.Batch, in.State)
	if err != nil {
		return nil, err
	}
	b, err := s.Batches.Get(ctx, caller, id)
	if err != nil {
		return nil, err
	}
	items, err := s.Batches.Items(ctx, caller, b, muster.ItemState(in.State), int(at.Seq), in.ask())
	if err != nil {
		return nil, err
	}
	known, err := s.knowledge(ctx, caller, &b, items)
	if err != nil {
		return nil, err
	}
	view := func(i *muster.Item) Item { return known.view(&b, i) }
	end := func(i *muster.Item) (string, int64) { return "", int64(i.Index) + 1 }
	return &struct{ Body Page[Item] }{*paged(in.Paging, at, items, view, end)}, nil
}
