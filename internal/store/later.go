package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// On PostgreSQL every statement is a journey to the server and back, which costs more than most of a Single's statements do. What is here saves
// journeys: statements whose result nobody waits for travel together, and numbers are fetched for several transactions. What is saved when several
// requests share a transaction (Together) comes on top.

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
	return tx.deliver(func(p *parcel) error { return p.send(tx.ctx, nil) })
}

// finish carries out what waits. In a Single it commits in the same journey, and says so.
func (tx *Tx) finish() (committed bool, err error) {
	if len(tx.waiting) == 0 || !tx.single {
		return false, tx.flush()
	}
	sent := false
	err = tx.deliver(func(p *parcel) error {
		if err := tx.ctx.Err(); err != nil {
			return err // while the connection is ours nobody has rolled back, unless the context had ended
		}
		// A caller who leaves now would only make it unknown whether it was done.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(tx.ctx), commitTimeout)
		defer cancel()
		sent = true
		p.batch.Queue("commit")
		return p.send(ctx, func(results pgx.BatchResults) error {
			tag, err := results.Exec()
			if err == nil && tag.String() != "COMMIT" {
				err = pgx.ErrTxCommitRollback
			}
			return err
		})
	})
	if err != nil && sent {
		err = uncertain(err)
	}
	return err == nil, err
}

const commitTimeout = 30 * time.Second

// ask carries out what waits and a query, in one journey.
func (tx *Tx) ask(query string, args []any, f func(scan func(...any) error) error) error {
	return tx.deliver(func(p *parcel) error {
		p.batch.Queue(query, args...)
		return p.send(tx.ctx, func(results pgx.BatchResults) error {
			rows, err := results.Query()
			if err != nil {
				return err
			}
			defer rows.Close()
			for rows.Next() {
				if err := f(rows.Scan); err != nil {
					return err
				}
			}
			return rows.Err()
		})
	})
}

// deliver has a parcel with what waits sent. A unique key that is held is ErrClash.
func (tx *Tx) deliver(send func(p *parcel) error) error {
	err := tx.conn.Raw(func(c any) error { return send(tx.parcelFor(c)) })
	if err != nil && clash(err) {
		err = errors.Join(ErrClash, err)
	}
	if err != nil {
		return fmt.Errorf("store: statements that travel together: %w", err)
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
	numbersAtOnce = 32
	numbersMost   = 64 // that one transaction takes so
	// numbersLast is how long numbers wait for somebody: they say who came after whom, so they must not be much older than who gets them.
	numbersLast = 100 * time.Millisecond
)

// take gives count numbers for rows of a table, which fetch gets some of. They are in order.
func (n *numbers) take(table string, count int, fetch func(count int) ([]int64, error)) (seqs []int64, err error) {
	n.Lock()
	defer n.Unlock()
	some := n.of[table]
	if some == nil {
		some = &someNumbers{}
		n.of[table] = some
	}
	if len(some.left) < count || time.Now().After(some.until) {
		if some.left, err = fetch(max(numbersAtOnce, 2*count)); err != nil {
			some.left = nil
			return nil, err
		}
		some.until = time.Now().Add(numbersLast)
	}
	seqs, some.left = some.left[:count:count], some.left[count:]
	return seqs, nil
}
