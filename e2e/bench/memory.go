package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/musterid/muster/e2e/people"
	"github.com/musterid/muster/internal/store"
)

// Peak memory is that of a process of its own, which does nothing but import a file: this program, started again.

// childArgument tells the program that it is that process. The job follows as JSON.
const childArgument = "import-and-tell"

type childJob struct {
	Path, URL string // of the database
	File      string
	Kind      string
}

type childResult struct {
	PeakKiB int
	Seconds float64
}

// child imports a file and prints the peak of its memory.
func child(args []string) error {
	var job childJob
	if len(args) != 1 {
		return errors.New("this way of calling is the program's own")
	}
	if err := json.Unmarshal([]byte(args[0]), &job); err != nil {
		return err
	}
	ctx := context.Background()
	p, err := open(ctx, store.Options{Path: job.Path, URL: job.URL})
	if err != nil {
		return err
	}
	file, err := os.Open(job.File)
	if err != nil {
		return firstOf(err, p.close())
	}
	defer file.Close()
	start := time.Now()
	_, err = p.load(ctx, file, job.Kind)
	spent := time.Since(start)
	if err = firstOf(err, p.close()); err != nil {
		return err
	}
	peak, err := peakKiB()
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(childResult{PeakKiB: peak, Seconds: spent.Seconds()})
}

// peakKiB is the most memory this process ever had in use (VmHWM).
func peakKiB() (int, error) {
	file, err := os.Open("/proc/self/status")
	if err != nil {
		return 0, fmt.Errorf("peak memory is known on Linux only: %w", err)
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if rest, ok := strings.CutPrefix(lines.Text(), "VmHWM:"); ok {
			return strconv.Atoi(strings.Fields(rest)[0])
		}
	}
	return 0, errors.New("/proc/self/status does not tell the peak of memory")
}

func measureMemory(ctx context.Context, b *bench) error {
	engines, err := b.prepare(ctx, 0, 0)
	if err != nil {
		return err
	}
	sizes := []int{100_000}
	if b.full {
		sizes = append(sizes, 1_000_000)
	}
	t := b.table("database", "file", "rows", "peak MiB", "rows/s", "peak / peak of the first size")
	for _, kind := range strings.Split(b.files, ",") {
		first := map[string]float64{}
		for _, rows := range sizes {
			path := filepath.Join(b.dir, fmt.Sprintf("people-%d.%s", rows, kind))
			if err := writeFile(path, b.seed, kind, rows); err != nil {
				return err
			}
			for _, e := range engines {
				result, err := e.inChild(ctx, path, kind)
				if err != nil {
					return fmt.Errorf("%s: %w", e.name, err)
				}
				peak := float64(result.PeakKiB) / 1024
				if first[e.name] == 0 {
					first[e.name] = peak
				}
				t.row(e.name, kind, rows, peak, float64(rows)/result.Seconds, share(peak/first[e.name]))
			}
			if err := os.Remove(path); err != nil {
				return err
			}
		}
	}
	t.print()
	return nil
}

func writeFile(path string, seed uint64, kind string, rows int) error {
	file, err := os.Create(filepath.Clean(path))
	if err != nil {
		return err
	}
	if err := people.New(seed, "new").Write(file, kind, rows); err != nil {
		_ = file.Close()
		return err
	}
	return file.Close()
}

func (e *engine) inChild(ctx context.Context, path, kind string) (result childResult, err error) {
	o, done, err := e.fresh(ctx)
	if err != nil {
		return result, err
	}
	defer done()
	job, err := json.Marshal(childJob{Path: o.Path, URL: o.URL, File: path, Kind: kind})
	if err != nil {
		return result, err
	}
	self, err := os.Executable()
	if err != nil {
		return result, err
	}
	command := exec.CommandContext(ctx, self, childArgument, string(job))
	command.Stderr = os.Stderr
	out, err := command.Output()
	if err != nil {
		return result, fmt.Errorf("the importing process: %w", err)
	}
	return result, json.Unmarshal(out, &result)
}
