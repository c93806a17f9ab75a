package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/musterid/muster"
)

const (
	headerTimeout = 10 * time.Second // for the head of a request
	idleTimeout   = 2 * time.Minute
	maxHeader     = 64 << 10
	finishTimeout = 10 * time.Second // for requests under way when the process is told to stop
	letGoTimeout  = 2 * time.Second  // for those that were cut off then to put down what they had in hand

	pulseInterval = 5 * time.Second
	pulseTimeout  = 30 * time.Second
)

// pulse is a sign of life of the queue: it calls beat at its start and ever again.
type pulse struct {
	now  func() time.Time
	last atomic.Int64
}

func (p *pulse) beat(context.Context) error {
	p.last.Store(p.now().UnixNano())
	return nil
}

func (p *pulse) alive() bool {
	last := p.last.Load()
	return last != 0 && p.now().Sub(time.Unix(0, last)) < pulseTimeout
}

// Run serves and works until ctx ends or something breaks that the process cannot go on without. Then no new request is taken, those under way
// get ten seconds, live streams end at once, and workers put down what they have in hand. It returns nil after an orderly end.
func (a *App) Run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	work := make(chan error, 1)
	go func() { work <- a.queue.Run(ctx) }()

	server := a.server(ctx)
	serve := make(chan error, 1)
	go func() { serve <- server.Serve(a.listener) }()
	go a.announce(ctx)

	var broken error
	worked := false
	select {
	case <-ctx.Done():
	case broken = <-serve:
		broken = fmt.Errorf("app: serve: %w", broken)
	case broken = <-work:
		worked = true
		if broken == nil && ctx.Err() == nil {
			broken = errors.New("app: the workers stopped")
		}
	}
	stop()
	err := errors.Join(broken, a.shutDown(server))
	if !worked {
		err = errors.Join(err, <-work)
	}
	return err
}

// server serves the surfaces. Streams that would go on for ever end with closing.
func (a *App) server(closing context.Context) *http.Server {
	return &http.Server{
		Handler: a.counted(a.surfaces(closing)), ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
		ErrorLog:    slog.NewLogLogger(a.log.Handler(), slog.LevelDebug), // what clients do to connections
		BaseContext: func(net.Listener) context.Context { return context.Background() },
	}
}

// counted counts the requests under way.
func (a *App) counted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.requests.Add(1)
		defer a.requests.Add(-1)
		next.ServeHTTP(w, r)
	})
}

func (a *App) shutDown(server *http.Server) error {
	grace, done := context.WithTimeout(context.Background(), a.grace)
	defer done()
	if err := server.Shutdown(grace); err != nil {
		err = errors.Join(fmt.Errorf("app: requests were cut off after %s: %w", a.grace, err), server.Close())
		a.letGo()
		return err
	}
	return nil
}

// letGo waits until nobody is at work on a request any more, such as one that gives back its idempotency key: whoever was cut off sends it again.
func (a *App) letGo() {
	end, look := time.After(letGoTimeout), time.NewTicker(time.Millisecond)
	defer look.Stop()
	for a.requests.Load() > 0 {
		select {
		case <-end:
			return
		case <-look.C:
		}
	}
}

// announce closes Ready once the queue has shown its first sign of life.
func (a *App) announce(ctx context.Context) {
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	for !a.pulse.alive() {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
	}
	close(a.ready)
}

// readiness says with nil that requests can be answered: the database answers, its schema is this program's, and workers are alive. A target that
// is down does not matter.
func (a *App) readiness(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if err := a.store.Ping(ctx); err != nil {
		return muster.Errorf(muster.Unavailable, "database", "The database does not answer.").Because(err)
	}
	has, newest, err := a.store.SchemaVersion(ctx)
	switch {
	case err != nil:
		return muster.Errorf(muster.Unavailable, "database", "The version of the database cannot be read.").Because(err)
	case has != newest:
		return muster.Errorf(muster.Unavailable, "database", "The database has version %d, this program needs %d.", has, newest)
	case !a.pulse.alive():
		return muster.Errorf(muster.Unavailable, "workers", "The workers are not running.")
	}
	return nil
}
