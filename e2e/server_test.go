package e2e

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

const (
	startWithin = 2 * time.Minute // a machine that is busy with other tests takes its time
	stopWithin  = 15 * time.Second * slower
	waitWithin  = 2 * time.Minute // what has no time of its own
)

// options say how a server is started. The zero value is one of its own on SQLite.
type options struct {
	engine store.Engine // default: SQLite
	node   *server      // share this one's PostgreSQL database and sealing key
	args   []string
}

// server is one process of the product on a data folder of its own. It may be killed, stopped and started again any number of times.
type server struct {
	t        *testing.T
	dir      string // data folder
	temp     string // for what uploads leave on disk
	database string // URL; "" is SQLite
	args     []string
	key      string // of the admin
	url      string // changes with every start
	http     *http.Client

	logPath string
	command *exec.Cmd // nil when it does not run
	ended   chan error
	starts  int
}

// start starts a server, which is stopped when the test ends, unless it is gone by then. What it logs is shown when the test has failed.
func start(t *testing.T, o options) *server {
	t.Helper()
	s := &server{t: t, dir: t.TempDir(), temp: t.TempDir(), logPath: filepath.Join(t.TempDir(), "log"), args: o.args}
	s.http = &http.Client{Timeout: 2 * time.Minute * slower, Transport: &http.Transport{MaxIdleConnsPerHost: 8}}
	switch {
	case o.node != nil:
		s.database, s.key = o.node.database, o.node.key
		s.args = append(s.args, "--sealing-key-file", filepath.Join(o.node.dir, "sealing.key"))
	case o.engine == store.Postgres:
		s.database = storetest.Blank(t, store.Postgres).URL
	}
	t.Cleanup(s.close)
	s.run()
	if s.key == "" {
		key, err := os.ReadFile(filepath.Join(s.dir, "admin.key"))
		if err != nil {
			t.Fatalf("the first start left no admin key: %v", err)
		}
		s.key = strings.TrimSpace(string(key))
	}
	return s
}

// each runs a test on a server on each engine, as the subtests "sqlite" and "postgres".
func each(t *testing.T, f func(t *testing.T, s *server)) {
	t.Helper()
	for _, engine := range storetest.Engines {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			f(t, start(t, options{engine: engine}))
		})
	}
}

// run starts the process and returns when it is ready.
func (s *server) run() {
	s.t.Helper()
	args := append([]string{"serve", "--data", s.dir, "--listen", "127.0.0.1:0"}, s.args...)
	if s.database != "" {
		args = append(args, "--database", s.database)
	}
	log, err := os.OpenFile(s.logPath, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		s.t.Fatal(err)
	}
	defer log.Close()
	command := exec.Command(program, args...)
	command.Stderr, command.SysProcAttr, command.Env = log, dieWithParent(), s.environment()
	out, err := command.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		s.t.Fatalf("start %s: %v", program, err)
	}
	s.starts++
	line, ended := make(chan string, 1), make(chan error, 1)
	go func() {
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if address, ok := strings.CutPrefix(lines.Text(), "listening on "); ok {
				line <- address
			}
		}
		ended <- command.Wait() // after everything was read
	}()
	s.command, s.ended = command, ended
	select {
	case s.url = <-line:
	case err := <-ended:
		s.command = nil
		s.t.Fatalf("the server ended at its start: %v", err)
	case <-time.After(startWithin):
		s.t.Fatalf("the server does not say that it listens within %s", startWithin)
	}
	if status, answer, err := s.ask(s.t.Context(), http.MethodGet, "/readyz", "", nil); err != nil || status != http.StatusOK {
		s.t.Fatalf("readyz after the line: %d %s %v", status, answer, err)
	}
}

// environment is that of the test without settings of the product, which would change what is tested.
func (s *server) environment() []string {
	var env []string
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "MUSTER_") && !strings.HasPrefix(e, "TMPDIR=") {
			env = append(env, e)
		}
	}
	return append(env, "TMPDIR="+s.temp)
}

// kill ends the process the way a power cut does.
func (s *server) kill() {
	s.t.Helper()
	if s.command == nil {
		s.t.Fatal("the server is not running")
	}
	if err := s.command.Process.Signal(syscall.SIGKILL); err != nil {
		s.t.Fatalf("kill: %v", err)
	}
	storetest.Await(s.t, s.ended, "the end of the killed process")
	s.command = nil
	s.http.CloseIdleConnections()
}

// again starts a server that was killed or stopped, on the same data folder and database.
func (s *server) again() {
	s.t.Helper()
	s.run()
}

// stop asks the process to end, as a service manager does. It must do so in time and say that all is well.
func (s *server) stop() {
	s.t.Helper()
	if s.command == nil {
		s.t.Fatal("the server is not running")
	}
	if err := s.end(); err != nil {
		s.t.Errorf("stop: %v", err)
	}
}

func (s *server) end() error {
	defer s.http.CloseIdleConnections()
	command := s.command
	s.command = nil
	if err := command.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case err := <-s.ended:
		return err
	case <-time.After(stopWithin):
		_ = command.Process.Kill() // it has failed already
		<-s.ended
		return fmt.Errorf("it has not ended %s after SIGTERM", stopWithin)
	}
}

// close ends the server with the test, and looks for what must not be in any log.
func (s *server) close() {
	if s.command != nil {
		if err := s.end(); err != nil {
			s.t.Errorf("stop: %v", err)
		}
	}
	log, err := os.ReadFile(s.logPath)
	if err != nil {
		s.t.Errorf("read log: %v", err)
	}
	for _, sign := range []string{"DATA RACE", "panic", "goroutine "} {
		if at := bytes.Index(log, []byte(sign)); at >= 0 {
			s.t.Errorf("the log says %q:\n%s", sign, log[at:min(at+4000, len(log))])
		}
	}
	if s.t.Failed() {
		lines := slices.DeleteFunc(bytes.Split(log, []byte("\n")), func(line []byte) bool { return bytes.Contains(line, []byte("status=2")) })
		s.t.Logf("end of the log, without requests that went well:\n%s", bytes.Join(lines[max(0, len(lines)-40):], []byte("\n")))
	}
}

// memory gives the most memory the process ever had, in bytes; ok is false where the system does not tell.
func (s *server) memory() (most int64, ok bool) {
	s.t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.command.Process.Pid))
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(status)) {
		if text, found := strings.CutPrefix(line, "VmHWM:"); found {
			kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(text), " kB"), 10, 64)
			return kib << 10, err == nil
		}
	}
	return 0, false
}

// until looks again and again, which is all that can be done about another process, until see is content. Under the race detector it has more time.
func until(t *testing.T, within time.Duration, what string, see func() bool) {
	t.Helper()
	within *= slower
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for !see() {
		select {
		case <-ctx.Done():
			t.Fatalf("not within %s: %s", within, what)
		case <-look.C:
		}
	}
}
