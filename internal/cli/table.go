package cli

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	tableWindow = 100 // rows that are looked at to set the widths
	widest      = 60  // characters of a cell
)

// table writes rows in columns. Widths are set by the first rows, so that a list of any length needs no more memory than those.
type table struct {
	w      *bufio.Writer
	widths []int
	rows   [][]string
	fixed  bool
}

func newTable(w io.Writer, header ...string) *table {
	t := &table{w: bufio.NewWriter(w), widths: make([]int, len(header))}
	for i := range header {
		header[i] = strings.ToUpper(header[i])
	}
	t.row(header...)
	return t
}

func (t *table) row(cells ...string) {
	for i, cell := range cells {
		cell = clean(cell)
		if utf8.RuneCountInString(cell) > widest && i < len(t.widths)-1 { // the last one hinders nobody
			cell = string([]rune(cell)[:widest-1]) + "…"
		}
		cells[i] = cell
		if !t.fixed && i < len(t.widths) {
			t.widths[i] = max(t.widths[i], utf8.RuneCountInString(cell))
		}
	}
	if t.fixed {
		t.write(cells)
		return
	}
	if t.rows = append(t.rows, cells); len(t.rows) > tableWindow {
		t.settle()
	}
}

func (t *table) settle() {
	t.fixed = true
	for _, cells := range t.rows {
		t.write(cells)
	}
	t.rows = nil
}

func (t *table) write(cells []string) {
	var line strings.Builder
	for i, cell := range cells {
		line.WriteString(cell)
		if i < len(cells)-1 {
			line.WriteString(strings.Repeat(" ", max(t.widths[i]-utf8.RuneCountInString(cell), 0)+2))
		}
	}
	fmt.Fprintln(t.w, strings.TrimRight(line.String(), " "))
}

// flush writes what is still held back.
func (t *table) flush() error {
	t.settle()
	return t.w.Flush()
}

// facts writes names and values below each other, each line after indent. Empty values are left out.
func facts(w io.Writer, indent string, pairs ...string) {
	width := 0
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			width = max(width, utf8.RuneCountInString(pairs[i]))
		}
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			fmt.Fprintf(w, "%s%s%s  %s\n", indent, pairs[i], strings.Repeat(" ", width-utf8.RuneCountInString(pairs[i])), clean(pairs[i+1]))
		}
	}
}

// noBreak is the space before French signs, which Go does not count as printable.
const noBreak = '\u00a0'

// clean makes a text of unknown origin safe to print on one line of a terminal: what is not printable becomes a blank or a question mark.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			return ' '
		case r == utf8.RuneError || !unicode.IsPrint(r) && r != noBreak:
			return '?'
		}
		return r
	}, text)
}

// printJSON writes one value on one line.
func (s *session) printJSON(raw json.RawMessage) error {
	var line bytes.Buffer
	if err := json.Compact(&line, raw); err != nil {
		return fmt.Errorf("print answer: %w", err)
	}
	line.WriteByte('\n')
	_, err := s.out.Write(line.Bytes())
	return err
}
