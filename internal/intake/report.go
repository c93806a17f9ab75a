package intake

import (
	"github.com/musterid/muster/internal/store"
)

// ReportJob is the kind of the job that tells whoever sent an import what became of it. internal/invite does it.
const ReportJob = "report"

// ReportArgs are the arguments of a ReportJob.
type ReportArgs struct {
	Tenant int64 `json:"tenant"`
	Batch  int64 `json:"batch"`
}

// report has the end of an import told, in the transaction that ends it. A retry is not told of: whoever began it is looking at it. Neither is an
// import without any row, as a list of differences is on a day without one.
func (in *Intake) report(tx *store.Tx, b *store.BatchRow, o Options) error {
	if !o.Report || !b.State.Final() || b.RetryOf != 0 || b.Total == 0 {
		return nil
	}
	return in.engine.Enqueue(tx, ReportJob, ReportArgs{Tenant: tx.Tenant(), Batch: b.Seq})
}
