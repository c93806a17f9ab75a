package cli

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/cli/client"
)

const shownFailures = 20

// planSummary prints what a batch would do.
func (s *session) planSummary(b batchView) {
	s.printf("Plan for %s", b.Name)
	facts(s.out, "  ",
		s.t.Text("rows"), strconv.FormatInt(b.Total, 10),
		s.t.Text("to be created"), strconv.FormatInt(b.Plan.Create, 10),
		s.t.Text("to be changed"), strconv.FormatInt(b.Plan.Update, 10),
		s.t.Text("unchanged"), strconv.FormatInt(b.Plan.Unchanged, 10),
		s.t.Text("cannot be done"), strconv.FormatInt(b.Counts.Failed, 10),
		s.t.Text("skipped"), unlessZero(b.Counts.Skipped),
		s.t.Text("sign-ins ended"), unlessZero(b.Plan.Disables),
		s.t.Text("usernames changed"), unlessZero(b.Plan.Renames))
	if b.Plan.Hold != "" {
		s.printf("It will be held until somebody releases it: %s", b.Plan.Hold)
	}
}

// summary prints how a batch ended, or where it stands.
func (s *session) summary(b batchView) {
	if b.State == muster.Planned || b.State == muster.Planning {
		s.planSummary(b)
		return
	}
	s.printf("%s: %s", clean(b.Name), s.t.Text(string(b.State)))
	if b.Message != "" {
		fmt.Fprintln(s.out, " ", clean(s.t.Text(b.Message)))
	}
	s.counts(b, s.t.Text("rows"))
	if p := b.Provision; p != nil && p.Total > 0 {
		s.printf("%s: %s", s.t.Text("Accounts"), s.t.Text(string(p.State)))
		if p.Message != "" {
			fmt.Fprintln(s.out, " ", clean(s.t.Text(p.Message)))
		}
		s.counts(*p, s.t.Text("accounts"))
	}
}

func (s *session) counts(b batchView, total string) {
	c := b.Counts
	facts(s.out, "  ",
		total, strconv.FormatInt(b.Total, 10),
		s.t.Text("created"), strconv.FormatInt(c.Created, 10),
		s.t.Text("changed"), strconv.FormatInt(c.Updated, 10),
		s.t.Text("unchanged"), strconv.FormatInt(c.Unchanged, 10),
		s.t.Text("failed"), strconv.FormatInt(c.Failed, 10),
		s.t.Text("skipped"), unlessZero(c.Skipped),
		s.t.Text("pending"), unlessZero(c.Pending),
		s.t.Text("with warnings"), unlessZero(c.Warnings))
}

func unlessZero(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

// unused prints the columns that mean nothing to the server, and what else it has to say of the file as a whole.
func (s *session) unused(b batchView) {
	var columns []string
	for _, note := range b.Notes {
		if unrecognised(note, b.Columns) {
			columns = append(columns, note.Field)
			continue
		}
		s.printf("Note: %s", clean(s.t.Error(note)))
	}
	if len(columns) > 0 {
		s.printf("Columns not recognised, and not used: %s", clean(strings.Join(columns, ", ")))
		s.printf("Say what one means with --map %q, or leave it out.", columns[0]+"=FIELD")
	}
}

// unrecognised says whether a note is about a column without a field.
func unrecognised(note *muster.Error, columns []columnView) bool {
	for _, c := range columns {
		if c.Header == note.Field && c.Field == "" {
			return true
		}
	}
	return false
}

// failures prints the first items that failed.
func (s *session) failures(c *client.Client, b batchView) error {
	if b.Counts.Failed > 0 {
		if err := s.failedItems(c, b, s.t.Sprintf("Rows that failed: %d", b.Counts.Failed)); err != nil {
			return err
		}
	}
	if p := b.Provision; p != nil && p.Counts.Failed > 0 {
		return s.failedItems(c, *p, s.t.Sprintf("Accounts that failed: %d", p.Counts.Failed))
	}
	return nil
}

func (s *session) failedItems(c *client.Client, b batchView, headline string) error {
	s.printf("%s", headline)
	t := newTable(s.out, s.t.Text("row"), s.t.Text("who"), s.t.Text("field"), s.t.Text("what is wrong"))
	more, err := c.Each(s.ctx, escaped("batches", b.ID, "items"), url.Values{"state": {string(muster.FailedItem)}}, shownFailures, func(raw json.RawMessage) error {
		item, err := as[itemView](raw)
		if err != nil {
			return err
		}
		for _, reason := range item.Reasons {
			t.row(item.where(), item.who(), cmp.Or(reason.Column, reason.Field), s.t.Error(reason))
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := t.flush(); err != nil {
		return err
	}
	if more {
		s.printf("… and %d more: muster batches items %s --state failed", b.Counts.Failed-shownFailures, b.ID)
	}
	return nil
}

// outcome is the error that a batch's end comes to.
func (s *session) outcome(b batchView) error {
	held := b.State == muster.HeldBatch || b.Provision != nil && b.Provision.State == muster.HeldBatch
	failed := b.Counts.Failed // what a batch that ended well skipped is the rows of leavers who are not there
	if b.Provision != nil {
		failed += b.Provision.Counts.Failed + b.Provision.Counts.Skipped
	}
	switch {
	case held:
		id := b.ID
		if b.State != muster.HeldBatch {
			id = b.Provision.ID
		}
		return s.exitf(ExitHeld, "Held. Look at it with: muster batches items %s. Let it go on with: muster batches release %s", id, id)
	case b.State == muster.Failed || b.State == muster.Cancelled:
		return s.exitf(ExitFailed, "The batch was not carried out to its end.")
	case failed > 0:
		return &exit{code: ExitPartial}
	}
	return nil
}

// where is the place of an item as the user knows it.
func (i itemView) where() string {
	if i.Row > 0 {
		return strconv.Itoa(i.Row)
	}
	return strconv.Itoa(i.Index + 1)
}

// who names the person of an item as well as it can.
func (i itemView) who() string {
	return cmp.Or(i.Name, i.Label, i.Username)
}
