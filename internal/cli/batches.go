package cli

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"

	"github.com/musterid/muster"
)

type batchesCommand struct {
	remote
	List    batchesList    `cmd:"" help:"List imports, newest first, and the account work that follows them."`
	Show    batchesShow    `cmd:"" help:"Show where a batch stands, and what failed."`
	Items   batchesItems   `cmd:"" help:"List the items of a batch with their outcome."`
	Watch   batchesWatch   `cmd:"" help:"Follow a batch until it is done."`
	Plan    batchesPlan    `cmd:"" help:"Work out what a batch would change, without changing it."`
	Run     batchesRun     `cmd:"" help:"Carry a batch out."`
	Release batchesRelease `cmd:"" help:"Let a batch that is held go on."`
	Cancel  batchesCancel  `cmd:"" help:"Stop a batch. What was done stays done."`
	Retry   batchesRetry   `cmd:"" help:"Make a new batch of the rows that failed, and run it."`
	Result  batchesResult  `cmd:"" help:"Get the file again, with what became of every row."`
}

// batchArgument is which batch.
type batchArgument struct {
	ID string `arg:"" placeholder:"ID" help:"The batch's id, as batches list shows it."`
}

func (a batchArgument) path(rest ...string) string {
	return escaped(append([]string{"batches", a.ID}, rest...)...)
}

type batchesList struct {
	Kind  string `enum:"import,provision,all" default:"import" placeholder:"KIND" help:"Which: import, provision (the account work that follows imports) or all (${default})."`
	State string `placeholder:"STATE" help:"Only in this state, such as running, held or finished."`
	listFlags
}

func (c *batchesList) Run(s *session) error {
	header := []string{"id", "kind", "name", "state", "items", "done", "failed", "created"}
	return listing(s, "/v1/batches", values("kind", c.Kind, "state", c.State), c.most(s), header, func(b batchView) []string {
		return []string{
			b.ID, s.t.Text(string(b.Kind)), b.Name, s.t.Text(string(b.State)), strconv.FormatInt(b.Total, 10), strconv.FormatInt(b.Counts.Done, 10),
			strconv.FormatInt(b.Counts.Failed, 10), minute(b.CreatedAt),
		}
	})
}

type batchesShow struct{ batchArgument }

func (c *batchesShow) Run(s *session) error {
	raw, err := s.get(c.path(), nil)
	return s.showBatch(raw, err)
}

// showBatch prints a batch with its failures. Looking is done, whatever the batch came to.
func (s *session) showBatch(raw json.RawMessage, err error) error {
	if err != nil {
		return err
	}
	if s.JSON {
		return s.printJSON(raw)
	}
	b, err := as[batchView](raw)
	if err != nil {
		return err
	}
	s.summary(b)
	s.unused(b)
	server, err := s.connect()
	if err != nil {
		return err
	}
	return s.failures(server, b)
}

type batchesItems struct {
	batchArgument
	State string `enum:",pending,planned,done,failed,skipped" default:"" placeholder:"STATE" help:"Only in this state: pending, planned, done, failed or skipped."`
	listFlags
}

func (c *batchesItems) Run(s *session) error {
	header := []string{"row", "who", "username", "state", "change", "reasons"}
	return listing(s, c.path("items"), values("state", c.State), c.most(s), header, func(i itemView) []string {
		return []string{i.where(), i.who(), i.login(s.t.Text("forecast")), s.t.Text(string(i.State)), i.change(), s.reasons(i.Reasons)}
	})
}

// change says what is different, in short: of somebody new only that, of everybody else field by field.
func (i itemView) change() string {
	if i.Change.Action != muster.Update {
		return string(i.Change.Action)
	}
	return string(i.Change.Action) + " " + differences(i.Change)
}

func (s *session) reasons(list muster.Errors) string {
	text := ""
	for i, reason := range list {
		if i > 0 {
			text += "; "
		}
		text += s.fault(reason)
	}
	return text
}

type batchesWatch struct{ batchArgument }

func (c *batchesWatch) Run(s *session) error { return s.watch(c.ID) }

// watch follows a batch to its end and says how it ended.
func (s *session) watch(id string) error {
	server, err := s.connect()
	if err != nil {
		return err
	}
	f := &follower{s: s, client: server, bar: s.progress()}
	b, err := f.wait(id, true)
	if err != nil {
		return err
	}
	if err := s.showBatch(f.latest, nil); err != nil {
		return err
	}
	return s.outcome(b)
}

type batchesPlan struct{ batchArgument }

func (c *batchesPlan) Run(s *session) error {
	if _, err := s.call(http.MethodPost, c.path("plan"), nil, nil); err != nil {
		return err
	}
	return s.watch(c.ID)
}

type waitFlag struct {
	NoWait bool `name:"no-wait" help:"Come back at once; the server goes on by itself."`
}

// act calls a verb of a batch and waits for what comes of it.
func (s *session) act(path string, query url.Values, w waitFlag) error {
	raw, err := s.call(http.MethodPost, path, query, nil)
	if err != nil {
		return err
	}
	b, err := as[batchView](raw)
	if err != nil {
		return err
	}
	if !w.NoWait {
		return s.watch(b.ID)
	}
	if s.JSON {
		return s.printJSON(raw)
	}
	s.printf("%s", b.ID)
	return nil
}

type batchesRun struct {
	batchArgument
	waitFlag
}

func (c *batchesRun) Run(s *session) error { return s.act(c.path("run"), nil, c.waitFlag) }

type batchesRelease struct {
	batchArgument
	waitFlag
}

func (c *batchesRelease) Run(s *session) error { return s.act(c.path("release"), nil, c.waitFlag) }

type batchesRetry struct {
	batchArgument
	waitFlag
}

func (c *batchesRetry) Run(s *session) error {
	return s.act(c.path("retry"), values("then", "run"), c.waitFlag)
}

type batchesCancel struct{ batchArgument }

func (c *batchesCancel) Run(s *session) error {
	raw, err := s.call(http.MethodPost, c.path("cancel"), nil, nil)
	return answer(s, raw, err, s.summary)
}

type batchesResult struct {
	batchArgument
	Output string `short:"o" default:"-" placeholder:"FILE" help:"Where to write it (standard output)."`
}

func (c *batchesResult) Run(s *session) error {
	server, err := s.connect()
	if err != nil {
		return err
	}
	return s.saveResult(server, c.ID, c.Output)
}
