package queue

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
)

// openPostgres opens a small pool of its own: every lane fetches alone, and finishing jobs, leadership and upkeep need a connection now and
// then. The listener's connection is not counted in the pool.
func openPostgres(ctx context.Context, dsn string, lanes int) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, err
	}
	config.MaxConns = int32(lanes + 3)
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	var jobs int
	if err := pool.QueryRow(ctx, `SELECT count(*) FROM (SELECT 1 FROM river_job LIMIT 1) AS jobs`).Scan(&jobs); err != nil {
		pool.Close()
		return nil, fmt.Errorf("look for River's tables: %w", err)
	}
	return pool, nil
}

// postgresDriver is River's driver with the waker put around its listener.
type postgresDriver struct {
	*riverpgxv5.Driver
	waker *waker
}

func (d *postgresDriver) GetListener(params *riverdriver.GetListenenerParams) riverdriver.Listener {
	d.waker.Listener = d.Driver.GetListener(params)
	return d.waker
}
