package cli

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/cli/client"
)

type importCommand struct {
	remote
	File    string   `arg:"" placeholder:"FILE" help:"The spreadsheet; - reads standard input."`
	Map     []string `name:"map" sep:"none" placeholder:"HEADER=FIELD" help:"What a column means; HEADER=- leaves it out. May be given several times."`
	Mode    string   `enum:"upsert,create,update" default:"upsert" help:"What may be done with a row: ${enum} (${default})."`
	Sheet   string   `placeholder:"NAME" help:"Sheet of a workbook (the first)."`
	Source  string   `placeholder:"NAME" help:"The system that the rows' own ids belong to."`
	Email   string   `enum:"unique,shared" default:"unique" help:"Whether an address belongs to one person: ${enum} (${default})."`
	Empty   string   `enum:"keep,clear" default:"keep" help:"What an empty cell does to what is known: ${enum} (${default})."`
	Dates   string   `enum:",dmy,mdy" default:"" placeholder:"dmy|mdy" help:"How 01/02/2026 is meant, where the file does not tell: day first or month first."`
	Name    string   `placeholder:"NAME" help:"What the batch is called (the file's name)."`
	Preview bool     `xor:"go" help:"Only say what would be done. Nothing is changed."`
	Yes     bool     `short:"y" xor:"go" help:"Do it without asking. Without a terminal nobody is asked."`
	NoWait  bool     `name:"no-wait" help:"Come back as soon as the server has the file, with the number of the batch."`
	Result  string   `short:"o" placeholder:"FILE" help:"Write the file again, with what became of every row."`
}

func (c *importCommand) Run(s *session) error {
	query, err := c.options(s)
	if err != nil {
		return err
	}
	content, size, err := c.open(s)
	if err != nil {
		return err
	}
	defer content.Close()
	server, err := s.connect()
	if err != nil {
		return err
	}
	bar := s.progress()
	raw, err := c.send(s, server, query, content, size, bar)
	if err != nil {
		return err
	}
	b, err := as[batchView](raw)
	if err != nil {
		return err
	}
	if c.NoWait {
		return c.accepted(s, b, raw)
	}
	f := &follower{s: s, client: server, bar: bar, latest: raw, view: b}
	if query.Get("then") == "plan" {
		if b, err = f.wait(b.ID, false); err != nil {
			return err
		}
		if goOn, err := c.planned(s, server, b, f.latest); err != nil || !goOn {
			return err
		}
		if _, err := client.Call[json.RawMessage](s.ctx, server, http.MethodPost, escaped("batches", b.ID, "run"), nil, nil); err != nil {
			return err
		}
	}
	if b, err = f.wait(b.ID, true); err != nil {
		return err
	}
	return c.ended(s, server, b, f.latest, query.Get("then") != "plan")
}

// options checks the flags and puts them into the form that the API takes.
func (c *importCommand) options(s *session) (url.Values, error) {
	mapping := map[string]string{}
	for _, m := range c.Map {
		at := strings.LastIndex(m, "=") // a header may have one, a field never
		if at <= 0 || at == len(m)-1 {
			return nil, s.exitf(ExitUsage, "--map %s: it needs the form HEADER=FIELD, such as --map \"Mail=email\".", m)
		}
		mapping[m[:at]] = m[at+1:]
	}
	query := url.Values{"mode": {c.Mode}, "email": {c.Email}, "empty": {c.Empty}, "name": {c.name()}, "then": {c.then(s)}}
	for name, value := range map[string]string{"sheet": c.Sheet, "source": c.Source, "dates": c.Dates} {
		if value != "" {
			query.Set(name, value)
		}
	}
	if len(mapping) > 0 {
		packed, err := json.Marshal(mapping)
		if err != nil {
			return nil, fmt.Errorf("encode mapping: %w", err)
		}
		query.Set("mapping", string(packed))
	}
	return query, nil
}

func (c *importCommand) name() string {
	switch {
	case c.Name != "":
		return c.Name
	case c.File == "-":
		return "stdin"
	}
	return filepath.Base(c.File)
}

// then says what the server is to do with the file: make the plan if that is to be shown, else carry it out at once.
func (c *importCommand) then(s *session) string {
	if c.Preview || !c.Yes && !c.NoWait && c.asks(s) {
		return "plan"
	}
	return "run"
}

// asks says whether there is somebody to ask.
func (c *importCommand) asks(s *session) bool {
	return c.File != "-" && !s.JSON && isTerminal(s.in) && isTerminal(s.errs)
}

// open opens the file. size is 0 where it is not known.
func (c *importCommand) open(s *session) (content io.ReadCloser, size int64, err error) {
	if c.File == "-" {
		return io.NopCloser(s.in), 0, nil
	}
	file, err := os.Open(c.File)
	if err != nil {
		return nil, 0, s.unreadable(c.File, err)
	}
	info, err := file.Stat()
	if err == nil && info.IsDir() {
		err = s.exitf(ExitUsage, "%s is a folder. Name a file.", c.File)
	}
	if err != nil {
		return nil, 0, errors.Join(err, file.Close())
	}
	return file, info.Size(), nil
}

// send uploads the file as it is read.
func (c *importCommand) send(s *session, server *client.Client, query url.Values, content io.Reader, size int64, bar *progress) (json.RawMessage, error) {
	if bar != nil {
		label := s.t.Text("Sending")
		defer bar.end()
		content = &counted{Reader: content, see: func(read int64) {
			if read > 1<<20 { // less is there at once
				bar.show(label, read, size, s.t.Text("bytes"))
			}
		}}
	}
	return client.Upload[json.RawMessage](s.ctx, server, "/v1/batches", query, contentType(c.File), content)
}

func (s *session) unreadable(path string, err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return s.exitf(ExitUsage, "There is no file %s.", path)
	}
	return s.exitf(ExitUsage, "%s cannot be read: %v", path, bare(err))
}

// contentType says what a file is by its name; what has no telling name is looked into by the server.
func contentType(name string) string {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".csv", ".tsv", ".txt":
		return "text/csv"
	case ".xlsx":
		return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	case ".json":
		return "application/json"
	case ".ndjson", ".jsonl":
		return "application/x-ndjson"
	}
	return "application/octet-stream"
}

func (c *importCommand) accepted(s *session, b batchView, raw json.RawMessage) error {
	if s.JSON {
		return s.printJSON(raw)
	}
	s.printf("%s", b.ID)
	s.notef("To follow it: muster batches watch %s", b.ID)
	return nil
}

// planned shows the plan, and says whether to go on.
func (c *importCommand) planned(s *session, server *client.Client, b batchView, raw json.RawMessage) (goOn bool, err error) {
	if b.State != muster.Planned {
		return false, c.ended(s, server, b, raw, true)
	}
	if s.JSON {
		if err := s.printJSON(raw); err != nil {
			return false, err
		}
	} else if err := s.showPlan(server, b); err != nil {
		return false, err
	}
	if c.Preview && c.Result != "" {
		if err := s.saveResult(server, b.ID, c.Result); err != nil {
			return false, err
		}
	}
	switch {
	case s.JSON:
		return false, planOutcome(b)
	case c.Preview:
		s.printf("Nothing has been changed. To carry it out: muster batches run %s", b.ID)
		return false, planOutcome(b)
	case !s.confirm("Carry it out?"):
		s.printf("Nothing has been changed. To carry it out: muster batches run %s", b.ID)
		return false, &exit{code: ExitFailed}
	}
	return true, nil
}

func (s *session) showPlan(server *client.Client, b batchView) error {
	s.planSummary(b)
	s.unused(b)
	if err := s.samples(server, b); err != nil {
		return err
	}
	return s.failures(server, b)
}

func planOutcome(b batchView) error {
	switch {
	case b.Plan.Hold != "":
		return &exit{code: ExitHeld}
	case b.Counts.Failed > 0:
		return &exit{code: ExitPartial}
	}
	return nil
}

// ended shows how it went. first says that the file was not spoken of before.
func (c *importCommand) ended(s *session, server *client.Client, b batchView, raw json.RawMessage, first bool) error {
	if s.JSON {
		if err := s.printJSON(raw); err != nil {
			return err
		}
	} else {
		s.summary(b)
		if first {
			s.unused(b)
		}
		if err := s.failures(server, b); err != nil {
			return err
		}
	}
	if c.Result != "" {
		if err := s.saveResult(server, b.ID, c.Result); err != nil {
			return err
		}
	} else if b.Counts.Failed > 0 && !s.JSON {
		s.printf("The file with what became of every row: muster batches result %s -o FILE", b.ID)
	}
	return s.outcome(b)
}

// saveResult writes the result sheet to a file, which is complete or not there; - is standard output.
func (s *session) saveResult(server *client.Client, id, path string) error {
	route := escaped("batches", id, "result")
	if path == "-" {
		_, err := server.Download(s.ctx, route, nil, s.out)
		return err
	}
	part := path
	if info, err := os.Stat(path); err != nil || info.Mode().IsRegular() { // what is no file, such as a pipe, is written to and not replaced
		part = fmt.Sprintf("%s.%d.part", path, os.Getpid())
	}
	file, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666) // as far as the umask lets
	if err != nil {
		return s.unwritable(path, err)
	}
	_, err = server.Download(s.ctx, route, nil, file)
	err = errors.Join(err, file.Close())
	if part != path && err == nil {
		err = os.Rename(part, path)
	}
	if err != nil {
		if part != path {
			err = errors.Join(err, os.Remove(part))
		}
		return s.unwritable(path, err)
	}
	if !s.JSON {
		s.printf("What became of every row: %s", path)
	}
	return nil
}

// unwritable explains a file system's no; other errors stay as they are.
func (s *session) unwritable(path string, err error) error {
	var refused *client.Refused
	var unreachable *client.Unreachable
	if errors.As(err, &refused) || errors.As(err, &unreachable) {
		return err
	}
	return s.exitf(ExitFailed, "%s cannot be written: %v", path, bare(err))
}

// bare is an error of the file system without the path, which the sentence around it names.
func bare(err error) error {
	var where *os.PathError
	if errors.As(err, &where) {
		return where.Err
	}
	return err
}

// confirm asks a question that is answered with yes or no.
func (s *session) confirm(question string) bool {
	fmt.Fprintf(s.errs, "%s [%s] ", s.t.Text(question), s.t.Text("y/N"))
	answer, _ := bufio.NewReader(s.in).ReadString('\n') // no answer is no
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes", "o", "oui":
		return true
	}
	return false
}

// progress is where work is shown; nil where the output is for programs.
func (s *session) progress() *progress {
	if s.JSON {
		return nil
	}
	return newProgress(s.errs)
}
