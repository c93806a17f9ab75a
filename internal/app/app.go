// Package app is the only wiring: it opens everything in order, runs it, and closes it in the other order. The binary uses it, and so do
// end-to-end tests, so what they test is what runs.
//
// There are no rules here. What settings there are is internal/config's; what is served at which path is in surfaces.go; how a first start goes is
// in start.go.
package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/musterid/muster/internal/access"
	"github.com/musterid/muster/internal/api/edconnekt"
	"github.com/musterid/muster/internal/api/jumpcloud"
	"github.com/musterid/muster/internal/batch"
	"github.com/musterid/muster/internal/config"
	"github.com/musterid/muster/internal/connector/all"
	"github.com/musterid/muster/internal/intake"
	"github.com/musterid/muster/internal/invite"
	"github.com/musterid/muster/internal/mail"
	"github.com/musterid/muster/internal/provision"
	"github.com/musterid/muster/internal/queue"
	"github.com/musterid/muster/internal/roster"
	"github.com/musterid/muster/internal/secret"
	"github.com/musterid/muster/internal/store"
)

// The files in the data folder.
const (
	DatabaseFile = "muster.db"
	KeyFile      = "sealing.key"
	AdminKeyFile = "admin.key" // the bare admin API key of the first start, and a newline
	lockFile     = "lock"
)

// Config is how to run: the settings, and what tests put in place of the world.
type Config struct {
	config.Config
	Log *slog.Logger     // default: made from the settings, to Stderr
	Now func() time.Time // default: time.Now
	// Stderr is where the log goes. Default: os.Stderr.
	Stderr io.Writer
}

// App is one process of the product, opened.
type App struct {
	config   Config
	log      *slog.Logger
	lock     *folderLock
	key      secret.Key
	store    *store.Store
	queue    *queue.Queue
	listener net.Listener
	first    bool
	pulse    *pulse
	ready    chan struct{}

	access    *access.Access
	hasher    *access.Hasher
	requests  atomic.Int64  // under way
	grace     time.Duration // for them when the process is told to stop
	roster    *roster.Roster
	batches   *batch.Engine
	intake    *intake.Intake
	provision *provision.Provision
	mail      *mail.Server // nil: none is set
	invite    *invite.Invite
}

// Open prepares everything up to listening on the address; nothing is answered and nobody works before Run. A data folder that another process
// uses is ErrInUse. The caller closes the App, also after Run.
func Open(ctx context.Context, c Config) (*App, error) {
	c.Config = c.WithDefaults()
	if err := c.Check(); err != nil {
		return nil, err
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Stderr == nil {
		c.Stderr = os.Stderr
	}
	a := &App{config: c, log: c.Log, ready: make(chan struct{}), grace: finishTimeout}
	if a.log == nil {
		a.log = newLog(c.Stderr, c.LogLevel, c.LogFormat)
	}
	a.pulse = &pulse{now: c.Now}
	for _, step := range []func(context.Context) error{a.openMail, a.openFolder, a.openDatabase, a.openCore, a.listen} {
		if err := step(ctx); err != nil {
			return nil, errors.Join(err, a.Close())
		}
	}
	return a, nil
}

// lanes are the lanes of work, with how many jobs of each run at once here.
func lanes(workers int) map[string]int {
	if workers < 0 {
		return nil
	}
	return map[string]int{batch.Lane: workers, provision.FollowLane: workers, provision.DeliverLane: workers, invite.Lane: workers}
}

// openCore makes the packages of floor 2, from left to right, and takes up what an earlier process left.
func (a *App) openCore(ctx context.Context) error {
	o := queue.Options{Engine: string(a.store.Engine()), DSN: a.store.DSN(), Workers: lanes(a.config.Workers), Log: a.log}
	if a.store.Engine() == store.SQLite {
		o.Writer = a.store.Handle()
	}
	var err error
	if a.queue, err = queue.Open(ctx, o); err != nil {
		return err
	}
	a.batches = batch.New(a.store, a.queue, a.key, a.log)
	a.batches.KeepInput(a.jobsShown())
	a.roster = roster.New(a.store, a.queue)
	a.provision = provision.New(provision.Options{
		Store: a.store, Queue: a.queue, Roster: a.roster, Key: a.key, Kinds: all.Kinds(), Log: a.log, CanMail: a.mail != nil,
	})
	a.intake = intake.New(a.store, a.batches, a.roster)
	a.intake.RegisterProfile(edconnekt.Profile()) // also where that surface is off: its imports go on
	a.intake.RegisterProfile(jumpcloud.Profile())
	a.invite = invite.New(invite.Options{
		Store: a.store, Queue: a.queue, Provision: a.provision, Key: a.key, Mail: a.mail, PublicURL: a.publicURL, Locale: a.config.Mail.Locale,
		PasswordMin: a.config.Mail.PasswordMin, Place: place, Log: a.log,
	})
	a.access.DemandPasswords(a.config.Mail.PasswordMin)
	hashing := access.HasherOptions{Store: a.store, Key: a.key, Log: a.log, Load: a.load}
	if a.config.Workers >= 0 {
		hashing.Queue = a.queue
	}
	a.hasher = access.NewHasher(hashing)
	a.queue.Every(time.Hour, "answers kept for repeats", func(ctx context.Context) error {
		_, err := a.access.Sweep(ctx)
		return err
	})
	a.queue.Every(pulseInterval, "sign of life", a.pulse.beat)
	return a.batches.Recover(ctx)
}

// load is what hashing gives way to. Batches and the accounts that follow them are worked on as fast as the processor and the database let them; other
// jobs, and requests such as a stream of progress, may as well wait for somebody outside.
func (a *App) load() access.Load {
	switch {
	case a.queue.Working(batch.Lane, provision.FollowLane):
		return access.Bulk
	case a.queue.Working() || a.requests.Load() > 0:
		return access.Busy
	}
	return access.Idle
}

func (a *App) listen(ctx context.Context) (err error) {
	if a.listener, err = (&net.ListenConfig{}).Listen(ctx, "tcp", a.config.Listen); err != nil {
		return fmt.Errorf("app: listen on %s: %w", a.config.Listen, err)
	}
	return nil
}

// URL is where the App answers, with the port that was taken.
func (a *App) URL() string { return "http://" + a.listener.Addr().String() }

// FirstStart says whether the database began with this Open. Then the admin key is in AdminKeyPath.
func (a *App) FirstStart() bool { return a.first }

// AdminKeyPath is the file that the first start wrote the admin key to.
func (a *App) AdminKeyPath() string { return filepath.Join(a.config.Data, AdminKeyFile) }

// Ready is closed once Run answers requests and workers work.
func (a *App) Ready() <-chan struct{} { return a.ready }

// Close gives everything back. It is called after Run has returned, or without any Run.
func (a *App) Close() error {
	var errs []error
	if a.listener != nil {
		if err := a.listener.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	if a.hasher != nil {
		a.hasher.Close()
	}
	if a.provision != nil {
		errs = append(errs, a.provision.Close())
	}
	if a.queue != nil {
		errs = append(errs, a.queue.Close())
	}
	if a.access != nil {
		a.access.Close()
	}
	if a.store != nil {
		errs = append(errs, a.store.Close())
	}
	if a.lock != nil {
		errs = append(errs, a.lock.release())
	}
	a.listener, a.hasher, a.provision, a.queue, a.access, a.store, a.lock = nil, nil, nil, nil, nil, nil, nil
	return errors.Join(errs...)
}
