// Command bench measures Muster against the raw limit of the machine it runs on: the same rows written by the bare database driver, right before
// and right after. It prints a table to paste, and judges nothing: it ends with 0 whatever the figures are.
//
// Speeds of a shared machine swing by a factor of two within minutes, so absolute figures mean little and ratios within one run are what counts.
// docs/performance.md says how to read them. Parts are chosen with -only; one file here measures one part.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/musterid/muster/internal/sheet"
)

// bench is one run of the program.
type bench struct {
	rows      int
	present   int
	rounds    int
	namesakes int
	accounts  int
	watched   int
	watching  time.Duration
	latency   time.Duration
	clients   int
	creates   int
	scale     string
	binary    string
	seed      uint64
	full      bool
	only      string
	engines   string
	files     string
	profile   string
	allocs    string
	disk      *disk // nil for the machine's own

	out      io.Writer
	dir      string // for everything that is written
	postgres *server
}

// part is one thing that is measured.
type part struct {
	name, what string
	run        func(context.Context, *bench) error
}

var parts = []part{
	{"import", "people from a CSV file, from the first byte to the finished batch", measureImports},
	{"formats", "the same people as CSV, XLSX and NDJSON", measureFormats},
	{"usernames", "the next username of a common name against that of a new one", measureUsernames},
	{"memory", "peak memory of a process that imports", measureMemory},
	{"delivery", "accounts on a target that answers at once, and on OpenLDAP", measureDelivery},
	{"update", "an import that changes one field of everybody, and one that changes nothing", measureUpdates},
	{"scale", "imports of several sizes", measureScale},
	{"singles", "people enrolled one by one by several clients, alone and beside a bulk job", measureSingles},
	{"pages", "pages of lists at several depths and sizes", measurePages},
	{"lookup", "one person among many, against slapd", measureLookups},
	{"results", "pages of 1,000 results against pages of 1,000 people", measureResults},
	{"jobs", "bulk jobs of the JumpCloud surface, from the first byte to the readable results", measureJobs},
	{"passwords", "passwords of rows against bare hashing, and an import while they are hashed", measurePasswords},
	{"start", "from the start of the program to its being ready", measureStarts},
	{"polling", "answers to an open tracking screen, during a run and after it", measurePolling},
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == childArgument {
		if err := child(os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		return
	}
	b := &bench{out: os.Stdout}
	flag.IntVar(&b.rows, "rows", 50_000, "people that an import brings")
	flag.IntVar(&b.present, "present", 100_000, "people who are there already, on SQLite")
	flag.IntVar(&b.rounds, "rounds", 3, "how often Muster and the raw limit take turns; the median counts")
	flag.IntVar(&b.namesakes, "namesakes", 100_000, "people of one name whose next username is measured")
	flag.IntVar(&b.accounts, "accounts", 2_500, "accounts that are delivered")
	flag.IntVar(&b.watched, "watched", 10_000, "people in the batches that a tracking screen shows")
	flag.DurationVar(&b.watching, "watching", time.Minute, "how long that screen is open, during a run and again after it")
	flag.DurationVar(&b.latency, "latency", 10*time.Millisecond, "how long the target takes for each call while the screen is open")
	flag.IntVar(&b.clients, "clients", 8, "clients that enrol people one by one at the same time")
	flag.IntVar(&b.creates, "creates", 4_000, "people they enrol in each round")
	flag.StringVar(&b.scale, "scale", "10000,100000", "how many people there are where sizes are compared, separated by commas; 1000000 takes some minutes")
	flag.StringVar(&b.binary, "muster", "", "program that is measured where it is asked over HTTP, instead of one that is built now")
	flag.Uint64Var(&b.seed, "seed", 1, "seed of the made-up people")
	flag.BoolVar(&b.full, "full", false, "also measure memory with 1,000,000 rows (some minutes more for each of -files)")
	flag.StringVar(&b.files, "files", sheet.CSV, "files whose import is measured for memory: csv, xlsx, json, ndjson, separated by commas")
	flag.StringVar(&b.only, "only", "", "parts to measure, separated by commas: "+strings.Join(names(), ", "))
	flag.StringVar(&b.engines, "engines", "sqlite,postgres", "databases to measure on")
	flag.StringVar(&b.profile, "cpuprofile", "", "write a CPU profile of everything to this file")
	flag.StringVar(&b.allocs, "memprofile", "", "write a profile of everything that was allocated to this file")
	flag.Func("disk", "writes and megabytes a second of a disk to be held to, such as 3000,125 (Linux, as root)", func(text string) error {
		b.disk = &disk{}
		return b.disk.set(text)
	})
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := b.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
	}
}

func names() []string {
	list := make([]string, len(parts))
	for i, p := range parts {
		list[i] = p.name
	}
	return list
}

func (b *bench) run(ctx context.Context) (err error) {
	if b.dir, err = os.MkdirTemp("", "muster-bench-"); err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	if err := os.Chmod(b.dir, 0o755); err != nil { // a database server of another user has its folder below
		return err
	}
	if b.disk != nil {
		release, err := b.disk.hold(b.dir)
		if err != nil {
			return fmt.Errorf("hold to another disk: %w", err)
		}
		defer release()
	}
	if b.on("postgres") {
		if b.postgres, err = startPostgres(ctx, b.dir, b.disk != nil); err != nil {
			b.printf("PostgreSQL is left out: %v\n\n", err)
		} else {
			defer b.postgres.stop()
		}
	}
	if err := b.introduce(ctx); err != nil {
		return err
	}
	done, err := b.startProfiles()
	if err != nil {
		return err
	}
	defer done()
	var errs []error
	for _, p := range parts {
		if b.only != "" && !slices.Contains(strings.Split(b.only, ","), p.name) {
			continue
		}
		started := time.Now()
		b.printf("%s: %s\n", p.name, p.what)
		if err := p.run(ctx, b); err != nil {
			b.printf("  could not be measured: %v\n", err)
			errs = append(errs, fmt.Errorf("%s: %w", p.name, err))
		}
		b.printf("  (%.0f s)\n\n", time.Since(started).Seconds())
		runtime.GC()
	}
	return errors.Join(errs...)
}

func (b *bench) on(engine string) bool { return slices.Contains(strings.Split(b.engines, ","), engine) }

func (b *bench) printf(format string, args ...any) { fmt.Fprintf(b.out, format, args...) }
