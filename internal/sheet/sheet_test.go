package sheet

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/musterid/muster"
)

// openText opens a file given as text and closes it with the test.
func openText(t *testing.T, text string, o Options) *Reader {
	t.Helper()
	r, err := Open(strings.NewReader(text), o)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return r
}

func readAll(t *testing.T, r *Reader) []Row {
	t.Helper()
	rows, err := drainRows(r)
	if err != nil {
		t.Fatalf("Next: %v", err)
	}
	return rows
}

func drainRows(r *Reader) ([]Row, error) {
	var rows []Row
	for {
		row, err := r.Next()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return rows, err
		}
		rows = append(rows, row)
	}
}

// readError opens and reads a file to its first error, which must be the sender's fault.
func readError(t *testing.T, text string, o Options) *muster.Error {
	t.Helper()
	r, err := Open(strings.NewReader(text), o)
	if err == nil {
		defer r.Close()
		_, err = drainRows(r)
	}
	var e *muster.Error
	if !errors.As(err, &e) {
		t.Fatalf("error = %v, want a *muster.Error", err)
	}
	return e
}

// flat writes rows as 2:a|b so that a table test can be read.
func flat(rows []Row) string {
	var b strings.Builder
	for _, r := range rows {
		if b.Len() > 0 {
			b.WriteString("\n")
		}
		b.WriteString(itoa(r.Number) + ":")
		if r.JSON != nil {
			b.Write(r.JSON)
		}
		b.WriteString(strings.Join(r.Cells, "|"))
		for _, f := range r.Faults {
			b.WriteString(" !" + f.Message)
		}
	}
	return b.String()
}

func itoa(n int) string {
	if n >= 10 {
		return itoa(n/10) + string(rune('0'+n%10))
	}
	return string(rune('0' + n))
}

func write(t *testing.T, f Format, header, added []string, rows []Row, values ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := NewWriter(&b, f, header, added)
	if err != nil {
		t.Fatalf("NewWriter: %v", err)
	}
	for _, r := range rows {
		if err := w.Write(r, values...); err != nil {
			t.Fatalf("Write: %v", err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	return b.Bytes()
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, in, want string }{
		{"Comma", "a,b\n1,\"x, y\"\n", "a,b,muster_status\n1,\"x, y\",done\n"},
		{"SemicolonCRLF", "nom;prénom\r\nDupont;\"Zoé \"\"Z\"\"\"\r\n", "nom;prénom;muster_status\r\nDupont;\"Zoé \"\"Z\"\"\";done\r\n"},
		{"BOM", bomUTF8 + "a;b\n1;2\n", bomUTF8 + "a;b;muster_status\n1;2;done\n"},
		{"Sep", "sep=;\r\na,x;b\r\n1;2\r\n", "sep=;\r\n\"a,x\";b;muster_status\r\n1;2;done\r\n"},
		{"Tab", "a\tb\n1\t2\n", "a\tb\tmuster_status\n1\t2\tdone\n"},
		{"EmbeddedNewline", "a,b\n\"1\r\n2\",3\n", "a,b,muster_status\n\"1\r\n2\",3,done\n"},
		{"Windows1252BecomesUTF8", "nom;ville\nM\xFCller;N\xEEmes\n", bomUTF8 + "nom;ville;muster_status\nMüller;Nîmes;done\n"},
		{"AnswerToAnAnswer", "a,muster_status,b\n1,failed,2\n", "a,b,muster_status\n1,2,done\n"},
		{"Formula", "a\n'=1+1\n", "a,muster_status\n'=1+1,done\n"},
		{"FormulaGiven", "a,b\n=1+1,+33 6 12\n", "a,b,muster_status\n'=1+1,+33 6 12,done\n"},
		{"TooWide", "a,b\n1,2,3\n", "a,b,muster_status\n1,2,done,3\n"},
		{"NDJSON", "{\"a\":1}\n{ \"b\" : \"é\" }\n", "{\"a\":1,\"muster_status\":\"done\"}\n{\"b\" : \"é\",\"muster_status\":\"done\"}\n"},
		{"NDJSONAgain", "{\"a\":1,\"muster_status\":\"failed\",\"c\":[1,2]}\n{}\n", "{\"a\":1,\"c\":[1,2],\"muster_status\":\"done\"}\n{\"muster_status\":\"done\"}\n"},
		{"JSON", "[\n{\"a\":\n1}, {}]", "[\n{\"a\":1,\"muster_status\":\"done\"},\n{\"muster_status\":\"done\"}\n]\n"},
		{"JSONEmpty", " [ ] ", "[]\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := openText(t, c.in, Options{})
			got := write(t, r.Format(), r.Header(), []string{"muster_status"}, readAll(t, r), "done")
			if string(got) != c.want {
				t.Errorf("wrote %q\nwant  %q", got, c.want)
			}
		})
	}
}

func TestRoundTripUTF16(t *testing.T) {
	t.Parallel()
	for _, enc := range []string{UTF16LE, UTF16BE} {
		rows := []Row{{Cells: []string{"Łukasz", "a\tb"}}, {Cells: []string{"😀", ""}}}
		raw := write(t, Format{Kind: CSV, Encoding: enc, Delimiter: "\t", CRLF: true}, []string{"nom", "ville"}, nil, rows)
		for _, text := range []string{string(raw), string(raw[2:])} { // with and without mark
			r := openText(t, text, Options{})
			if f := r.Format(); f.Encoding != enc || f.Delimiter != "\t" || !f.CRLF {
				t.Errorf("format = %+v, want %s, tab, CRLF", f, enc)
			}
			if got, want := flat(readAll(t, r)), "2:Łukasz|a\tb\n3:😀|"; got != want {
				t.Errorf("rows = %q, want %q", got, want)
			}
		}
	}
}

func TestRoundTripXLSX(t *testing.T) {
	t.Parallel()
	rows := []Row{
		{Cells: []string{"=1+1", "0033612345678", " é <&> \n\"x\" "}},
		{Cells: []string{"'=2", "_x000D_", ""}},
		{Cells: []string{"", "", "last", "beyond"}},
	}
	f := Format{Kind: XLSX, Sheet: "Élèves"}
	raw := write(t, f, []string{"a", "b", "muster_old", "c"}[:2:2], nil, nil)
	if len(raw) == 0 {
		t.Fatal("an empty workbook has no bytes")
	}
	raw = write(t, f, []string{"a", "b", "c"}, []string{"muster_status"}, rows, "done")
	r := openText(t, string(raw), Options{})
	if got := r.Format().Sheet; got != "Élèves" {
		t.Errorf("sheet = %q", got)
	}
	if got, want := strings.Join(r.Header(), "|"), "a|b|c|muster_status"; got != want {
		t.Errorf("header = %q, want %q", got, want)
	}
	want := "2:=1+1|0033612345678| é <&> \n\"x\" |done\n3:'=2|_x000D_||done\n4:||last|done|beyond !There is a value to the right of the last header (D). Give its column a header, or remove it."
	if got := flat(readAll(t, r)); got != want {
		t.Errorf("rows = %q\nwant   %q", got, want)
	}
}

func TestWriterRefusesUnknownKind(t *testing.T) {
	t.Parallel()
	if _, err := NewWriter(io.Discard, Format{Kind: "ods"}, nil, nil); muster.CodeOf(err) != muster.Invalid {
		t.Errorf("error = %v", err)
	}
}
