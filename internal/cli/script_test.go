package cli

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/musterid/muster/examples"
	"github.com/musterid/muster/internal/store/storetest"
)

// The test binary is the program itself when a script runs muster.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"muster": func() { os.Exit(Main(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) },
	})
}

// TestScripts runs what people type: one scenario, one file in testdata/script. Besides the usual commands of testscript there are
//
//	exits CODE PROGRAM ARGS…   runs it and wants this exit code
//	server [ARGS…]             starts muster serve over the folder data, on a free port, and points the commands to it
//	halt                       stops it with SIGTERM and wants exit code 0
//	send METHOD PATH FILE      sends a file to it as JSON, with the admin key, as programs do, and wants a success
//	remember NAME PATTERN      sets a variable to what the first group of a pattern matches in the output of the last command
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Deadline:            time.Now().Add(8 * time.Minute), // a script that hangs is ended, and says where
		Setup: func(env *testscript.Env) error {
			env.Vars = slices.DeleteFunc(env.Vars, ofTheMachine)
			env.Setenv("TMPDIR", env.WorkDir)
			env.Setenv("GORACE", "atexit_sleep_ms=0") // the race detector's programs linger for a second, each of a hundred
			return os.WriteFile(filepath.Join(env.WorkDir, "legislators.csv"), examples.Legislators, 0o600)
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){"exits": exits, "server": startServe, "halt": halt, "send": send, "remember": remember},
	})
}

// ofTheMachine says that a variable of the environment would make a script run differently elsewhere.
func ofTheMachine(v string) bool {
	return strings.HasPrefix(v, "MUSTER_") || strings.HasPrefix(v, "LANG=") || strings.HasPrefix(v, "LC_")
}

func exits(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	err = ts.Exec(args[1], args[2:]...)
	var ended *exec.ExitError
	switch {
	case errors.As(err, &ended):
		got = ended.ExitCode()
	case err != nil:
		ts.Fatalf("%v", err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// serving are the servers that run, by script.
type serving struct {
	command *exec.Cmd
	done    chan error
}

var running = map[*testscript.TestScript]*serving{}

var runningLock = make(chan struct{}, 1)

func locked(f func()) {
	runningLock <- struct{}{}
	defer func() { <-runningLock }()
	f()
}

func startServe(ts *testscript.TestScript, _ bool, args []string) {
	program, err := exec.LookPath("muster") // testscript puts it there
	ts.Check(err)
	command := exec.Command(program, append([]string{"serve", "--data", "data", "--listen", "127.0.0.1:0"}, args...)...)
	command.Dir, command.Env = ts.Getenv("WORK"), slices.DeleteFunc(os.Environ(), ofTheMachine)
	log, err := os.Create(ts.MkAbs("server.log"))
	ts.Check(err)
	command.Stderr = log
	out, err := command.StdoutPipe()
	ts.Check(err)
	ts.Check(command.Start())
	s := &serving{command: command, done: make(chan error, 1)}
	late := time.AfterFunc(storetest.Patience, func() { _ = command.Process.Kill() })
	line, err := bufio.NewReader(out).ReadString('\n')
	late.Stop()
	go func() { s.done <- errors.Join(command.Wait(), log.Close()) }()
	locked(func() { running[ts] = s })
	ts.Defer(func() { stop(ts, os.Kill) })
	address, ok := strings.CutPrefix(strings.TrimSpace(line), "listening on ")
	if !ok {
		ts.Fatalf("the server said %q (%v): %s", line, err, ts.ReadFile("server.log"))
	}
	ts.Setenv("MUSTER_URL", address)
	ts.Setenv("MUSTER_DATA", "data")
}

// stop ends the server of a script and says how it ended.
func stop(ts *testscript.TestScript, signal os.Signal) error {
	var s *serving
	locked(func() { s = running[ts]; delete(running, ts) })
	if s == nil {
		return nil
	}
	if err := s.command.Process.Signal(signal); err != nil {
		return err
	}
	select {
	case err := <-s.done:
		return err
	case <-time.After(storetest.Patience):
		return errors.Join(errors.New("the server does not stop"), s.command.Process.Kill())
	}
}

func halt(ts *testscript.TestScript, _ bool, _ []string) {
	if err := stop(ts, syscall.SIGTERM); err != nil {
		ts.Fatalf("the server did not end well: %v\n%s", err, ts.ReadFile("server.log"))
	}
}

func send(ts *testscript.TestScript, _ bool, args []string) {
	ctx, cancel := context.WithTimeout(context.Background(), storetest.Patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, args[0], ts.Getenv("MUSTER_URL")+args[1], strings.NewReader(ts.ReadFile(args[2])))
	ts.Check(err)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Api-Key", strings.TrimSpace(ts.ReadFile("data/admin.key")))
	answer, err := http.DefaultClient.Do(r)
	ts.Check(err)
	text, err := io.ReadAll(answer.Body)
	ts.Check(errors.Join(err, answer.Body.Close()))
	if answer.StatusCode/100 != 2 {
		ts.Fatalf("%s: %s", answer.Status, text)
	}
}

func remember(ts *testscript.TestScript, _ bool, args []string) {
	found := regexp.MustCompile(args[1]).FindStringSubmatch(ts.ReadFile("stdout"))
	if found == nil {
		ts.Fatalf("%q is not in the output", args[1])
	}
	ts.Setenv(args[0], found[1])
}
