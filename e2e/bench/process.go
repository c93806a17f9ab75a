package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/musterid/muster/e2e/people"
)

const identityBase = "/identity/api/v1/identity"

// process is the program as it is delivered, on a database of its own.
type process struct {
	url, key string
	data     string // its folder
	database string // its PostgreSQL; "" for SQLite in the folder
	command  *exec.Cmd
	said     *bytes.Buffer // its log; to be read when it has ended
	http     *http.Client
}

func buildBinary(ctx context.Context, dir string) (string, error) {
	path := filepath.Join(dir, "muster")
	command := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", path, "github.com/musterid/muster/cmd/muster")
	command.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := command.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the program: %w\n%s", err, out)
	}
	return path, nil
}

// startProcess starts the program with a data folder of its own, on an empty PostgreSQL database, or without one on SQLite in that folder.
func startProcess(ctx context.Context, binary, dir, database string) (*process, error) {
	data, err := os.MkdirTemp(dir, "data-")
	if err != nil {
		return nil, err
	}
	p := &process{data: data, database: database, http: &http.Client{Timeout: time.Minute}}
	if err := p.start(ctx, binary); err != nil {
		return nil, err
	}
	key, err := os.ReadFile(filepath.Join(data, "admin.key"))
	if err != nil {
		p.stop()
		return nil, fmt.Errorf("the program made no key: %w", err)
	}
	p.key = strings.TrimSpace(string(key))
	return p, nil
}

// start runs the program until it says that it listens.
func (p *process) start(ctx context.Context, binary string) error {
	args := []string{"serve", "--data", p.data, "--listen", "127.0.0.1:0", "--log-level", "error"}
	if p.database != "" {
		args = append(args, "--database", p.database)
	}
	p.command, p.said, p.url = exec.Command(binary, args...), &bytes.Buffer{}, ""
	p.command.Stderr = p.said
	out, err := p.command.StdoutPipe()
	if err != nil {
		return err
	}
	if err := p.command.Start(); err != nil {
		return err
	}
	for lines := bufio.NewScanner(out); p.url == "" && lines.Scan(); {
		if url, found := strings.CutPrefix(lines.Text(), "listening on "); found {
			p.url = url
		}
	}
	go func() { _, _ = io.Copy(io.Discard, out) }() // ends with the process
	if p.url == "" {
		p.stop()
		return fmt.Errorf("the program does not start: %s", p.said.String())
	}
	return ctx.Err()
}

func (p *process) stop() {
	p.http.CloseIdleConnections()
	_ = p.command.Process.Signal(syscall.SIGTERM)
	_ = p.command.Wait()
}

// memory is what the process has in use now (VmRSS), in MiB.
func (p *process) memory() (float64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.command.Process.Pid))
	if err != nil {
		return 0, fmt.Errorf("memory of a process is known on Linux only: %w", err)
	}
	for line := range strings.Lines(string(status)) {
		if rest, found := strings.CutPrefix(line, "VmRSS:"); found {
			kib, err := strconv.Atoi(strings.Fields(rest)[0])
			return float64(kib) / 1024, err
		}
	}
	return 0, errors.New("the system does not tell the memory of a process")
}

// call sends a body as JSON and decodes a good answer into out, unless that is nil.
func (p *process) call(ctx context.Context, method, path string, body, out any) error {
	var content bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&content).Encode(body); err != nil {
			return err
		}
	}
	return p.send(ctx, method, path, "application/json", &content, out)
}

func (p *process) send(ctx context.Context, method, path, kind string, content io.Reader, out any) error {
	request, err := http.NewRequestWithContext(ctx, method, p.url+path, content)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+p.key)
	request.Header.Set("X-Api-Key", p.key) // as JumpCloud's clients do
	request.Header.Set("Content-Type", kind)
	response, err := p.http.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode/100 != 2 {
		return fmt.Errorf("%s %s: %s %s", method, path, response.Status, answer)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(answer, out)
}

type named struct {
	ID string `json:"id"`
}

// ordered imports people as the front end does and orders their accounts on a target that takes so long for each call. It gives the identity batch
// and the provisioning batch, which has not run.
func (p *process) ordered(ctx context.Context, seed uint64, n int, latency time.Duration) (source, order string, err error) {
	if err := p.call(ctx, http.MethodPost, "/v1/targets", map[string]any{
		"name": "rehearsal", "kind": "rehearsal", "policy": map[string]any{"concurrency": 4}, "config": map[string]any{"instance": "bench", "latency_ms": latency.Milliseconds()},
	}, nil); err != nil {
		return "", "", err
	}
	if err := p.call(ctx, http.MethodPatch, "/v1/tenants/own", map[string]any{"settings": map[string]any{"provisioning": map[string]any{"target": "rehearsal"}}}, nil); err != nil {
		return "", "", err
	}
	var schools []named
	if err := p.call(ctx, http.MethodPost, "/establishment/api/etablissements", map[string]string{
		"nom": "Lycée", "code_etablissement": "0750001A", "adresse": "1", "email": "lycee@example.org", "telephone": "1",
	}, &schools); err != nil {
		return "", "", err
	}
	if source, err = p.bulkImport(ctx, schools[0].ID, seed, n); err != nil {
		return "", "", err
	}
	var made named
	err = p.call(ctx, http.MethodPost, "/provisioning/batches", map[string]string{"source_identity_batch_id": source}, &made)
	return source, made.ID, err
}

// bulkImport sends people as a CSV file and waits until all of them are in.
func (p *process) bulkImport(ctx context.Context, school string, seed uint64, n int) (string, error) {
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	part, err := w.CreateFormFile("file", "pupils.csv")
	if err != nil {
		return "", err
	}
	maker := people.New(seed, "pupil")
	fmt.Fprint(part, "lastname;firstname;email;role_principal\r\n")
	for range n {
		one := maker.Next()
		fmt.Fprintf(part, "%s;%s;%s;student\r\n", one.Last, one.First, one.Email)
	}
	if err := errors.Join(w.WriteField("establishment_id", school), w.Close()); err != nil {
		return "", err
	}
	var accepted struct {
		ID string `json:"batch_id"`
	}
	if err := p.send(ctx, http.MethodPost, identityBase+"/bulkimport", w.FormDataContentType(), &form, &accepted); err != nil {
		return "", err
	}
	return accepted.ID, p.until(ctx, func() (bool, error) {
		var status struct {
			Status string `json:"status"`
			New    int    `json:"new_count"`
		}
		err := p.call(ctx, http.MethodGet, identityBase+"/bulkimport/batches/"+accepted.ID+"/status", nil, &status)
		if err == nil && status.Status == "COMPLETED" && status.New != n {
			err = fmt.Errorf("%d of %d people came in", status.New, n)
		}
		return status.Status == "COMPLETED", err
	})
}

// unfinished is how many items of a provisioning batch of n have no account yet. They are counted as the native API counts them.
func (p *process) unfinished(ctx context.Context, order string, n int) (int, error) {
	var b struct {
		Counts struct {
			Done int `json:"done"`
		} `json:"counts"`
	}
	err := p.call(ctx, http.MethodGet, "/v1/batches/"+order, nil, &b)
	return n - b.Counts.Done, err
}

// settled waits until everybody has an account.
func (p *process) settled(ctx context.Context, order string, n int) error {
	return p.until(ctx, func() (bool, error) {
		left, err := p.unfinished(ctx, order, n)
		return left == 0, err
	})
}

func (p *process) until(ctx context.Context, see func() (bool, error)) error {
	look := time.NewTicker(250 * time.Millisecond)
	defer look.Stop()
	for {
		if done, err := see(); done || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-look.C:
		}
	}
}
