package roster

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/access"
	"github.com/musterid/muster/internal/store"
)

// Person gives one person by id.
func (r *Roster) Person(ctx context.Context, caller muster.Caller, id uuid.UUID) (p store.PersonRow, err error) {
	err = r.lookAtOne(ctx, caller, func(tx *store.Tx, reach access.Reach) (err error) {
		p, err = seen(tx, reach, id)
		return err
	})
	return p, err
}

// People lists one page of people. One for which all people must be looked through takes SearchTime at most, and a caller waits for their own one
// before.
func (r *Roster) People(ctx context.Context, caller muster.Caller, q store.PeopleQuery) (list []store.PersonRow, err error) {
	q.Limit = pageLimit(q.Limit)
	look := r.lookIn
	if q.OfOne() {
		look = r.lookAtOne
	}
	page := func(ctx context.Context) error {
		return look(ctx, caller, func(tx *store.Tx, reach access.Reach) (err error) {
			q.Within = reach.Filter()
			list, err = tx.ListPeople(q)
			return err
		})
	}
	if !q.Scans() {
		return list, page(ctx)
	}
	err = r.searching(ctx, caller, q, page)
	return list, err
}

// CountPeople says how many people a query would list on all its pages together.
func (r *Roster) CountPeople(ctx context.Context, caller muster.Caller, q store.PeopleQuery) (n int, err error) {
	if q.Counted() {
		all, err := r.countedAll(ctx, caller, q.State)
		if err != nil || all >= 0 {
			return max(all, 0), err
		}
	}
	err = r.searching(ctx, caller, q, func(ctx context.Context) error {
		return r.lookIn(ctx, caller, func(tx *store.Tx, reach access.Reach) (err error) {
			q.Within = reach.Filter()
			n, err = tx.CountListed(q)
			return err
		})
	})
	return n, err
}

// countedAll gives how many people are in a state, or in any but deleted, from the counters. It is negative for a caller who reaches some of them
// only: of these there is no counter.
func (r *Roster) countedAll(ctx context.Context, caller muster.Caller, state muster.State) (n int, err error) {
	err = r.lookIn(ctx, caller, func(tx *store.Tx, reach access.Reach) error {
		if n = -1; !reach.All() {
			return nil
		}
		counts, err := tx.PeopleCounts()
		n = counts[state]
		for s, of := range counts {
			if state == "" && s != muster.Deleted {
				n += of
			}
		}
		return err
	})
	return n, err
}

// BySeq gives people by number, for lists of items that refer to them.
func (r *Roster) BySeq(ctx context.Context, caller muster.Caller, seqs []int64) (found map[int64]store.PersonRow, err error) {
	err = r.lookIn(ctx, caller, func(tx *store.Tx, reach access.Reach) (err error) {
		if found, err = tx.People(seqs); err == nil {
			err = known(tx, reach, found)
		}
		return err
	})
	return found, err
}

// Counts says how many people are in each state.
func (r *Roster) Counts(ctx context.Context, caller muster.Caller) (counts map[muster.State]int, err error) {
	err = r.lookIn(ctx, caller, func(tx *store.Tx, reach access.Reach) (err error) {
		if reach.All() {
			counts, err = tx.PeopleCounts()
		} else {
			counts, err = tx.CountWithin(reach.Filter())
		}
		return err
	})
	return counts, err
}

// Event is one thing that happened to a person: what was done directly, or by a row of a batch.
type Event struct {
	Entry muster.AuditEntry // of what was done directly
	Item  muster.Item       // of a batch; Batch is 0 when this is an Entry
	Batch store.BatchRow
	// Target is the name of the target whose account the item is about; "" for the row of an import, and when the target is there no more.
	Target string
}

// HistoryLimit is how many events History gives at most.
const HistoryLimit = 500

// History gives what happened to a person, newest first.
func (r *Roster) History(ctx context.Context, caller muster.Caller, id uuid.UUID) (events []Event, err error) {
	err = r.lookIn(ctx, caller, func(tx *store.Tx, reach access.Reach) error {
		p, err := seen(tx, reach, id)
		if err != nil {
			return err
		}
		entries, err := tx.AuditOfPerson(p.Seq, 0, HistoryLimit)
		if err != nil {
			return err
		}
		items, err := tx.ItemsOfPerson(p.Seq, 0, HistoryLimit)
		if err != nil {
			return err
		}
		if events, err = merged(tx, entries, items); err != nil {
			return err
		}
		if events, err = eventsWithin(tx, reach, p.Seq, events); err != nil {
			return err
		}
		return nameTargets(tx, events)
	})
	return events, err
}

// nameTargets says of which target the accounts are that events are about.
func nameTargets(tx *store.Tx, events []Event) error {
	var seqs []int64
	for i := range events {
		if account := events[i].Item.Account; account != 0 {
			seqs = append(seqs, account)
		}
	}
	accounts, err := tx.Accounts(seqs)
	if err != nil || len(accounts) == 0 {
		return err
	}
	targets, err := tx.Targets()
	names := make(map[int64]string, len(targets))
	for _, t := range targets {
		names[t.Seq] = t.Name
	}
	for i := range events {
		events[i].Target = names[accounts[events[i].Item.Account].Target]
	}
	return err
}

func merged(tx *store.Tx, entries []muster.AuditEntry, items []muster.Item) ([]Event, error) {
	batches := map[int64]store.BatchRow{}
	events := make([]Event, 0, len(entries)+len(items))
	for _, e := range entries {
		events = append(events, Event{Entry: e})
	}
	for _, i := range items {
		b, read := batches[i.Batch]
		if !read {
			var err error
			if b, err = tx.BatchBySeq(i.Batch); err != nil {
				return nil, err
			}
			batches[i.Batch] = b
		}
		events = append(events, Event{Item: i, Batch: b})
	}
	slices.SortStableFunc(events, func(a, b Event) int { return b.when().Compare(a.when()) })
	return events[:min(len(events), HistoryLimit)], nil
}

func (e Event) when() time.Time {
	if e.Batch.Seq != 0 {
		return e.Item.At
	}
	return e.Entry.At
}
