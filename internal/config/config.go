// Package config is the settings of one process: what they are called, what they are when nobody says, and what is refused.
//
// The struct tags are kong's: the command line makes a flag of each field, and an environment variable MUSTER_…, so a setting is written down
// once, here. Reading flags and environment is internal/cli's; acting on settings is internal/app's. What belongs to a tenant (limits of plans,
// how usernames are made) is no setting of a process and lives in the database.
package config

import (
	"net"
	"strings"

	"github.com/musterid/muster"
)

// Config is how one process runs. The zero value of a field is its default.
type Config struct {
	Data     string `name:"data" env:"MUSTER_DATA" placeholder:"DIR" default:"muster-data" help:"Folder of the database, the sealing key and the first admin key. Made when it is not there."`
	Listen   string `name:"listen" env:"MUSTER_LISTEN" placeholder:"ADDRESS" default:"127.0.0.1:8080" help:"Address to serve HTTP on. Port 0 takes a free one."`
	Database string `name:"database" env:"MUSTER_DATABASE" placeholder:"URL" help:"postgres://… to use PostgreSQL. Without it, SQLite in the data folder."`

	SealingKeyFile string `name:"sealing-key-file" env:"MUSTER_SEALING_KEY_FILE" placeholder:"FILE" help:"Sealing key of the database, for further nodes. Default: sealing.key in the data folder."`
	SealingKey     string `name:"sealing-key" env:"MUSTER_SEALING_KEY" hidden:"" help:"The sealing key itself. Better in the environment than on the command line."`

	Workers   int    `name:"workers" env:"MUSTER_WORKERS" placeholder:"N" default:"4" help:"Jobs that run at the same time in each lane of work. -1 leaves the work to other nodes."`
	LogLevel  string `name:"log-level" env:"MUSTER_LOG_LEVEL" placeholder:"LEVEL" default:"info" help:"debug, info, warn or error."`
	LogFormat string `name:"log-format" env:"MUSTER_LOG_FORMAT" placeholder:"FORMAT" default:"text" help:"text or json."`

	Mail Mail `embed:""`

	EdConnekt EdConnekt `embed:""`

	JumpCloud JumpCloud `embed:""`

	Limits Limits `embed:""`
}

// Limits bound what one request may cost. An error about one names it as it is called here.
type Limits struct {
	Body      int64 `name:"body-bytes" env:"MUSTER_BODY_BYTES" placeholder:"N" default:"1048576" help:"Largest JSON body, in bytes."`
	Depth     int   `name:"body-depth" env:"MUSTER_BODY_DEPTH" placeholder:"N" default:"32" help:"Deepest nesting of a JSON body or row."`
	Upload    int64 `name:"upload-bytes" env:"MUSTER_UPLOAD_BYTES" placeholder:"N" default:"536870912" help:"Largest file, in bytes."`
	Rows      int   `name:"rows" env:"MUSTER_ROWS" placeholder:"N" default:"1100000" help:"Most rows of a file."`
	Columns   int   `name:"columns" env:"MUSTER_COLUMNS" placeholder:"N" default:"256" help:"Most columns of a file."`
	CellBytes int   `name:"cell-bytes" env:"MUSTER_CELL_BYTES" placeholder:"N" default:"32768" help:"Largest cell, in bytes."`
	LineBytes int   `name:"line-bytes" env:"MUSTER_LINE_BYTES" placeholder:"N" default:"1048576" help:"Longest line of a text file, in bytes."`
	Inflated  int64 `name:"inflated-bytes" env:"MUSTER_INFLATED_BYTES" placeholder:"N" default:"4294967296" help:"Most bytes that a workbook may unpack to."`
	Ratio     int   `name:"ratio" env:"MUSTER_RATIO" placeholder:"N" default:"100" help:"Most that a part of a workbook may grow while it is unpacked."`
}

// WithDefaults gives c with every zero field at its default.
func (c Config) WithDefaults() Config {
	set(&c.Data, "muster-data")
	set(&c.Listen, "127.0.0.1:8080")
	set(&c.Workers, 4)
	set(&c.LogLevel, "info")
	set(&c.LogFormat, "text")
	c.Mail.setDefaults()
	c.JumpCloud.setDefaults()
	l := &c.Limits
	set(&l.Body, 1<<20)
	set(&l.Depth, 32)
	set(&l.Upload, 512<<20)
	set(&l.Rows, 1_100_000)
	set(&l.Columns, 256)
	set(&l.CellBytes, 32<<10)
	set(&l.LineBytes, 1<<20)
	set(&l.Inflated, 4<<30)
	set(&l.Ratio, 100)
	return c
}

func set[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Check gives every fault of the settings, each named as on the command line.
func (c Config) Check() error {
	var faults muster.Errors
	add := func(field, format string, args ...any) {
		faults = append(faults, muster.Errorf(muster.Invalid, field, format, args...))
	}
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		add("listen", "%q is no address to listen on. It needs the form 127.0.0.1:8080, or :8080 for all of the machine's addresses.", c.Listen)
	}
	if c.Database != "" && !strings.HasPrefix(c.Database, "postgres://") && !strings.HasPrefix(c.Database, "postgresql://") {
		add("database", "The database is given as postgres://user:password@host/name, or not at all for SQLite.")
	}
	if c.SealingKey != "" && c.SealingKeyFile != "" {
		add("sealing-key-file", "The sealing key is given twice: as a file and as itself. Keep one of them.")
	}
	c.Mail.check(c.Listen, add)
	c.JumpCloud.check(add)
	if !oneOf(c.LogLevel, "debug", "info", "warn", "error") {
		add("log-level", "%q is none of debug, info, warn, error.", c.LogLevel)
	}
	if !oneOf(c.LogFormat, "text", "json") {
		add("log-format", "%q is neither text nor json.", c.LogFormat)
	}
	if c.Workers < -1 || c.Workers > 1000 {
		add("workers", "The number of workers is 1 to 1000, or -1 for none.")
	}
	l := c.Limits
	for _, limit := range []struct {
		name string
		n    int64
	}{
		{"body-bytes", l.Body},
		{"body-depth", int64(l.Depth)},
		{"upload-bytes", l.Upload},
		{"rows", int64(l.Rows)},
		{"columns", int64(l.Columns)},
		{"cell-bytes", int64(l.CellBytes)},
		{"line-bytes", int64(l.LineBytes)},
		{"inflated-bytes", l.Inflated},
		{"ratio", int64(l.Ratio)},
	} {
		if limit.n < 1 {
			add(limit.name, "A limit is at least 1, not %d.", limit.n)
		}
	}
	if l.Rows > muster.MaxItems {
		add("rows", "A batch holds at most %d rows.", muster.MaxItems)
	}
	return faults.Or()
}

func oneOf(word string, words ...string) bool {
	for _, w := range words {
		if w == word {
			return true
		}
	}
	return false
}
