package cli

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"
)

// paced is a progress whose clock moves by step with each look at it.
func paced(w io.Writer, terminal bool, step time.Duration) *progress {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	return &progress{w: w, terminal: terminal, now: func() time.Time { at = at.Add(step); return at }}
}

func TestProgressWithoutTerminal(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	p := paced(&out, false, time.Second)
	p.show("People", 0, 100, "")
	p.show("People", 10, 100, "") // too early for another line
	p.show("People", 50, 100, "1 failed")
	p.show("People", 100, 100, "") // the end is always told
	p.show("People", 100, 100, "") // and told once
	p.show("Accounts", 0, 7, "")
	p.end()
	want := "People         0 %  0/100\nPeople        50 %  50/100  1 failed\nPeople       100 %  100/100\nAccounts       0 %  0/7\n"
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
}

func TestProgressOnTerminal(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	p := paced(&out, true, time.Second)
	p.show("People", 50, 100, "about 90 s left")
	p.show("People", 100, 100, "")
	p.end()
	lines := strings.Split(out.String(), "\r")
	if len(lines) != 3 || !strings.Contains(lines[1], "[###############...............]  50 %  50/100  about 90 s left") {
		t.Fatalf("drawn: %q", lines)
	}
	last := strings.TrimSuffix(lines[2], "\n")
	if !strings.Contains(last, "[##############################] 100 %  100/100") || len(last) < len(lines[1]) {
		t.Errorf("%q does not cover %q", last, lines[1])
	}
	if !strings.HasSuffix(out.String(), "\n") {
		t.Error("what follows would stand on the bar's line")
	}
}

func TestALineAboveTheBar(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	p := paced(&out, true, time.Second)
	p.above("before there is a bar")
	p.show("Accounts", 0, 2, "about 90 s left")
	width := len(p.drawn)
	p.above("short")
	p.show("Accounts", 1, 2, "")
	lines := strings.Split(out.String(), "\n")
	if len(lines) != 3 || lines[0] != "before there is a bar" {
		t.Fatalf("written: %q", lines)
	}
	_, over, _ := strings.Cut(strings.TrimPrefix(lines[1], "\r"), "\r")
	if strings.TrimRight(over, " ") != "short" || len(over) < width {
		t.Errorf("%q does not cover the bar", over)
	}
	if again, next, _ := strings.Cut(lines[2], "\r"); !strings.HasSuffix(again, "0/2  about 90 s left") || !strings.Contains(next, "1/2") {
		t.Errorf("the bar goes on as %q", lines[2])
	}
	out.Reset()
	p = paced(&out, false, time.Second)
	p.show("Accounts", 0, 2, "")
	if p.above("why"); out.String() != "Accounts       0 %  0/2\nwhy\n" {
		t.Errorf("without a terminal: %q", out.String())
	}
}

func TestProgressIsDrawnSeldom(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	p := paced(&out, true, time.Millisecond)
	for i := range int64(1000) {
		p.show("People", i, 1000, "")
	}
	if n := strings.Count(out.String(), "\r"); n > 11 {
		t.Errorf("drawn %d times in a second", n)
	}
}

func TestShortly(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{5 * time.Second: "5 s", 119 * time.Second: "119 s", 3 * time.Minute: "3 min", 130 * time.Minute: "2 h 10 min"} {
		if got := shortly(d); got != want {
			t.Errorf("%s: %q, want %q", d, got, want)
		}
	}
}
