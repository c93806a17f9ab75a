// Package rehearsal is a target that lives in the process: the demo and every test that needs an outside system run against it. It can be told to
// be slow, to refuse, to lose answers after the work was done, and to be down.
//
// It is not a mock: accounts stay in a Server for as long as the process lives, whoever opens it again, and longer with a journal (the setting
// path). Tests look at a Server directly, through Named or NewServer. Its faults are in faults.go, what it remembers in server.go and journal.go.
package rehearsal

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/connector"
)

// Kind is the kind of target called rehearsal.
var Kind = connector.Kind{
	Name:   "rehearsal",
	Label:  "Rehearsal",
	Config: func() any { return &Config{Instance: "default"} },
	Open:   open,
	Powers: connector.Powers{Marker: true, Rename: true, Groups: true, List: true, Passwords: true, Activation: true},
}

// Config is what a rehearsal target is set to.
type Config struct {
	Instance  string   `json:"instance" label:"Instance" required:"true" help:"Targets of a tenant that name the same instance share one outside world, which lives as long as the process."`
	Path      string   `json:"path" label:"Journal" operator:"true" help:"File in which accounts outlive the process; its name ends in .rehearsal.jsonl. Processes that name the same file share one outside world, and the instance is then not used. Only operators of the installation may set it."`
	Strangers []string `json:"strangers" label:"Strangers" help:"Usernames of accounts that are there from the beginning and are not ours."`
	Faults
}

// journalSuffix keeps the setting path from naming a file that is anything else.
const journalSuffix = ".rehearsal.jsonl"

// Validate checks what the shape of single values does not say.
func (c *Config) Validate() error {
	var faults muster.Errors
	if c.Path != "" && !strings.HasSuffix(c.Path, journalSuffix) {
		faults = append(faults, muster.Errorf(muster.Invalid, "path", "The name of the journal must end in %s.", journalSuffix))
	}
	for name, percent := range map[string]int{"fail_before_commit_percent": c.FailBeforeCommitPercent, "fail_after_commit_percent": c.FailAfterCommitPercent} {
		if percent < 0 || percent > 100 {
			faults = append(faults, muster.Errorf(muster.Invalid, name, "A percentage is between 0 and 100."))
		}
	}
	for name, n := range map[string]int{"activate_after_secs": c.ActivateAfterSecs, "least_characters": c.LeastCharacters} {
		if n < 0 || n > 100_000_000 {
			faults = append(faults, muster.Errorf(muster.Invalid, name, "This is 0 or more, and at most 100000000."))
		}
	}
	if c.LatencyMS < 0 || c.LatencyMS > 600_000 {
		faults = append(faults, muster.Errorf(muster.Invalid, "latency_ms", "The latency is between 0 and 600000 milliseconds."))
	}
	return faults.Or()
}

func open(_ context.Context, config any, env connector.Environment) (connector.Connector, error) {
	c := config.(*Config)
	server, err := c.server(env.Tenant)
	if err != nil {
		return nil, err
	}
	if err := server.configure(c); err != nil {
		return nil, err
	}
	return server.Connector(), nil
}

func (c *Config) server(tenant int64) (*Server, error) {
	if c.Path != "" {
		return Opened(c.Path)
	}
	return of(tenant, c.Instance), nil
}

// conn is a server seen through the contract of a target.
type conn struct{ s *Server }

// Connector opens the server the way Kind.Open does.
func (s *Server) Connector() connector.Connector { return conn{s} }

func (c conn) Check(ctx context.Context) error { return c.s.call(ctx) }

func (c conn) Close() error { return nil }

func (c conn) Find(ctx context.Context, q connector.Query) (connector.Account, error) {
	if err := c.s.call(ctx); err != nil {
		return connector.Account{}, err
	}
	return c.s.find(q)
}

func (c conn) Apply(ctx context.Context, step connector.Step) (connector.Account, error) {
	if err := c.s.call(ctx); err != nil {
		return connector.Account{}, err
	}
	before, after := c.s.lots(stepName(step))
	if before {
		return connector.Account{}, errors.New("rehearsal: the connection broke before the work was done")
	}
	account, err := c.s.apply(step)
	if err == nil && after {
		return connector.Account{}, errors.New("rehearsal: the connection broke before the answer came")
	}
	return account, err
}

func stepName(step connector.Step) string {
	if step.ExternalID != "" {
		return step.ExternalID
	}
	return step.Username
}

func (c conn) List(ctx context.Context, each func(connector.Account) error) error {
	if err := c.s.call(ctx); err != nil {
		return err
	}
	cut := c.s.Faults().CutListAfter
	for i, account := range c.s.Accounts() {
		if cut > 0 && i == cut {
			return connector.ErrIncomplete
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		delete(account.Attributes, "groups")
		if err := each(account); err != nil {
			return err
		}
	}
	return nil
}

// codes reads a list of group codes as it stands in memory or comes out of JSON.
func codes(v any) []string {
	var list []string
	switch x := v.(type) {
	case []string:
		list = append(list, x...)
	case []any:
		for _, e := range x {
			if s, ok := e.(string); ok {
				list = append(list, s)
			}
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}
