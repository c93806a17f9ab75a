package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/musterid/muster/e2e/people"
	"github.com/musterid/muster/internal/sheet"
)

// program gives the program to measure: one that was named, or one that is built now, once for all parts.
func (b *bench) program(ctx context.Context) (string, error) {
	if b.binary == "" {
		built, err := buildBinary(ctx, b.dir)
		if err != nil {
			return "", err
		}
		b.binary = built
	}
	return b.binary, nil
}

// kinds gives the engines that are measured, without a database.
func (b *bench) kinds() []*engine {
	var list []*engine
	if b.on("sqlite") {
		list = append(list, &engine{b: b, name: "SQLite"})
	}
	if b.postgres != nil {
		list = append(list, &engine{b: b, name: "PostgreSQL"})
	}
	return list
}

// served is the program with people in its database.
type served struct {
	*process
	batch  string // the import that brought them
	people int
	undo   func()
}

func (s *served) end() {
	if s.process != nil {
		s.stop()
	}
	s.undo()
}

// serve starts the program on a database of its own and has it import so many people.
func (e *engine) serve(ctx context.Context, n int) (*served, error) {
	binary, err := e.b.program(ctx)
	if err != nil {
		return nil, err
	}
	s := &served{people: n}
	address := "" // the program makes its SQLite database itself
	if e.name != "SQLite" {
		o, err := e.blank(ctx, "")
		if err != nil {
			return nil, err
		}
		address = o.URL
	}
	if s.process, err = startProcess(ctx, binary, e.b.dir, address); err != nil {
		return nil, err
	}
	s.undo = func() {
		if address != "" {
			e.b.postgres.drop(address)
		}
		_ = os.RemoveAll(s.data)
	}
	if n > 0 {
		s.batch, err = s.bring(ctx, people.New(e.b.seed, "old"), n)
	}
	if err != nil {
		s.end()
		return nil, err
	}
	return s, nil
}

// upload sends a file to be run at once. It may take as long as the file is long.
func (p *process) upload(ctx context.Context, content io.Reader, out any) error {
	patient := *p
	patient.http = &http.Client{}
	defer patient.http.CloseIdleConnections()
	return patient.send(ctx, http.MethodPost, "/v1/batches?then=run&mode=create", "application/x-ndjson", content, out)
}

// bring imports the next n people and waits until they are there.
func (p *process) bring(ctx context.Context, m *people.Maker, n int) (batch string, err error) {
	content := piped(m, sheet.NDJSON, n)
	defer content.Close()
	var made named
	if err := p.upload(ctx, content, &made); err != nil {
		return "", err
	}
	return made.ID, p.until(ctx, func() (bool, error) {
		done, created, err := p.finished(ctx, made.ID)
		if done && created != n {
			err = fmt.Errorf("%d of %d people came in", created, n)
		}
		return done, err
	})
}

// finished says whether a batch has ended, and how many people it made.
func (p *process) finished(ctx context.Context, batch string) (done bool, created int, err error) {
	var b struct {
		State  string `json:"state"`
		Counts struct {
			Created int `json:"created"`
		} `json:"counts"`
	}
	err = p.call(ctx, http.MethodGet, "/v1/batches/"+batch, nil, &b)
	return b.State != "running" && b.State != "ready" && b.State != "planning", b.Counts.Created, err
}

// restart ends the process, by a signal that it may answer or not, and starts it again on what it left. It gives the time from the start of the
// program to the line that says it listens, and to its being ready.
func (p *process) restart(ctx context.Context, binary string, kill bool) (listening, ready time.Duration, err error) {
	if kill {
		_ = p.command.Process.Kill()
		_ = p.command.Wait()
	} else {
		p.stop()
	}
	again := &process{http: p.http, data: p.data, database: p.database, key: p.key}
	start := time.Now()
	if err := again.start(ctx, binary); err != nil {
		return 0, 0, err
	}
	listening = time.Since(start)
	*p = process{url: again.url, key: p.key, data: p.data, database: p.database, command: again.command, said: again.said, http: p.http}
	for {
		response, err := p.http.Get(p.url + "/readyz")
		if err == nil {
			_, _ = io.Copy(io.Discard, response.Body)
			_ = response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return listening, time.Since(start), nil
			}
		}
		if time.Since(start) > time.Minute || ctx.Err() != nil {
			return 0, 0, fmt.Errorf("the program is not ready after a minute: %w", err)
		}
		time.Sleep(time.Millisecond)
	}
}

// body is a person as the native API takes one.
func body(one people.Person) string {
	var text bytes.Buffer
	_ = json.NewEncoder(&text).Encode(map[string]string{ // texts always encode
		"first_name": one.First, "last_name": one.Last, "email": one.Email, "source_id": one.SourceID, "department": one.Department,
	})
	return text.String()
}
