package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
)

// share is a ratio, printed with two digits.
type share float64

// table gathers rows and prints them aligned.
type table struct {
	w *tabwriter.Writer
}

func (b *bench) table(columns ...string) *table {
	t := &table{tabwriter.NewWriter(b.out, 0, 0, 2, ' ', 0)}
	fmt.Fprintf(t.w, "  %s\n", strings.Join(columns, "\t"))
	return t
}

func (t *table) row(cells ...any) {
	texts := make([]string, len(cells))
	for i, c := range cells {
		switch v := c.(type) {
		case share:
			texts[i] = fmt.Sprintf("%.2f", float64(v))
		case float64:
			texts[i] = fmt.Sprintf("%.0f", v)
		default:
			texts[i] = fmt.Sprint(v)
		}
	}
	fmt.Fprintf(t.w, "  %s\n", strings.Join(texts, "\t"))
}

func (t *table) print() { _ = t.w.Flush() }

func shares(list []float64) string {
	texts := make([]string, len(list))
	for i, v := range list {
		texts[i] = fmt.Sprintf("%.2f", v)
	}
	return strings.Join(texts, " ")
}

// median is the middle of a list, or the mean of the two in the middle.
func median(list []float64) float64 {
	sorted := slices.Sorted(slices.Values(list))
	n := len(sorted)
	if n == 0 {
		return 0
	}
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// over divides one by one.
func over(a, b []float64) []float64 {
	result := make([]float64, len(a))
	for i := range a {
		result[i] = a[i] / b[i]
	}
	return result
}

// machine describes what this runs on, as far as it matters.
func machine() string {
	model := "processor of unknown make"
	if file, err := os.Open("/proc/cpuinfo"); err == nil {
		defer file.Close()
		for lines := bufio.NewScanner(file); lines.Scan(); {
			if name, value, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(name) == "model name" {
				model = strings.TrimSpace(value)
				break
			}
		}
	}
	return fmt.Sprintf("%d cores (%s), %s/%s, %s", runtime.NumCPU(), model, runtime.GOOS, runtime.GOARCH, runtime.Version())
}
