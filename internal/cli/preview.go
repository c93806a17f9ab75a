package cli

import (
	"encoding/json"
	"errors"
	"net/url"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/cli/client"
)

const (
	sampled    = 5     // people of each sort that a preview shows
	lookedInto = 5_000 // rows that are looked into to find them
)

var errEnough = errors.New("enough has been seen")

// samples shows the first people who would be new, with what they would be called, and the first who would change, field by field.
func (s *session) samples(server *client.Client, b batchView) error {
	arrivals := newTable(s.out, s.t.Text("row"), s.t.Text("name"), s.t.Text("username"))
	changes := newTable(s.out, s.t.Text("row"), s.t.Text("name"), s.t.Text("change"))
	fresh, changed := min(sampled, b.Plan.Create), min(sampled, b.Plan.Update) // still to be found
	_, err := server.Each(s.ctx, escaped("batches", b.ID, "items"), url.Values{"state": {string(muster.PlannedItem)}}, lookedInto, func(raw json.RawMessage) error {
		if fresh+changed == 0 {
			return errEnough
		}
		item, err := as[itemView](raw)
		if err != nil {
			return err
		}
		switch action := item.Change.Action; {
		case action == muster.Create && fresh > 0:
			fresh--
			arrivals.row(item.where(), item.Name, item.login(s.t.Text("forecast")))
		case (action == muster.Update || action == muster.Delete) && changed > 0:
			changed--
			changes.row(item.where(), item.who(), differences(item.Change))
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return err
	}
	if b.Plan.Create > 0 {
		s.printf("\nThe first who are new, and the usernames they would get:")
		if err := arrivals.flush(); err != nil {
			return err
		}
	}
	if b.Plan.Update > 0 {
		s.printf("\nThe first who would change:")
		if err := changes.flush(); err != nil {
			return err
		}
	}
	if b.Plan.Create+b.Plan.Update > 0 {
		s.printf("\nRow by row: muster batches items %s --state planned\n", b.ID)
	}
	return nil
}
