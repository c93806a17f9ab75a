package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/app"
	"github.com/musterid/muster/internal/config"
)

type serveCommand struct {
	config.Config `embed:""`
}

func (c *serveCommand) Run(s *session) error {
	ctx, stop := signal.NotifyContext(s.ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	server, err := s.startServer(ctx, app.Config{Config: c.Config, Stderr: s.errs})
	if err != nil {
		return err
	}
	fmt.Fprintln(s.out, "listening on "+server.app.URL()) // programs wait for this line: it is never translated
	if server.app.FirstStart() {
		s.notef("This is the first start. The admin API key is in %s; with --data the other commands find it there.", server.app.AdminKeyPath())
	}
	return server.wait()
}

// server is an App that runs.
type server struct {
	app  *app.App
	stop context.CancelFunc
	done chan error
}

// startServer opens an App and runs it until ctx ends. It returns when the App answers.
func (s *session) startServer(ctx context.Context, c app.Config) (*server, error) {
	opened, err := app.Open(ctx, c)
	if err != nil {
		return nil, s.startFault(c, err)
	}
	ctx, stop := context.WithCancel(ctx)
	running := &server{app: opened, stop: stop, done: make(chan error, 1)}
	go func() {
		err := opened.Run(ctx)
		running.done <- errors.Join(err, opened.Close())
	}()
	select {
	case <-opened.Ready():
		return running, nil
	case err := <-running.done:
		stop()
		if err == nil {
			err = context.Canceled // it was told to stop before it had begun
		}
		return nil, err
	}
}

// wait returns when the server has stopped.
func (r *server) wait() error {
	defer r.stop()
	return <-r.done
}

// halt stops the server and returns when it has stopped.
func (r *server) halt() error {
	r.stop()
	return <-r.done
}

// startFault gives the exit code for a server that does not start.
func (s *session) startFault(c app.Config, err error) error {
	var faults muster.Errors
	switch {
	case errors.Is(err, app.ErrInUse):
		return s.exitf(ExitUsage, "%s", err.Error())
	case errors.Is(err, syscall.EADDRINUSE):
		return s.exitf(ExitFailed, "Another program uses the address %s already. Choose another with --listen, such as --listen 127.0.0.1:0 for any free port.", c.Listen)
	case errors.As(err, &faults): // the settings
		for _, fault := range faults {
			fmt.Fprintf(s.errs, "muster: --%s\n", s.fault(fault))
		}
		return &exit{code: ExitUsage}
	}
	return err
}

// quiet is a log that keeps warnings and errors only: the demo's own lines tell the rest.
func (s *session) quiet() *slog.Logger {
	return slog.New(slog.NewTextHandler(s.errs, &slog.HandlerOptions{Level: slog.LevelWarn}))
}
