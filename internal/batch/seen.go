package batch

import (
	"maps"
	"sync"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/store"
)

// A person has one row in a batch. Whose rows came before is kept in mind here for the batches at work: to look it up for each row took a tenth of the
// server's time for a list of people of whom nothing changes, and an entry in an index besides. What is not in mind, after a start or when another
// process had the batch, is read again from its items.

// sightings are whose rows came before, for some batches.
type sightings struct {
	mutex sync.Mutex
	of    map[int64]*sighting // by batch
}

// sighting is the people of the rows of a batch before an index, as bits: of those who came together 64 share a word.
type sighting struct {
	end   int
	words map[int64]uint64
}

// mostSightings is of how many batches at once it is kept in mind, and seenAtOnce of how many rows it is read again at a time.
const (
	mostSightings = 32
	seenAtOnce    = 50_000
)

func (s *sighting) add(person int64)      { s.words[person>>6] |= 1 << (person & 63) }
func (s *sighting) has(person int64) bool { return s.words[person>>6]&(1<<(person&63)) != 0 }

// take gives what is in mind of the rows of a batch before an index; nil is nothing.
func (s *sightings) take(batch int64, end int) *sighting {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if seen := s.of[batch]; seen != nil && seen.end == end {
		return seen
	}
	return nil
}

func (s *sightings) put(batch int64, seen *sighting) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.keep(batch, seen)
}

func (s *sightings) keep(batch int64, seen *sighting) {
	for old := range s.of {
		if len(s.of) < mostSightings {
			break
		}
		delete(s.of, old)
	}
	if s.of == nil {
		s.of = map[int64]*sighting{}
	}
	s.of[batch] = seen
}

// grow adds the people of the rows from an index to before another one, if those before them are in mind. Else whoever asks reads them again.
func (s *sightings) grow(batch int64, first, end int, people []int64) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	seen := s.of[batch]
	if first == 0 {
		seen = &sighting{words: make(map[int64]uint64, len(people)/32)}
		s.keep(batch, seen)
	}
	if seen == nil || seen.end != first {
		return
	}
	for _, person := range people {
		seen.add(person)
	}
	seen.end = end
}

func (s *sightings) forget(batch int64) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	delete(s.of, batch)
}

// rowsOf gives the rows of those among some people who have one in a batch already: before the index first, or planned. The caller has the batch locked.
func (e *Engine) rowsOf(tx *store.Tx, b *store.BatchRow, first int, people []int64) (map[int64]int, error) {
	rows := map[int64]int{}
	if len(people) == 0 {
		return rows, nil
	}
	if planned(b) && b.State != muster.Planning {
		var err error
		if rows, err = tx.PlannedRowsOf(b.Seq, people); err != nil {
			return nil, err
		}
	}
	seen, err := e.seenBefore(tx, b.Seq, first)
	if err != nil {
		return nil, err
	}
	var again []int64
	for _, person := range people {
		if seen.has(person) {
			again = append(again, person)
		}
	}
	before, err := tx.RowsOf(b.Seq, first, again)
	maps.Copy(rows, before)
	return rows, err
}

// seenBefore gives the people of the rows of a batch before an index.
func (e *Engine) seenBefore(tx *store.Tx, batch int64, first int) (*sighting, error) {
	if seen := e.seen.take(batch, first); seen != nil {
		return seen, nil
	}
	seen := &sighting{end: first, words: map[int64]uint64{}}
	for from := 0; from < first; from += seenAtOnce {
		before, err := tx.PeopleIn(batch, false, from, min(from+seenAtOnce, first))
		if err != nil {
			return nil, err
		}
		for _, person := range before {
			seen.add(person)
		}
	}
	e.seen.put(batch, seen)
	return seen, nil
}

// keepInMind adds the people of a chunk's items, once these are durable.
func (e *Engine) keepInMind(tx *store.Tx, b *store.BatchRow, first int, items []muster.Item) {
	batch, end, ended := b.Seq, b.NextIndex, b.NextIndex >= b.Total
	people := make([]int64, 0, len(items))
	for i := range items {
		if items[i].Person > 0 {
			people = append(people, items[i].Person)
		}
	}
	tx.AfterCommit(func() {
		e.seen.grow(batch, first, end, people)
		if ended {
			e.seen.forget(batch)
		}
	})
}
