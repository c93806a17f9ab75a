package native

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/batch"
	"github.com/musterid/muster/internal/intake"
	"github.com/musterid/muster/internal/provision"
)

// Batch is people submitted together.
type Batch struct {
	ID      uuid.UUID         `json:"id" format:"uuid"`
	Kind    muster.BatchKind  `json:"kind" enum:"import,provision" doc:"import: rows that become or change people. provision: accounts, one item for each person and target."`
	Name    string            `json:"name" example:"pupils.csv"`
	Surface string            `json:"surface" example:"native"`
	Owner   string            `json:"owner" example:"key:secretary" doc:"Who submitted it."`
	State   muster.BatchState `json:"state" enum:"ready,planning,planned,running,held,finished,cancelled,failed"`
	Message string            `json:"message,omitempty" doc:"Why it is held or failed."`

	Total   int         `json:"total" doc:"How many items it has."`
	Counts  Counts      `json:"counts"`
	Plan    muster.Plan `json:"plan" doc:"What its planned items would do, and why it would be held."`
	Percent int         `json:"percent" minimum:"0" maximum:"100" doc:"How far it is: of planning while it is planned, of the run otherwise."`
	ETA     int         `json:"eta_seconds,omitempty" doc:"How long it will take yet, at the pace it has had."`

	Options *BatchOptions `json:"options,omitempty" doc:"Of an import: how its rows are read."`
	Columns []Column      `json:"columns,omitempty" doc:"Of an import of a sheet: what its columns mean."`
	Notes   []Fault       `json:"notes,omitempty" doc:"What to know of the file as a whole."`

	SourceBatch *uuid.UUID `json:"source_batch,omitempty" format:"uuid" doc:"Of a provision batch: the import that it follows."`
	RetryOf     *uuid.UUID `json:"retry_of,omitempty" format:"uuid" doc:"The import whose failed rows these are."`
	Provision   *Following `json:"provision,omitempty" doc:"Of an import: the accounts that follow from it. Absent when there is no target, and in lists."`

	CreatedAt  time.Time  `json:"created_at"`
	UpdatedAt  time.Time  `json:"updated_at"`
	StartedAt  *time.Time `json:"started_at,omitempty"`
	FinishedAt *time.Time `json:"finished_at,omitempty"`
}

// Counts add up at every moment: done + failed + skipped + pending = total.
type Counts struct {
	Pending   int `json:"pending"`
	Done      int `json:"done"`
	Failed    int `json:"failed"`
	Skipped   int `json:"skipped"`
	Created   int `json:"created" doc:"Of those done."`
	Updated   int `json:"updated" doc:"Of those done."`
	Unchanged int `json:"unchanged" doc:"Of those done."`
	Warnings  int `json:"warnings" doc:"Of those done: with something to look at."`
	Disables  int `json:"disables"`
	Renames   int `json:"renames"`
}

// BatchOptions are how the rows of an import are read.
type BatchOptions struct {
	Mode   muster.Matching `json:"mode" enum:"create,update,upsert"`
	Source string          `json:"source,omitempty"`
	Email  string          `json:"email" enum:"unique,shared"`
	Empty  string          `json:"empty" enum:"keep,clear"`
	Dates  string          `json:"dates,omitempty"`
	Format string          `json:"format,omitempty" enum:"csv,xlsx,json,ndjson"`
	Sheet  string          `json:"sheet,omitempty"`
}

// Column is what a column means.
type Column struct {
	Header string `json:"header" example:"Nom"`
	Field  string `json:"field,omitempty" example:"last_name" doc:"Absent when the column is not used."`
}

// Following is the provision batch of an import. It has no id yet in the moment between the import's end and its own beginning.
type Following struct {
	ID      *uuid.UUID        `json:"id,omitempty" format:"uuid"`
	State   muster.BatchState `json:"state"`
	Message string            `json:"message,omitempty"`
	Total   int               `json:"total"`
	Counts  Counts            `json:"counts"`
	Percent int               `json:"percent"`
	ETA     int               `json:"eta_seconds,omitempty"`
}

func countsView(b *batch.Batch) Counts {
	c := b.Counts
	return Counts{
		Pending: c.Pending(b.Total), Done: c.Done, Failed: c.Failed, Skipped: c.Skipped, Created: c.Created, Updated: c.Updated, Unchanged: c.Unchanged,
		Warnings: c.Warnings, Disables: c.Disables, Renames: c.Renames,
	}
}

func percent(b *batch.Batch) int {
	final := b.Total - b.Counts.Pending(b.Total)
	switch {
	case b.State == muster.Finished || b.State == muster.Planned:
		return 100
	case b.Total == 0:
		return 0
	case b.State == muster.Planning:
		final = max(b.NextIndex, 0)
	}
	return final * 100 / b.Total
}

func (s *surface) eta(b *batch.Batch) int {
	return int(batch.Left(*b, s.Now()).Round(time.Second) / time.Second)
}

// batchView shows a batch as far as its row tells.
func (s *surface) batchView(b *batch.Batch) (Batch, error) {
	v := Batch{
		ID: b.ID, Kind: b.Kind, Name: b.Name, Surface: b.Surface, Owner: b.Batch.Owner, State: b.State, Message: b.Message, Total: b.Total, Counts: countsView(b),
		Plan: b.Plan, Percent: percent(b), ETA: s.eta(b), CreatedAt: b.CreatedAt, UpdatedAt: b.UpdatedAt, StartedAt: moment(b.StartedAt), FinishedAt: moment(b.FinishedAt),
	}
	if b.Kind != muster.ImportBatch {
		return v, nil
	}
	o, err := intake.OptionsOf(*b)
	if err != nil {
		return v, err
	}
	v.Options = &BatchOptions{Mode: o.Matching, Source: o.Source, Email: "unique", Empty: "keep", Dates: o.Dates, Format: o.Format.Kind, Sheet: o.Format.Sheet}
	if o.SharedEmail {
		v.Options.Email = "shared"
	}
	if o.EmptyClears {
		v.Options.Empty = "clear"
	}
	v.Columns = make([]Column, len(o.Columns))
	for i, c := range o.Columns {
		v.Columns[i] = Column{Header: c.Header, Field: c.Field}
	}
	v.Notes = faultViews(o.Notes)
	return v, nil
}

// wholeView shows a batch with what is connected to it.
func (s *surface) wholeView(ctx context.Context, caller muster.Caller, b *batch.Batch) (Batch, error) {
	v, err := s.batchView(b)
	if err != nil {
		return v, err
	}
	source, retryOf, err := s.Batches.Origins(ctx, caller, *b)
	if err != nil {
		return v, err
	}
	if source != uuid.Nil {
		v.SourceBatch = &source
	}
	if retryOf != uuid.Nil {
		v.RetryOf = &retryOf
	}
	if b.Kind == muster.ImportBatch {
		v.Provision, err = s.following(ctx, caller, b)
	}
	return v, err
}

// expectFor is how long after an import's end its provision batch is waited for at most.
const expectFor = 10 * time.Minute

// following gives the provision batch of an import; also one that is about to begin, so that whoever waits for accounts does not leave too early.
func (s *surface) following(ctx context.Context, caller muster.Caller, b *batch.Batch) (*Following, error) {
	if provision.OnRequest(b) {
		return nil, nil // an order is a batch of its own, that nobody who waits for the import waits for
	}
	p, there, err := s.Batches.Following(ctx, caller, *b)
	if err != nil {
		return nil, err
	}
	if there {
		return &Following{ID: &p.ID, State: p.State, Message: p.Message, Total: p.Total, Counts: countsView(&p), Percent: percent(&p), ETA: s.eta(&p)}, nil
	}
	if !b.State.Final() || b.Counts.Done == 0 || s.Now().Sub(b.FinishedAt) > expectFor {
		return nil, nil
	}
	targets, err := s.Provision.Targets(ctx, caller)
	if muster.CodeOf(err) == muster.Forbidden {
		return nil, nil
	}
	for _, t := range targets {
		if t.CreatedAt.Before(b.FinishedAt) {
			return &Following{State: muster.Running}, nil
		}
	}
	return nil, err
}
