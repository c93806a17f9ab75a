package main

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/musterid/muster/e2e/people"
)

// Single creates: eight clients of the native API, each of whom enrols one person after the other, with username, counter and audit entry, against
// eight connections that insert one row after the other into the raw table. Then the same clients while a bulk job runs.

func measureSingles(ctx context.Context, b *bench) error {
	t := b.table("database", "people there", "clients", "creates", "raw inserts/s", "Muster creates/s", "ratio", "of rounds", "p50 ms", "p99 ms", "beside a bulk job: creates", "p50 ms", "p99 ms", "bulk rows/s")
	for _, e := range b.kinds() {
		if err := e.singles(ctx, t); err != nil {
			return fmt.Errorf("%s: %w", e.name, err)
		}
	}
	t.print()
	return nil
}

func (e *engine) singles(ctx context.Context, t *table) error {
	there := 0
	if e.name == "SQLite" {
		there = e.b.present
	}
	s, err := e.serve(ctx, there)
	if err != nil {
		return err
	}
	defer s.end()
	limit, err := e.openSingleRaw(ctx, there)
	if err != nil {
		return err
	}
	defer limit.close()
	clients := s.wires(e.b.clients)
	defer closeAll(clients)
	maker := people.New(e.b.seed, "one")
	var rates, raws, ratios []float64
	var all []time.Duration
	for round := range e.b.rounds + 1 {
		raw, err := limit.insert(ctx, e.b.clients, e.b.creates)
		if err != nil {
			return fmt.Errorf("raw: %w", err)
		}
		raws = append(raws, raw)
		if round > 0 {
			ratios = append(ratios, rates[round-1]/((raws[round-1]+raw)/2))
		}
		if round == e.b.rounds {
			break
		}
		took, spent, err := enrolEach(ctx, clients, bodies(maker, e.b.creates), nil)
		if err != nil {
			return err
		}
		rates, all = append(rates, float64(len(took))/spent.Seconds()), append(all, took...)
	}
	beside, bulk, err := e.besideBulk(ctx, s, clients, maker)
	if err != nil {
		return err
	}
	t.row(e.name, there, e.b.clients, e.b.creates, median(raws), median(rates), share(median(ratios)), shares(ratios), millis(all, 50), millis(all, 99),
		len(beside), millis(beside, 50), millis(beside, 99), bulk)
	return nil
}

// besideBulk has the clients enrol people for as long as a bulk job runs.
func (e *engine) besideBulk(ctx context.Context, s *served, clients []*wire, maker *people.Maker) (took []time.Duration, perSecond float64, err error) {
	done, failed := make(chan struct{}), make(chan error, 1)
	ready := bodies(maker, 20*e.b.creates)
	start := time.Now()
	go func() {
		defer close(done)
		_, err := s.bring(ctx, people.New(e.b.seed, "bulk"), e.b.rows)
		perSecond = float64(e.b.rows) / time.Since(start).Seconds()
		failed <- err
	}()
	took, _, err = enrolEach(ctx, clients, ready, done)
	<-done
	return took, perSecond, firstOf(<-failed, err)
}

// enrolEach has the clients enrol everybody, or those who come before it is over.
func enrolEach(ctx context.Context, clients []*wire, bodies []string, over <-chan struct{}) (each []time.Duration, all time.Duration, err error) {
	return crowd(ctx, len(clients), func(client, i int) (time.Duration, bool, error) {
		select {
		case <-over:
			return 0, false, nil
		default:
		}
		if i >= len(bodies) {
			return 0, false, nil
		}
		_, took, err := clients[client].ask(http.MethodPost, "/v1/people", bodies[i])
		return took, true, err
	})
}

func bodies(m *people.Maker, n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = body(m.Next())
	}
	return list
}

func (p *process) wires(n int) []*wire {
	list := make([]*wire, n)
	for i := range list {
		list[i] = p.wire()
	}
	return list
}

func closeAll(list []*wire) {
	for _, w := range list {
		w.close()
	}
}

// singleRaw is the raw table on which one row after the other is inserted, each in a commit of its own.
type singleRaw struct {
	insertOne func(ctx context.Context, connection int, row []any) error
	close     func()
	seed      uint64
	numbers   map[string]int
	rounds    int
}

const rawInsert = "INSERT INTO users VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"

func (e *engine) openSingleRaw(ctx context.Context, there int) (*singleRaw, error) {
	r := &singleRaw{seed: e.b.seed, numbers: map[string]int{}}
	if e.name != "SQLite" {
		return r, e.openSinglePostgres(ctx, r)
	}
	return r, e.openSingleSQLite(ctx, r, rawRows(e.b.seed, "old", there, r.numbers))
}

func (e *engine) openSingleSQLite(ctx context.Context, r *singleRaw, there [][]any) error {
	dir, err := os.MkdirTemp(e.b.dir, "raw-")
	if err != nil {
		return err
	}
	var open []*sql.DB
	r.close = func() {
		for _, db := range open {
			_ = db.Close()
		}
		_ = os.RemoveAll(dir)
	}
	list := make([]*sql.Stmt, e.b.clients)
	for i := range list {
		db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "raw.db")+rawPragmas)
		if err != nil {
			return err
		}
		db.SetMaxOpenConns(1)
		open = append(open, db)
		if i == 0 {
			if err := execAll(ctx, db, fmt.Sprintf(rawTable, "BLOB")); err != nil {
				return err
			}
			if err := insertRaw(ctx, db, there); err != nil {
				return err
			}
		}
		if list[i], err = db.PrepareContext(ctx, rawInsert); err != nil {
			return err
		}
	}
	r.insertOne = func(ctx context.Context, connection int, row []any) error {
		_, err := list[connection].ExecContext(ctx, row...)
		return err
	}
	return nil
}

func (e *engine) openSinglePostgres(ctx context.Context, r *singleRaw) error {
	address, err := e.b.postgres.create(ctx, "template1")
	if err != nil {
		return err
	}
	list := make([]*pgx.Conn, 0, e.b.clients)
	r.close = func() {
		for _, c := range list {
			_ = c.Close(context.Background())
		}
		e.b.postgres.drop(address)
	}
	for range e.b.clients {
		c, err := pgx.Connect(ctx, address)
		if err != nil {
			r.close()
			return err
		}
		list = append(list, c)
	}
	if _, err := list[0].Exec(ctx, fmt.Sprintf(rawTable, "UUID")); err != nil {
		r.close()
		return err
	}
	r.insertOne = func(ctx context.Context, connection int, row []any) error {
		_, err := list[connection].Exec(ctx, rawInsert, row...)
		return err
	}
	return nil
}

// insert inserts n more rows on so many connections and gives the rate.
func (r *singleRaw) insert(ctx context.Context, connections, n int) (perSecond float64, err error) {
	rows := rawRows(r.seed, fmt.Sprintf("raw%d.", r.rounds), n, r.numbers)
	r.rounds++
	took, spent, err := crowd(ctx, connections, func(connection, i int) (time.Duration, bool, error) {
		if i >= n {
			return 0, false, nil
		}
		return 0, true, r.insertOne(ctx, connection, rows[i])
	})
	return float64(len(took)) / spent.Seconds(), err
}
