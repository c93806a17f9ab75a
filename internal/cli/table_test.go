package cli

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"unicode"
)

func TestTable(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	table := newTable(&out, "name", "state")
	table.row("Élodie", "active")
	table.row("Bo", "")
	if err := table.flush(); err != nil {
		t.Fatal(err)
	}
	if want := "NAME    STATE\nÉlodie  active\nBo\n"; out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
}

func TestTableHoldsOnlyItsFirstRows(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	table := newTable(&out, "n", "x")
	for i := range 10_000 {
		table.row(fmt.Sprint(i), "x")
		if len(table.rows) > tableWindow {
			t.Fatalf("%d rows are held back", len(table.rows))
		}
	}
	if err := table.flush(); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(out.String(), "\n"); n != 10_001 {
		t.Errorf("%d lines", n)
	}
}

func TestTableCutsAllButTheLastColumn(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	table := newTable(&out, "a", "b")
	table.row(strings.Repeat("é", 100), strings.Repeat("b", 100))
	if err := table.flush(); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), strings.Repeat("é", widest-1)+"…  "+strings.Repeat("b", 100)+"\n") {
		t.Errorf("got %q", out.String())
	}
}

func TestFacts(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	facts(&out, "  ", "rows", "5", "nothing known of it", "", "créées", "3")
	if want := "  rows    5\n  créées  3\n"; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}

// What people and outside systems write must not reach the terminal as commands.
func FuzzClean(f *testing.F) {
	f.Add("a\x1b[2Jb\r\nc\u202e\xff\u0000\t")
	f.Fuzz(func(t *testing.T, text string) {
		for _, r := range clean(text) {
			if !unicode.IsPrint(r) {
				t.Errorf("%q stays in %q", r, clean(text))
			}
		}
	})
}
