package sheet

import (
	"encoding/csv"
	"fmt"
	"io"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/musterid/muster"
)

func TestCSVRows(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, in, header, want string }{
		{"Plain", "a,b\n1,2\n3,4", "a|b", "2:1|2\n3:3|4"},
		{"HeaderOnly", "a,b\n", "a|b", ""},
		{"HeaderOnlyNoEnd", "a,b", "a|b", ""},
		{"BlankRowsCount", "a,b\n\n1,2\n , \n;\n3,4\n\n", "a|b", "3:1|2\n5:;|\n6:3|4"},
		{"BlankRowsBeforeHeader", "\n,,\na,b\n1,2\n", "a|b", "4:1|2"},
		{"ShortRowPadded", "a,b,c\n1\n", "a|b|c", "2:1||"},
		{"LongRowFault", "a,b\n1,2,3\n4,5\n", "a|b", "2:1|2|3 !The row has more cells than the header (2). A value with \",\" inside must stand in double quotes.\n3:4|5"},
		{"LongRowOfBlanks", "a,b\n1,2,,\n", "a|b", "2:1|2"},
		{"QuotedNewlineIsOneRow", "a,b\n\"x\ny\",1\nz,2\n", "a|b", "2:x\ny|1\n3:z|2"},
		{"OldMacLineEnds", "a,b\r1,2\r3,4\r", "a|b", "2:1|2\n3:3|4"},
		{"MixedLineEnds", "a,b\r\n1,2\n3,4\r5,6", "a|b", "2:1|2\n3:3|4\n4:5|6"},
		{"QuoteInsidePlain", "a,b\n5\" pipe,Jo \"J\" D\n", "a|b", "2:5\" pipe|Jo \"J\" D"},
		{"SpaceAfterQuote", "a,b\n\"1\" ,2\n", "a|b", "2:1|2"},
		{"EmptyQuoted", "a,b\n\"\",\"\"\"\"\n", "a|b", "2:|\""},
		{"HeaderTrimmed", " a , \"b \"\n1,2\n", "a|\"b \"", "2:1|2"},
		{"BlankHeaderNamed", "a,,c,\n1,2,3,4\n", "a|Column B|c|Column D", "2:1|2|3|4"},
		{"BlankHeaderNameTaken", "Column B,\n1,2\n", "Column B|Column B (2)", "2:1|2"},
		{"Semicolon", "a;b,c\n1;2\n", "a|b,c", "2:1|2"},
		{"Bar", "a|b\n1|2\n", "a|b", "2:1|2"},
		{"DelimiterInQuotesNotCounted", "\"a,b,c\";d\n1;2\n", "a,b,c|d", "2:1|2"},
		{"OneColumn", "email\nx@y.z\n", "email", "2:x@y.z"},
		{"Sep", "sep=,\na;b,c\n1,2\n", "a;b|c", "2:1|2"},
		{"SepTab", "sep=\t\na,b,c\td\n1\t2\n", "a,b,c|d", "2:1|2"},
		{"VersionLine", "version:v1.0,,\nName [displayName] Required,x,y\nAna,1,2\n", "Name [displayName] Required|x|y", "3:Ana|1|2"},
		{"ApostropheTakenOff", "a,b,c,d\n'=x,'+33,O'x,'abc\n", "a|b|c|d", "2:=x|+33|O'x|'abc"},
		{"PlusKept", "tel\n+33612345678\n", "tel", "2:+33612345678"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := openText(t, c.in, Options{})
			if got := strings.Join(r.Header(), "|"); got != c.header {
				t.Errorf("header = %q, want %q", got, c.header)
			}
			if got := flat(readAll(t, r)); got != c.want {
				t.Errorf("rows = %q\nwant   %q", got, c.want)
			}
		})
	}
}

func TestCSVFaults(t *testing.T) {
	t.Parallel()
	small := Limits{Columns: 3, CellBytes: 10, LineBytes: 100, Rows: 2, Bytes: 1000}
	for _, c := range []struct {
		name, in string
		limits   Limits
		code     muster.Code
		want     string
	}{
		{"Empty", "", Limits{}, muster.Invalid, "The file is empty."},
		{"OnlyBlanks", " \n,,\n", Limits{}, muster.Invalid, "There is no header"},
		{"LoneQuote", "a,b\n1,2\n\"x,2\n3,4\n", Limits{}, muster.Invalid, "begins on line 3 "},
		{"LoneQuoteMeetsAnother", "a,b\n\"x\ny\",2\n\"z,2\n3,\"w\"\n", Limits{}, muster.Invalid, "begins on line 4 "},
		{"TextAfterQuote", "a,b\n\"x\"y,2\n", Limits{}, muster.Invalid, "begins on line 2 "},
		{"NUL", "a,b\n1,2\nx\x00y,2\n", Limits{}, muster.Invalid, "Line 3 has a NUL byte at character 2"},
		{"SameHeader", "Mail,b, mail\n", Limits{}, muster.Invalid, "Columns A and C have the same header"},
		{"Columns", "a,b,c,d\n", small, muster.TooLong, "(limit columns)"},
		{"ColumnsFar", "a,b,c,d,e,f\n", small, muster.TooLong, "(limit columns)"},
		{"Rows", "a\n1\n2\n3\n", small, muster.TooLong, "more than 2 rows. Send it in parts (limit rows)"},
		{"BlankRows", "a\n\n\n\n1\n", small, muster.TooLong, "more than 2 blank rows. Remove them (limit rows)"},
		{"BlankAbove", strings.Repeat("\n", 2000) + "a\n1\n", Limits{}, muster.Invalid, "The first 1000 rows are blank"},
		{"Line", "a\n1\n" + strings.Repeat("x", 101) + "\n", small, muster.TooLong, "Line 3 is longer than 100 bytes (limit line_bytes)"},
		{"Bytes", "a\n" + strings.Repeat("1\n", 500), small, muster.TooLong, "(limit upload_bytes)"},
		{"HeaderCell", strings.Repeat("h", 11) + ",b\n", small, muster.TooLong, "(limit cell_bytes)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e := readError(t, c.in, Options{Limits: c.limits})
			if e.Code != c.code || !strings.Contains(e.Message, c.want) {
				t.Errorf("error = %s %q, want %s with %q", e.Code, e.Message, c.code, c.want)
			}
		})
	}
}

func TestCSVLongCellIsARowsFault(t *testing.T) {
	t.Parallel()
	r := openText(t, "nom,b\n"+strings.Repeat("é", 6)+",1\nok,2\n", Options{Limits: Limits{CellBytes: 11}})
	rows := readAll(t, r)
	if len(rows) != 2 || len(rows[0].Faults) != 1 || len(rows[1].Faults) != 0 {
		t.Fatalf("rows = %+v", rows)
	}
	f := rows[0].Faults[0]
	if f.Code != muster.TooLong || f.Field != "nom" || !strings.Contains(f.Message, "column A") || !strings.Contains(f.Message, "limit cell_bytes") {
		t.Errorf("fault = %+v", f)
	}
	if got := rows[0].Cells[0]; got != "ééééé" {
		t.Errorf("cell = %q, want it cut at a whole character", got)
	}
}

// endless gives one line that never ends, and counts what was taken of it.
type endless struct{ n int }

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	e.n += len(p)
	return len(p), nil
}

func TestEndlessLineStopsEarly(t *testing.T) {
	t.Parallel()
	in := &endless{}
	_, err := Open(in, Options{Kind: CSV})
	if muster.CodeOf(err) != muster.TooLong {
		t.Fatalf("error = %v", err)
	}
	if in.n > 2<<20 {
		t.Errorf("%d bytes were read to refuse a line of 1 MiB", in.n)
	}
}

func TestEndlessQuotedCellIsNotKept(t *testing.T) {
	t.Parallel()
	in := io.MultiReader(strings.NewReader("a,b\n\""), strings.NewReader(strings.Repeat("some text\n", 300_000)))
	r, err := Open(in, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err = r.Next(); err == nil || !strings.Contains(err.Error(), "begins on line 2 ") {
		t.Errorf("error = %v", err)
	}
	if c := r.source.(*csvReader); cap(c.text) > 256<<10 {
		t.Errorf("%d bytes are kept of one cell", cap(c.text))
	}
}

// Whatever is written can be read again, in every dialect.
func TestCSVWriteReadProperty(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		width := rapid.IntRange(1, 5).Draw(t, "width")
		f := Format{
			Kind:      CSV,
			Encoding:  rapid.SampledFrom([]string{UTF8, UTF8BOM, UTF16LE, UTF16BE}).Draw(t, "encoding"),
			Delimiter: rapid.SampledFrom([]string{",", ";", "\t", "|"}).Draw(t, "delimiter"),
			CRLF:      rapid.Bool().Draw(t, "crlf"),
		}
		var header []string
		for i := range width {
			header = append(header, fmt.Sprintf("h%d,;", i))
		}
		cell := rapid.StringOf(rapid.RuneFrom([]rune("aé😀 \n\r\t\"',;|=+-@1\u200b")))
		var rows [][]string
		for range rapid.IntRange(0, 5).Draw(t, "rows") {
			rows = append(rows, rapid.SliceOfN(cell, width, width).Draw(t, "cells"))
		}
		var b strings.Builder
		w, err := NewWriter(&b, f, header, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			if err := w.Write(Row{Cells: r}); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		o := Options{}
		if width == 1 {
			o.Delimiter = f.Delimiter // nothing tells
		}
		r, err := Open(strings.NewReader(b.String()), o)
		if err != nil {
			t.Fatalf("Open %q: %v", b.String(), err)
		}
		defer r.Close()
		got, err := drainRows(r)
		if err != nil {
			t.Fatalf("Next %q: %v", b.String(), err)
		}
		i := 0
		for n, want := range rows {
			if blank(want) {
				continue
			}
			if i >= len(got) || got[i].Number != n+2 || strings.Join(got[i].Cells, "\x00") != strings.Join(want, "\x00") || len(got[i].Faults) > 0 {
				t.Fatalf("row %d of %q: got %+v, want %q", n+2, b.String(), got, want)
			}
			i++
		}
		if i != len(got) {
			t.Fatalf("%d rows too many", len(got)-i)
		}
	})
}

// What encoding/csv reads strictly, we read the same.
func FuzzCSV(f *testing.F) {
	for _, s := range []string{"a,b\n1,2\n", "a,b\r\n\"x\"\"y\",\n\n3,4", "\"a\nb\",c\n", "a\rb,c\r\n", "\xEF\xBB\xBFa;b\n", "sep=;\na;b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c := newCSVReader(strings.NewReader(text), DefaultLimits())
		c.comma = ','
		var got [][]string
		var failed error
		for {
			rec, err := c.next()
			if err != nil {
				failed = err
				break
			}
			if len(rec.cells) > 1 || rec.cells[0] != "" { // encoding/csv leaves out empty lines
				got = append(got, rec.cells)
			}
		}
		if failed != io.EOF && muster.CodeOf(failed) != muster.Invalid {
			t.Fatalf("error = %v", failed)
		}
		if strings.Contains(text, "\r") || strings.Contains(text, "\"\"\n") {
			return // encoding/csv reads CR differently, and keeps an empty quoted line
		}
		strict := csv.NewReader(strings.NewReader(text))
		strict.FieldsPerRecord = -1
		want, err := strict.ReadAll()
		if err != nil {
			return
		}
		if len(want) == len(got)+1 && len(want[len(want)-1]) == 1 && want[len(want)-1][0] == "" {
			want = want[:len(want)-1]
		}
		if failed != io.EOF || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("%q:\ngot  %q (%v)\nwant %q", text, got, failed, want)
		}
	})
}
