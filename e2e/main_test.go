// Package e2e proves the product from outside: the real binary, real databases and a real directory, kill -9 included. Nothing here reaches into
// the program but through its HTTP surfaces; what came of the work is read there, in the outside world (the journal of a rehearsal target, an LDAP
// server), and in the database once the program has stopped.
//
// A test that needs a server that is absent is skipped by name, or fails where MUSTER_TEST_REQUIRE is 1. Tests with Torture in their name have a
// short form, which is the default, and a long one: MUSTER_TORTURE is the number of kills on each engine. MUSTER_SEED repeats a run.
//
// Start at server_test.go (a process) and oracle_test.go (what must hold after every scenario). Made-up people are in e2e/people.
package e2e

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// program is the binary under test.
var program string

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "muster-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		return 1
	}
	defer os.RemoveAll(dir)
	program = filepath.Join(dir, "muster")
	if err := build(program); err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		return 1
	}
	return m.Run()
}

// build makes the binary as it is delivered; with the race detector when the tests have it.
func build(to string) error {
	args, cgo := []string{"build", "-o", to}, "CGO_ENABLED=0"
	if raceDetector {
		args, cgo = append(args, "-race"), "CGO_ENABLED=1"
	}
	command := exec.Command("go", append(args, "github.com/musterid/muster/cmd/muster")...)
	command.Env = append(os.Environ(), cgo)
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("build the program: %w\n%s", err, out)
	}
	return nil
}

// kills is how many kills a test may do: MUSTER_TORTURE, or the short form's number.
func kills(t *testing.T, short int) int {
	t.Helper()
	text := os.Getenv("MUSTER_TORTURE")
	if text == "" {
		return short
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("MUSTER_TORTURE is %q; it must be a number of kills", text)
	}
	return n
}

// luck gives random numbers from a seed that the test's output names.
func luck(t *testing.T) *rand.Rand {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("MUSTER_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("MUSTER_SEED is %q; it must be a number", text)
		}
	}
	t.Logf("to repeat: MUSTER_SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 1))
}
