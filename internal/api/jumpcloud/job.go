package jumpcloud

import (
	"slices"
	"time"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/batch"
	"github.com/musterid/muster/internal/intake"
)

// noJob is what every id gets that leads to no job of this organization (contract §1.5).
var noJob = refuse(404, "There is no such job.")

// findJob gives the job that the path names, with its options. Jobs that ended longer ago than they are kept are not there.
func (s *surface) findJob(q *request) (batch.Batch, intake.Options, error) {
	var none batch.Batch
	number, created, ok := jobNumber(q.r.PathValue("id"))
	if !ok {
		return none, intake.Options{}, noJob
	}
	b, err := s.Batches.Numbered(q.ctx, q.caller, number)
	if muster.CodeOf(err) == muster.NotFound || err == nil && b.CreatedAt.Unix() != created.Unix() {
		return none, intake.Options{}, noJob
	}
	if err != nil {
		return none, intake.Options{}, err
	}
	if b.Kind != muster.ImportBatch || b.State.Final() && s.Now().Sub(b.FinishedAt) > s.Retention {
		return none, intake.Options{}, noJob
	}
	o, err := intake.OptionsOf(b)
	if err == nil && o.Profile != profile {
		err = noJob
	}
	return b, o, err
}

// details is JobDetails (contract §5).
type details struct {
	ID              string   `json:"id"`
	AdminID         string   `json:"adminId"`
	Name            string   `json:"name"`
	Status          string   `json:"status"`
	CreatedAt       string   `json:"createdAt"`
	UpdatedAt       string   `json:"updatedAt"`
	WorkUnitsCount  int      `json:"workUnitsCount"`
	PersistedFields []string `json:"persistedFields"`
	Meta            jobMeta  `json:"meta"`
}

type jobMeta struct {
	Total           int     `json:"total"`
	Pending         int     `json:"pending"`
	Succeeded       int     `json:"succeeded"`
	Failed          int     `json:"failed"`
	Warnings        int     `json:"warnings"`
	PercentComplete int     `json:"percentComplete"`
	Operation       string  `json:"operation"`
	CreationSource  *string `json:"creationSource"`
	StartedAt       *string `json:"startedAt"`
	FinishedAt      *string `json:"finishedAt"`
	Message         string  `json:"message,omitempty"` // why the job waits for an administrator, or was given up
}

func (s *surface) job(q *request) (any, error) {
	b, o, err := s.findJob(q)
	if err != nil {
		return nil, err
	}
	m := modeOf(&o)
	d := details{
		ID: JobID(b.Seq, b.CreatedAt), AdminID: m.Admin, Name: jobNames[m.Operation], Status: jobStatus(&b), CreatedAt: moment(b.CreatedAt), UpdatedAt: moment(b.UpdatedAt),
		WorkUnitsCount: b.Total, PersistedFields: persisted(o.Noted), Meta: metaOf(&b, m),
	}
	return d, nil
}

func metaOf(b *batch.Batch, m *mode) jobMeta {
	meta := jobMeta{
		Total: b.Total, Pending: b.Counts.Pending(b.Total), Succeeded: b.Counts.Done, Failed: b.Counts.Failed + b.Counts.Skipped, Warnings: b.Counts.Warnings,
		Operation: m.Operation, StartedAt: momentOrNull(b.StartedAt), FinishedAt: momentOrNull(b.FinishedAt), Message: b.Message,
	}
	if m.Source != "" {
		meta.CreationSource = &m.Source
	}
	switch {
	case b.State.Final():
		meta.PercentComplete = 100
	case b.Total > 0:
		meta.PercentComplete = min(100*(b.Total-meta.Pending)/b.Total, 99)
	}
	return meta
}

func momentOrNull(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	text := moment(t)
	return &text
}

// jobStatus is the word for where a job stands (contract §5). One that is held, because it would take more away than the organization's limits let
// it, is as far as it came.
func jobStatus(b *batch.Batch) string {
	switch {
	case b.State == muster.Finished:
		return "finished"
	case b.State.Final():
		return "failed"
	case b.Counts.Pending(b.Total) < b.Total:
		return "running"
	}
	return "pending"
}

// persisted are the names of the fields that identify rows, of those that were in some row.
func persisted(noted []string) []string {
	names := []string{}
	for _, name := range []string{"email", "employeeIdentifier", "id", "username"} {
		if slices.Contains(noted, name) || name == "id" && slices.Contains(noted, "_id") {
			names = append(names, name)
		}
	}
	return names
}
