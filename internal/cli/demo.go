package cli

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"

	"github.com/musterid/muster"
	"github.com/musterid/muster/examples"
	"github.com/musterid/muster/internal/app"
	"github.com/musterid/muster/internal/cli/client"
	"github.com/musterid/muster/internal/config"
)

const (
	demoFile   = "legislators.csv"
	demoTarget = "rehearsal"
)

type demoCommand struct {
	Exit   bool   `help:"Stop when all is shown, instead of leaving the server open."`
	Listen string `default:"127.0.0.1:0" placeholder:"ADDRESS" help:"Address to serve on (any free port of this machine)."`
	Result string `short:"o" default:"muster-demo-result.csv" placeholder:"FILE" help:"Where the result sheet is written (${default})."`
	JSON   bool   `name:"json" help:"Print the counts as JSON, and nothing else."`
}

func (c *demoCommand) Run(s *session) error {
	ctx, stop := signal.NotifyContext(s.ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	s.ctx, s.JSON = ctx, c.JSON
	scratch, err := os.MkdirTemp("", "muster-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	running, err := s.startServer(ctx, app.Config{Config: config.Config{Data: scratch, Listen: c.Listen}, Log: s.quiet()})
	if err != nil {
		return err
	}
	s.URL, s.Data, s.Key = running.app.URL(), scratch, ""
	if err := c.show(s); err != nil || c.Exit {
		return errors.Join(err, running.halt())
	}
	if !c.JSON {
		s.printf("\nThe server stays open on %s until Ctrl-C. In another terminal:", s.URL)
		for _, command := range []string{"people list", "batches list", "accounts list", "doctor"} {
			fmt.Fprintf(s.out, "  muster %s --url %s --data %s\n", command, s.URL, scratch)
		}
	}
	return running.wait()
}

// show does what the demo is for, from the file to the result sheet.
func (c *demoCommand) show(s *session) error {
	server, err := s.connect()
	if err != nil {
		return err
	}
	if !c.JSON {
		s.printf("A server for this demo alone is running on %s, with a target that only rehearses.\n", s.URL)
	}
	settings := map[string]any{"name": demoTarget, "kind": "rehearsal", "config": map[string]any{"instance": "demo"}}
	target, err := client.Call[targetView](s.ctx, server, http.MethodPost, "/v1/targets", nil, settings)
	if err != nil {
		return err
	}
	b, err := c.preview(s, server)
	if err != nil {
		return err
	}
	if b, err = c.carryOut(s, server, b); err != nil {
		return err
	}
	t, err := s.tally(server, b, target.ID)
	if err != nil {
		return err
	}
	return c.report(s, server, b, t)
}

// preview sends the file and shows what would become of it.
func (c *demoCommand) preview(s *session, server *client.Client) (batchView, error) {
	query := url.Values{"name": {demoFile}, "then": {"plan"}, "source": {"congress"}}
	b, err := client.Upload[batchView](s.ctx, server, "/v1/batches", query, "text/csv", bytes.NewReader(examples.Legislators))
	if err != nil {
		return b, err
	}
	f := &follower{s: s, client: server, bar: s.progress()}
	if b, err = f.wait(b.ID, false); err != nil {
		return b, err
	}
	if b.State != muster.Planned {
		return b, s.exitf(ExitFailed, "The plan was not made: the batch is %s. %s", b.State, b.Message)
	}
	if c.JSON {
		return b, nil
	}
	s.planSummary(b)
	s.unused(b)
	return b, s.samples(server, b)
}

// carryOut runs the plan and waits for people and accounts.
func (c *demoCommand) carryOut(s *session, server *client.Client, b batchView) (batchView, error) {
	if _, err := client.Call[json.RawMessage](s.ctx, server, http.MethodPost, escaped("batches", b.ID, "run"), nil, nil); err != nil {
		return b, err
	}
	f := &follower{s: s, client: server, bar: s.progress()}
	b, err := f.wait(b.ID, true)
	if err != nil || c.JSON {
		return b, err
	}
	s.printf("")
	s.summary(b)
	return b, s.failures(server, b)
}

// tally is what there is at the end, counted from what the API answers, and what there should be.
type tally struct {
	Rows      int64 `json:"rows"`      // in the file
	Total     int64 `json:"total"`     // of the batch
	Failed    int64 `json:"failed"`    // rows and accounts
	People    int64 `json:"people"`    // in the directory
	Usernames int64 `json:"usernames"` // different ones
	Accounts  int64 `json:"accounts"`  // delivered, on the target
	Names     int64 `json:"names"`     // different usernames on the target

	sample []personView
}

func (s *session) tally(server *client.Client, b batchView, target string) (*tally, error) {
	records, err := csv.NewReader(bytes.NewReader(examples.Legislators)).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("read the example: %w", err)
	}
	t := &tally{Rows: int64(len(records) - 1), Total: b.Total, Failed: b.Counts.Failed + b.Counts.Skipped}
	if b.Provision != nil {
		t.Failed += b.Provision.Counts.Failed + b.Provision.Counts.Skipped
	}
	usernames, names := map[string]bool{}, map[string]bool{}
	_, err = server.Each(s.ctx, "/v1/people", nil, 0, func(raw json.RawMessage) error {
		p, err := as[personView](raw)
		t.People++
		if p.Username != "" {
			usernames[strings.ToLower(p.Username)] = true
		}
		if len(t.sample) < 5 {
			t.sample = append(t.sample, p)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	_, err = server.Each(s.ctx, "/v1/accounts", values("target", target, "state", string(muster.DeliveredAccount)), 0, func(raw json.RawMessage) error {
		a, err := as[accountView](raw)
		t.Accounts++
		names[strings.ToLower(a.Username)] = true
		return err
	})
	t.Usernames, t.Names = int64(len(usernames)), int64(len(names))
	return t, err
}

// addsUp says whether every row of the file became one person with a username and an account of their own.
func (t *tally) addsUp() bool {
	return t.Rows > 0 && t.Failed == 0 && t.Total == t.Rows && t.People == t.Rows && t.Usernames == t.Rows && t.Accounts == t.Rows && t.Names == t.Rows
}

// report shows the result and says whether it is right.
func (c *demoCommand) report(s *session, server *client.Client, b batchView, t *tally) error {
	if err := s.saveResult(server, b.ID, c.Result); err != nil {
		return err
	}
	if c.JSON {
		raw, err := json.Marshal(t)
		if err == nil {
			err = s.printJSON(raw)
		}
		if err != nil {
			return err
		}
	} else if err := t.print(s); err != nil {
		return err
	}
	if !t.addsUp() {
		return s.exitf(ExitFailed, "The counts do not add up: %d rows, %d people, %d distinct usernames, %d accounts, %d failures.", t.Rows, t.People, t.Usernames, t.Accounts, t.Failed)
	}
	return nil
}

func (t *tally) print(s *session) error {
	s.printf("")
	people := newTable(s.out, s.t.Text("name"), s.t.Text("username"), s.t.Text("state"))
	for _, p := range t.sample {
		people.row(p.shown(), p.Username, s.t.Text(p.State))
	}
	if t.People > int64(len(t.sample)) {
		people.row("…")
	}
	if err := people.flush(); err != nil {
		return err
	}
	s.printf("")
	counts := newTable(s.out, s.t.Text("what"), s.t.Text("count"))
	for _, line := range []struct {
		what string
		n    int64
	}{
		{s.t.Sprintf("rows of %s", demoFile), t.Rows},
		{s.t.Text("people in the directory"), t.People},
		{s.t.Text("distinct usernames"), t.Usernames},
		{s.t.Sprintf("accounts on %s", demoTarget), t.Accounts},
		{s.t.Text("failures"), t.Failed},
	} {
		counts.row(line.what, strconv.FormatInt(line.n, 10))
	}
	if err := counts.flush(); err != nil {
		return err
	}
	s.printf("")
	s.printf("%d people, %d distinct usernames, %d accounts.", t.People, t.Usernames, t.Accounts)
	return nil
}
