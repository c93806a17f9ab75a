// Package cli is the command line: one file per command, each a struct whose fields are its flags and whose Run does it.
//
// Apart from serve and demo, which start the server that internal/app wires, every command is a caller of the native API of a running server, over
// internal/cli/client, and knows nothing that another program could not. What a command prints goes to standard output; progress, questions and
// errors go to standard error, so that output can be piped. help.go has the examples, exit.go what the exit codes mean.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/alecthomas/kong"
	"github.com/musterid/muster/internal/lang"
)

// Version is set when the program is linked.
var Version = "development"

// commands is the whole command line, in the order of its help.
type commands struct {
	Serve   serveCommand   `cmd:"" group:"server" help:"Run the server."`
	Demo    demoCommand    `cmd:"" group:"server" help:"See it work: a server with 537 real people, in a scratch folder, offline."`
	Doctor  doctorCommand  `cmd:"" group:"server" help:"Say what is right and wrong with a server and the way to it."`
	Version versionCommand `cmd:"" group:"server" help:"Print the version of this program."`

	Import    importCommand    `cmd:"" group:"people" help:"Bring people in from a spreadsheet: CSV, XLSX, JSON or NDJSON."`
	Batches   batchesCommand   `cmd:"" group:"people" help:"Look at imports and account work; run, release, cancel and retry them."`
	People    peopleCommand    `cmd:"" group:"people" help:"Look at people and change them, one at a time."`
	Units     unitsCommand     `cmd:"" group:"people" help:"The tree of units, and who is in them."`
	Groups    groupsCommand    `cmd:"" group:"people" help:"Groups, and who is in them."`
	Usernames usernamesCommand `cmd:"" group:"people" help:"Say which username a name would get."`

	Targets  targetsCommand  `cmd:"" group:"targets" help:"The outside systems that accounts are made in."`
	Accounts accountsCommand `cmd:"" group:"targets" help:"People's accounts on targets."`

	Keys    keysCommand    `cmd:"" group:"access" help:"API keys."`
	Tenants tenantsCommand `cmd:"" group:"access" help:"Tenants and their settings."`
}

// Main runs one command line and gives its exit code.
func Main(ctx context.Context, args []string, in io.Reader, out, errs io.Writer) int {
	s := newSession(ctx, in, out, errs)
	defer s.close()
	exited := -1
	var all commands
	parser, err := newParser(&all, s, func(code int) {
		if exited < 0 {
			exited = code
		}
	})
	if err != nil {
		fmt.Fprintln(errs, "muster:", err)
		return ExitFailed
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	parsed, err := parser.Parse(args)
	if exited >= 0 { // help was asked for and printed
		return exited
	}
	if err != nil {
		return s.usage(err)
	}
	return s.finish(parsed.Run())
}

func newParser(all *commands, s *session, exit func(int)) (*kong.Kong, error) {
	parser, err := kong.New(all,
		kong.Name("muster"),
		kong.Description(overview),
		kong.Writers(s.out, s.errs),
		kong.Exit(exit),
		kong.Bind(s),
		kong.Vars{"url": defaultURL},
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoAppDescFormat: true, WrapUpperBound: 110}),
		kong.ExplicitGroups([]kong.Group{
			{Key: "server", Title: "The server"},
			{Key: "people", Title: "People"},
			{Key: "targets", Title: "Outside systems"},
			{Key: "access", Title: "Access"},
			{Key: "remote", Title: "Which server:"},
		}),
	)
	if err != nil {
		return nil, err
	}
	attachExamples(parser.Model.Node)
	return parser, nil
}

// session is what a command works with.
type session struct {
	ctx  context.Context
	in   io.Reader
	out  io.Writer
	errs io.Writer
	t    lang.T
	remote
	closers []func()
}

func newSession(ctx context.Context, in io.Reader, out, errs io.Writer) *session {
	return &session{ctx: ctx, in: in, out: out, errs: errs, t: lang.FromEnvironment(os.Getenv)}
}

func (s *session) close() {
	for _, f := range s.closers {
		f()
	}
}

// printf writes a line of output, in the reader's language.
func (s *session) printf(format string, args ...any) {
	fmt.Fprintln(s.out, s.t.Sprintf(format, args...))
}

// notef writes a line beside the output, in the reader's language.
func (s *session) notef(format string, args ...any) {
	fmt.Fprintln(s.errs, s.t.Sprintf(format, args...))
}

// usage says what is wrong with a command line and where to read how it is meant.
func (s *session) usage(err error) int {
	fmt.Fprintf(s.errs, "muster: %s\n", strings.TrimSpace(err.Error()))
	command := "muster"
	var parsing *kong.ParseError
	if errors.As(err, &parsing) && parsing.Context != nil {
		if selected := parsing.Context.Selected(); selected != nil {
			command = selected.FullPath()
		}
	}
	s.notef("Run %s --help to see how it is used.", command)
	return ExitUsage
}
