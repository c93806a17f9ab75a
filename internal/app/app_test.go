package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/config"
	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// settings are those of a process in a folder of its own.
func settings(t *testing.T, st store.Options) config.Config {
	t.Helper()
	storetest.Bound(t)
	return config.Config{Data: t.TempDir(), Listen: "127.0.0.1:0", Database: st.URL}
}

func open(t *testing.T, c config.Config) (*App, error) {
	t.Helper()
	return Open(t.Context(), Config{Config: c, Log: slog.New(slog.DiscardHandler)})
}

// run opens and runs a process that ends with stop, or with the test.
func run(t *testing.T, c config.Config) (a *App, stop func()) {
	t.Helper()
	a, err := open(t, c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := errors.Join(<-ended, a.Close()); err != nil {
			t.Errorf("stop: %v", err)
		}
	})
	t.Cleanup(stop)
	select {
	case <-a.Ready():
	case err := <-ended:
		ended <- nil // for stop
		t.Fatalf("it stopped before it was ready: %v", err)
	}
	return a, stop
}

func get(t *testing.T, a *App, path, key string) (int, map[string]any) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, a.URL()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var body map[string]any
	if err := json.NewDecoder(response.Body).Decode(&body); err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, body
}

func adminKey(t *testing.T, a *App) string {
	t.Helper()
	text, err := os.ReadFile(a.AdminKeyPath())
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(string(text), "\n")
}

// each runs a test over both engines.
func each(t *testing.T, f func(t *testing.T, c config.Config)) {
	for _, engine := range storetest.Engines {
		t.Run(string(engine), func(t *testing.T) { f(t, settings(t, storetest.Blank(t, engine))) })
	}
}

func TestTheFirstStartMakesEverything(t *testing.T) {
	each(t, func(t *testing.T, c config.Config) {
		a, stop := run(t, c)
		if !a.FirstStart() {
			t.Error("the first start does not know it")
		}
		key := adminKey(t, a)
		for name, mode := range map[string]os.FileMode{KeyFile: 0o600, AdminKeyFile: 0o600} {
			info, err := os.Stat(filepath.Join(c.Data, name))
			if err != nil {
				t.Fatal(err)
			}
			if info.Mode().Perm() != mode {
				t.Errorf("%s has the mode %o", name, info.Mode().Perm())
			}
		}
		if text, err := os.ReadFile(a.AdminKeyPath()); err != nil || string(text) != key+"\n" || strings.ContainsAny(key, " \n") {
			t.Errorf("admin.key holds %d bytes, %v", len(text), err)
		}
		if status, me := get(t, a, "/v1/me", key); status != http.StatusOK || me["name"] != "key:admin" {
			t.Errorf("the admin key gives %d %v", status, me)
		}
		stop()

		// Nothing is made a second time.
		before := files(t, c.Data)
		a, stop = run(t, c)
		if a.FirstStart() {
			t.Error("the second start takes itself for the first")
		}
		if status, _ := get(t, a, "/v1/me", key); status != http.StatusOK {
			t.Errorf("after a restart the admin key gives %d", status)
		}
		stop()
		for name, content := range before {
			if after := files(t, c.Data)[name]; after != content {
				t.Errorf("the second start changed %s", name)
			}
		}
	})
}

// files are the key files of a folder.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, name := range []string{KeyFile, AdminKeyFile} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err == nil {
			found[name] = string(text)
		}
	}
	return found
}

func TestAFolderHasOneProcess(t *testing.T) {
	c := settings(t, store.Options{})
	_, stop := run(t, c)
	if _, err := open(t, c); !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), c.Data) {
		t.Errorf("a second process: %v", err)
	}
	stop()
	a, err := open(t, c)
	if err != nil {
		t.Fatalf("after the first has stopped: %v", err)
	}
	if err := errors.Join(a.Close(), a.Close()); err != nil {
		t.Errorf("closing twice: %v", err)
	}
}

func TestADatabaseKeepsItsKey(t *testing.T) {
	each(t, func(t *testing.T, c config.Config) {
		a, err := open(t, c)
		if err != nil {
			t.Fatal(err)
		}
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
		keyText := files(t, c.Data)[KeyFile]
		other := c
		if c.Database != "" {
			other.Data = t.TempDir() // another node
		} else if err := os.Remove(filepath.Join(c.Data, KeyFile)); err != nil {
			t.Fatal(err)
		}

		_, err = open(t, other)
		if muster.CodeOf(err) != muster.Policy || !strings.Contains(err.Error(), "--sealing-key-file") || !strings.Contains(err.Error(), "MUSTER_SEALING_KEY") {
			t.Errorf("without the key: %v", err)
		}
		if _, err := os.Stat(filepath.Join(other.Data, KeyFile)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("a key that seals nothing was left behind: %v", err)
		}
		tryKeys(t, other, keyText)
	})
}

// tryKeys passes the right key in every way, and wrong ones.
func tryKeys(t *testing.T, other config.Config, keyText string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte(keyText), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*config.Config){
		"as a file": func(c *config.Config) { c.SealingKeyFile = file },
		"as itself": func(c *config.Config) { c.SealingKey = strings.TrimSpace(keyText) },
	} {
		given := other
		change(&given)
		a, err := open(t, given)
		if err != nil {
			t.Fatalf("with the key %s: %v", name, err)
		}
		if a.FirstStart() {
			t.Errorf("with the key %s: a first start", name)
		}
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	}
	if made := files(t, other.Data); other.Database != "" && len(made) != 0 {
		t.Errorf("a node that was given the key made %d files", len(made))
	}
	missing := other
	missing.SealingKeyFile = filepath.Join(t.TempDir(), "nosuch")
	if _, err := open(t, missing); muster.CodeOf(err) != muster.NotFound {
		t.Errorf("with a key file that is not there: %v", err)
	}
	wrong := other
	wrong.SealingKey = "hunter2"
	if _, err := open(t, wrong); muster.CodeOf(err) != muster.Invalid || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("with something else than a key: %v", err)
	}
}

// Two nodes that start on an empty PostgreSQL at the same moment: one makes the database its own, the other is refused, and neither hangs.
func TestTwoNodesStartAtOnce(t *testing.T) {
	c := settings(t, storetest.Blank(t, store.Postgres))
	other := c
	other.Data = t.TempDir()
	var first, refused int
	var mu sync.Mutex
	var both sync.WaitGroup
	for _, node := range []config.Config{c, other} {
		both.Go(func() {
			a, err := open(t, node)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil && a.FirstStart():
				first++
			case muster.CodeOf(err) == muster.Policy:
				refused++
			default:
				t.Errorf("a node: %v", err)
			}
			if a != nil {
				if err := a.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	both.Wait()
	if first != 1 || refused != 1 {
		t.Errorf("%d first starts, %d refused", first, refused)
	}
}

func TestSettingsAreChecked(t *testing.T) {
	c := settings(t, store.Options{})
	c.Listen = "nowhere"
	_, err := open(t, c)
	if faults := muster.Faults(err); len(faults) != 1 || faults[0].Field != "listen" {
		t.Errorf("a wrong address: %v", err)
	}
	if left, err := os.ReadDir(c.Data); err != nil || len(left) != 0 {
		t.Errorf("settings that are refused left %v", left)
	}
}

func TestHealth(t *testing.T) {
	a, stop := run(t, settings(t, store.Options{}))
	for path, want := range map[string]int{
		"/": http.StatusOK, "/healthz": http.StatusOK, "/readyz": http.StatusOK, "/nosuch": http.StatusNotFound, "/healthz/": http.StatusNotFound, "//": http.StatusNotFound,
		"/v2/people": http.StatusNotFound, "/v1x": http.StatusNotFound, "/v1": http.StatusUnauthorized,
	} {
		if status, body := get(t, a, path, ""); status != want {
			t.Errorf("%s: %d %v, want %d", path, status, body, want)
		}
	}
	_, home := get(t, a, "/", "")
	for name, link := range home["links"].(map[string]any) {
		if status, _ := get(t, a, link.(string), adminKey(t, a)); status != http.StatusOK && name != "api" {
			t.Errorf("the link %s leads to %d", name, status)
		}
	}
	if err := a.readiness(t.Context()); err != nil {
		t.Errorf("ready: %v", err)
	}
	a.pulse.now = func() time.Time { return time.Now().Add(time.Hour) }
	if err := a.readiness(t.Context()); muster.CodeOf(err) != muster.Unavailable || muster.Faults(err)[0].Field != "workers" {
		t.Errorf("workers that have shown no sign of life for an hour: %v", err)
	}
	stop()
}

func TestNotReadyWithoutTheDatabase(t *testing.T) {
	a, err := open(t, settings(t, store.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close() //nolint:errcheck // its store is closed already
	if err := a.store.Close(); err != nil {
		t.Fatal(err)
	}
	if err := a.readiness(t.Context()); muster.CodeOf(err) != muster.Unavailable || muster.Faults(err)[0].Field != "database" {
		t.Errorf("without a database: %v", err)
	}
}

// What is under way is finished before the process stops.
func TestAnUploadUnderWayIsFinished(t *testing.T) {
	a, stop := run(t, settings(t, store.Options{}))
	body, send := io.Pipe()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.URL()+"/v1/batches?then=run", body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+adminKey(t, a))
	r.Header.Set("Content-Type", "text/csv")
	r.Header.Set("Expect", "100-continue") // the body is asked for by the handler, not before
	answered := make(chan int, 1)
	go func() {
		response, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true, ExpectContinueTimeout: time.Minute}}).Do(r)
		if err != nil {
			answered <- 0
			return
		}
		response.Body.Close()
		answered <- response.StatusCode
	}()
	if _, err := send.Write([]byte("email\n")); err != nil { // returns when the handler has asked for it
		t.Fatal(err)
	}
	stopped := make(chan struct{})
	go func() { stop(); close(stopped) }()
	for range 5 {
		if _, err := send.Write([]byte("Ana\n")); err != nil {
			t.Fatal(err)
		}
	}
	if err := send.Close(); err != nil {
		t.Fatal(err)
	}
	if status := storetest.Await(t, answered, "the answer"); status != http.StatusCreated {
		t.Errorf("the upload was answered %d", status)
	}
	storetest.Await(t, stopped, "the end of the process")
}

// A request that is cut off by the end of the process leaves nothing that would keep it from being sent again.
func TestRequestsThatAreCutOffAreGivenUp(t *testing.T) {
	a, err := open(t, settings(t, store.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	a.grace = 50 * time.Millisecond
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	storetest.Await(t, a.Ready(), "the process to be ready")
	key, err := os.ReadFile(a.AdminKeyPath())
	if err != nil {
		t.Fatal(err)
	}
	c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(a.URL(), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, err = fmt.Fprintf(c, "POST /api/v2/bulk/users HTTP/1.1\r\nHost: x\r\nx-api-key: %s\r\nIdempotency-Key: once\r\nContent-Length: 100\r\n\r\n[{}", strings.TrimSpace(string(key)))
	if err != nil {
		t.Fatal(err)
	}
	claims := func() (n int) {
		if err := a.store.Handle().QueryRowContext(t.Context(), "SELECT count(*) FROM idempotency").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	for began := time.Now(); claims() == 0; time.Sleep(time.Millisecond) { // a poll
		if time.Since(began) > storetest.Patience {
			t.Fatal("the request is not worked on")
		}
	}
	stop()
	if err := storetest.Await(t, ended, "the end of the process"); err == nil {
		t.Error("the request was not cut off")
	}
	if n := claims(); n != 0 {
		t.Errorf("%d requests still hold their keys", n)
	}
	if err := a.Close(); err != nil {
		t.Error(err)
	}
}
