package keycloaktest

import (
	_ "embed"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

//go:embed server.sh
var script string

// process runs one server from a distribution.
type process struct {
	home string
	data string
	port int
	cmd  *exec.Cmd // nil when it is not running
}

// inTemp gives a process whose data lives as long as this process. What processes that are gone have left is cleared away.
func inTemp(home string) (*process, error) {
	const prefix = "muster-keycloak-"
	left, _ := filepath.Glob(filepath.Join(os.TempDir(), prefix+"*"))
	for _, dir := range left {
		if pid, err := strconv.Atoi(strings.TrimPrefix(filepath.Base(dir), prefix)); err == nil && errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			_ = os.RemoveAll(dir)
		}
	}
	dir := filepath.Join(os.TempDir(), prefix+strconv.Itoa(os.Getpid()))
	return &process{home: home, data: filepath.Join(dir, "data")}, os.MkdirAll(dir, 0o700)
}

// serve starts the server on a port that is free.
func (p *process) serve() (*Server, error) {
	if out, err := exec.Command("bash", "-c", script, "server.sh", "prepare", p.home).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("prepare Keycloak: %w\n%s", err, out)
	}
	// A port that was free a moment ago may be taken when the server gets there: then another is tried.
	for try := 0; ; try++ {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		p.port = listener.Addr().(*net.TCPAddr).Port
		listener.Close()
		if err = p.run(); err == nil {
			return &Server{URL: p.url(), process: p}, nil
		}
		if try == 3 {
			return nil, err
		}
	}
}

func (p *process) url() string { return "http://127.0.0.1:" + strconv.Itoa(p.port) }

// run starts the server and waits until it answers.
func (p *process) run() error {
	log, err := os.Create(p.data + ".log")
	if err != nil {
		return err
	}
	defer log.Close()
	p.cmd = exec.Command("bash", "-c", script, "server.sh", "run", p.home, p.data, strconv.Itoa(p.port))
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.cmd.SysProcAttr = dieWithParent()
	if err := p.cmd.Start(); err != nil {
		p.cmd = nil
		return err
	}
	tick := time.NewTicker(100 * time.Millisecond) // another process: there is nothing to wait on but its answer
	defer tick.Stop()
	for deadline := time.Now().Add(3 * time.Minute); time.Now().Before(deadline); <-tick.C {
		if answer, err := client.Get(p.url() + "/realms/master"); err == nil {
			answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return nil
			}
		}
		var status syscall.WaitStatus
		if pid, _ := syscall.Wait4(p.cmd.Process.Pid, &status, syscall.WNOHANG, nil); pid != 0 {
			p.cmd = nil
			break
		}
	}
	p.stop()
	said, _ := os.ReadFile(log.Name())
	return fmt.Errorf("the server does not start:\n%s", said)
}

// stop ends the server and keeps its data.
func (p *process) stop() {
	if p.cmd == nil {
		return
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	hurry := time.AfterFunc(20*time.Second, func() { _ = p.cmd.Process.Kill() })
	_ = p.cmd.Wait()
	hurry.Stop()
	p.cmd = nil
}
