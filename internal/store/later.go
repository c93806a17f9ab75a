package store

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// On PostgreSQL every statement is a journey to the server and back, which costs more than most of a Single's statements do. What is here saves
// journeys: statements whose result nobody waits for travel together, and numbers are fetched for several transactions.

// laterOne is a statement that waits for others to travel with.
type laterOne struct {
	query string
	args  []any
}

// later carries a statement out before anything is read and before the commit, which is where its error comes up: a unique key that is held is
// ErrClash there. Everywhere but in a Single, and under a savepoint, that is at once.
func (tx *Tx) later(query string, args ...any) error {
	if !tx.single || tx.tries > 0 {
		return tx.exec(query, args...)
	}
	tx.waiting = append(tx.waiting, laterOne{query, args})
	return nil
}

// flush carries out what waits, in its order.
func (tx *Tx) flush() error {
	if len(tx.waiting) == 0 {
		return nil
	}
	var batch pgx.Batch
	for _, w := range tx.waiting {
		batch.Queue(w.query, w.args...)
	}
	first := tx.waiting[0].query
	tx.waiting = nil
	err := tx.conn.Raw(func(c any) error { return c.(*stdlib.Conn).Conn().SendBatch(tx.ctx, &batch).Close() })
	if err != nil && clash(err) {
		err = errors.Join(ErrClash, err)
	}
	if err != nil {
		return fmt.Errorf("store: %s and what follows: %w", head(first), err)
	}
	return nil
}

// numbers are numbers of rows that were taken for single writes and not used yet.
type numbers struct {
	sync.Mutex
	of map[string]*someNumbers
}

type someNumbers struct {
	left  []int64
	until time.Time
}

const (
	numbersAtOnce = 16
	// numbersLast is how long numbers wait for somebody: they say who came after whom, so they must not be much older than who gets them.
	numbersLast = 100 * time.Millisecond
)

// one gives a number for a row of a table, which fetch gets some of.
func (n *numbers) one(table string, fetch func(count int) ([]int64, error)) (seq int64, err error) {
	n.Lock()
	defer n.Unlock()
	some := n.of[table]
	if some == nil {
		some = &someNumbers{}
		n.of[table] = some
	}
	if len(some.left) == 0 || time.Now().After(some.until) {
		if some.left, err = fetch(numbersAtOnce); err != nil {
			some.left = nil
			return 0, err
		}
		some.until = time.Now().Add(numbersLast)
	}
	seq, some.left = some.left[0], some.left[1:]
	return seq, nil
}
