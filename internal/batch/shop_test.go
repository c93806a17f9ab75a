package batch_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/batch"
	"github.com/musterid/muster/internal/queue"
	"github.com/musterid/muster/internal/secret"
	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

// shop is an engine at work whose rows mean nothing: the worker does what a row's text says, and every row carried out leaves a mark in the
// transaction, so that what was done twice or not at all can be counted.
type shop struct {
	t      *testing.T
	store  *store.Store
	engine *batch.Engine
	worker *worker
	caller muster.Caller
}

// worker knows four kinds of rows: create, same, disable, fail. says overrules what stands in a row.
type worker struct {
	mu     sync.Mutex
	marks  atomic.Int64
	says   map[int]string // by row number
	broken error          // Carry gives it once, or for ever when it is a muster.Error
	gate   chan struct{}  // Decode waits for it with rows that reach gateAt
	gateAt int
	at     chan int // the number of the first row that waits at the gate
}

func open(t *testing.T, st *store.Store) *shop {
	t.Helper()
	if _, err := st.Handle().ExecContext(t.Context(), "CREATE TABLE IF NOT EXISTS mark (batch BIGINT, idx BIGINT, at BIGINT)"); err != nil {
		t.Fatal(err)
	}
	s := &shop{t: t, store: st, worker: &worker{says: map[int]string{}}}
	s.caller = muster.Caller{Tenant: storetest.Tenant, Name: "key:test", Surface: "native", Grants: muster.AdminScope.Grants()}
	s.engine = s.node(st, s.worker)
	return s
}

// node is one process: an engine with a queue of its own, at work until the test ends.
func (s *shop) node(st *store.Store, w *worker) *batch.Engine {
	s.t.Helper()
	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
	o := queue.Options{Engine: string(st.Engine()), DSN: st.DSN(), Log: quiet, Workers: map[string]int{batch.Lane: 4}} // more than a closed gate holds up
	if st.Engine() == store.SQLite {
		o.Writer = st.Handle()
	}
	q, err := queue.Open(s.t.Context(), o)
	if err != nil {
		s.t.Fatal(err)
	}
	engine := batch.New(st, q, secret.NewKey(), quiet)
	engine.Register(w)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- q.Run(ctx) }()
	s.t.Cleanup(func() {
		stop()
		if err := errors.Join(<-ended, q.Close()); err != nil {
			s.t.Errorf("stop: %v", err)
		}
	})
	return engine
}

func (w *worker) Decode(ctx context.Context, _ *store.BatchRow, rows []batch.Row) (any, error) {
	w.mu.Lock()
	gate, at := w.gate, w.at
	if rows[len(rows)-1].Number < w.gateAt {
		gate = nil
	}
	w.mu.Unlock()
	if gate != nil {
		select {
		case at <- rows[0].Number:
		default:
		}
		select {
		case <-gate:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	for _, row := range rows {
		if row.Cells[0] == "unreadable" {
			panic("a row of the test")
		}
	}
	return rows, nil
}

func (w *worker) Carry(tx *store.Tx, b *store.BatchRow, decoded any, c batch.Chunk) ([]muster.Item, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.broken; err != nil {
		if muster.CodeOf(err) == muster.Internal {
			w.broken = nil
		}
		return nil, err
	}
	rows := decoded.([]batch.Row)
	items := make([]muster.Item, len(rows))
	for i, row := range rows {
		item := muster.Item{Batch: b.Seq, Index: c.First + i, Row: row.Number, State: muster.DoneItem}
		if c.Dry {
			item.State = muster.PlannedItem
		}
		word := row.Cells[0]
		if said, ok := w.says[row.Number]; ok {
			word = said
		}
		switch word {
		case "create":
			item.Change = muster.Diff(nil, muster.Record{"username": fmt.Sprint("p", row.Number)})
		case "disable":
			item.Change = muster.Diff(muster.Record{"state": "active"}, muster.Record{"state": "suspended"})
		case "fail":
			item.State, item.Reasons = muster.FailedItem, muster.Errors{muster.Errorf(muster.Invalid, "", "The row says so.")}
		}
		if !c.Skip[c.First+i] {
			if err := trip(tx, word); err != nil {
				return nil, err
			}
		}
		items[i] = item
		if c.Dry || c.Skip[c.First+i] || item.State == muster.FailedItem {
			continue
		}
		if _, err := tx.SQL().ExecContext(tx.Context(), "INSERT INTO mark (batch, idx, at) VALUES ($1, $2, $3)", b.Seq, c.First+i, w.marks.Add(1)); err != nil {
			return nil, err
		}
	}
	return items, nil
}

// trip is what a row does that the database refuses, or that our own code cannot take.
func trip(tx *store.Tx, word string) error {
	switch word {
	case "refused":
		_, err := tx.SQL().ExecContext(tx.Context(), "INSERT INTO tenant (seq) VALUES (77)")
		return err
	case "panic":
		panic("a row of the test")
	}
	return nil
}

func (w *worker) Written(*store.Tx, *store.BatchRow) error { return nil }

// close shuts the gate for chunks with rows from a number on. at waits for one of them and gives its first row: how many rows a chunk has depends on
// who else is writing.
func (s *shop) close(from int) (at func() int, open func()) {
	w := s.worker
	w.mu.Lock()
	defer w.mu.Unlock()
	gate, reached := make(chan struct{}), make(chan int, 1)
	w.gate, w.gateAt, w.at = gate, from, reached
	at = func() int {
		s.t.Helper()
		return storetest.Await(s.t, reached, fmt.Sprintf("a chunk with rows from %d on", from))
	}
	return at, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.gate = nil
		close(gate)
	}
}

func (w *worker) say(row int, word string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.says[row] = word
}

func (w *worker) fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.broken = err
}

// send submits rows that each say a word.
func (s *shop) send(then batch.Then, words ...string) store.BatchRow {
	s.t.Helper()
	r, err := s.engine.Receive(s.t.Context(), s.caller, batch.Submission{Surface: "native", Name: "test", Options: json.RawMessage(`{}`)})
	if err != nil {
		s.t.Fatal(err)
	}
	for i, word := range words {
		if err := r.Add(s.t.Context(), batch.Row{Number: i + 1, Cells: []string{word}}); err != nil {
			s.t.Fatal(err)
		}
	}
	b, err := r.Finish(s.t.Context(), then, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return b
}

// wait follows a batch until it is final or in one of the states, and holds what it shows on the way to what must always be so.
func (s *shop) wait(b store.BatchRow, states ...muster.BatchState) store.BatchRow {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), storetest.Patience)
	defer cancel()
	seen := errors.New("seen")
	var last store.BatchRow
	err := s.engine.Watch(ctx, s.caller, b.ID, 2*time.Millisecond, func(now store.BatchRow) error {
		c := now.Counts
		switch {
		case now.NextIndex < 0 || now.NextIndex > now.Total:
			return fmt.Errorf("next row %d of %d", now.NextIndex, now.Total)
		case now.State == last.State && now.NextIndex < last.NextIndex:
			return fmt.Errorf("%s went back from row %d to %d", now.State, last.NextIndex, now.NextIndex)
		case c.Done != c.Created+c.Updated+c.Unchanged || c.Pending(now.Total) < 0:
			return fmt.Errorf("counts %+v of %d", c, now.Total)
		case c.Done < last.Counts.Done || c.Failed < last.Counts.Failed:
			return fmt.Errorf("counts went back from %+v to %+v", last.Counts, c)
		}
		last = now
		if slices.Contains(states, now.State) {
			return seen
		}
		return nil
	})
	if err != nil && !errors.Is(err, seen) {
		s.t.Fatalf("wait for batch in state %s %+v: %v", last.State, last.Counts, err)
	}
	if len(states) > 0 && !slices.Contains(states, last.State) {
		s.t.Fatalf("the batch is %s (%s), want %v", last.State, last.Message, states)
	}
	return last
}

// tally counts what items say, page by page, for every filter, and holds the batch's counts and the marks to it.
func (s *shop) tally(b store.BatchRow) map[muster.ItemState]int {
	s.t.Helper()
	all := s.page(b, "", 7)
	got := map[muster.ItemState]int{}
	for i, item := range all {
		if item.Index != i {
			s.t.Fatalf("item %d stands at %d", item.Index, i)
		}
		got[item.State]++
		if (item.State == muster.FailedItem || item.State == muster.SkippedItem) && len(item.Reasons) == 0 {
			s.t.Errorf("row %d is %s and nobody says why", i, item.State)
		}
	}
	if c := b.Counts; len(all) != b.Total || got[muster.DoneItem] != c.Done || got[muster.FailedItem] != c.Failed || got[muster.SkippedItem] != c.Skipped {
		s.t.Errorf("%s: counts %+v of %d, items %v", b.State, c, b.Total, got)
	}
	for _, state := range []muster.ItemState{muster.PendingItem, muster.PlannedItem, muster.DoneItem, muster.FailedItem, muster.SkippedItem} {
		var want []int
		for _, item := range all {
			if item.State == state {
				want = append(want, item.Index)
			}
		}
		var indexes []int
		for _, item := range s.page(b, state, 3) {
			indexes = append(indexes, item.Index)
		}
		if !slices.Equal(indexes, want) {
			s.t.Errorf("%s: the pages of %s items are %v, want %v", b.State, state, indexes, want)
		}
	}
	for index, n := range s.marks(b) {
		if n != 1 || all[index].State != muster.DoneItem {
			s.t.Errorf("row %d was carried out %d times and is %s", index, n, all[index].State)
		}
	}
	if n := len(s.marks(b)); n != got[muster.DoneItem] {
		s.t.Errorf("%d rows were carried out and %d are done", n, got[muster.DoneItem])
	}
	return got
}

func (s *shop) page(b store.BatchRow, state muster.ItemState, limit int) []muster.Item {
	s.t.Helper()
	if b.Total > 500 {
		limit *= 300
	}
	var all []muster.Item
	for from := 0; ; {
		page, err := s.engine.Items(s.t.Context(), s.caller, b, state, from, limit)
		if err != nil {
			s.t.Fatal(err)
		}
		all = append(all, page...)
		if len(page) < limit {
			return all
		}
		from = page[len(page)-1].Index + 1
	}
}

// marks gives how often each row was carried out.
func (s *shop) marks(b store.BatchRow) map[int]int {
	s.t.Helper()
	rows, err := s.store.Handle().QueryContext(s.t.Context(), "SELECT idx, count(*) FROM mark WHERE batch = $1 GROUP BY idx", b.Seq)
	if err != nil {
		s.t.Fatal(err)
	}
	defer rows.Close()
	marks := map[int]int{}
	for rows.Next() {
		var index, n int
		if err := rows.Scan(&index, &n); err != nil {
			s.t.Fatal(err)
		}
		marks[index] = n
	}
	return marks
}

func (s *shop) exec(query string, args ...any) {
	s.t.Helper()
	if _, err := s.store.Handle().ExecContext(s.t.Context(), query, args...); err != nil {
		s.t.Fatal(err)
	}
}

func (s *shop) count(query string, args ...any) (n int) {
	s.t.Helper()
	if err := s.store.Handle().QueryRowContext(s.t.Context(), query, args...).Scan(&n); err != nil {
		s.t.Fatal(err)
	}
	return n
}

func words(n int, word string) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = word
	}
	return list
}
