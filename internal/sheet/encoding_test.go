package sheet

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/musterid/muster"
)

func wideText(text string, big, bom bool) string {
	var b strings.Builder
	put := func(u rune) {
		if big {
			b.WriteByte(byte(u >> 8))
			b.WriteByte(byte(u))
		} else {
			b.WriteByte(byte(u))
			b.WriteByte(byte(u >> 8))
		}
	}
	if bom {
		put(0xFEFF)
	}
	for _, r := range text {
		put(r)
	}
	return b.String()
}

func TestEncodings(t *testing.T) {
	t.Parallel()
	late := strings.Repeat("Dupont;Jean\n", 20_000) // beyond what is looked at first
	for _, c := range []struct {
		name, in, forced, encoding, last string
	}{
		{"ASCII", "nom\nx\n", "", UTF8, "x"},
		{"UTF8", "nom\né\n", "", UTF8, "é"},
		{"UTF8BOM", bomUTF8 + "nom\né\n", "", UTF8BOM, "é"},
		{"Windows1252", "nom\n\xE9\x80\n", "", Windows1252, "é€"},
		{"Windows1252Late", "nom;prénom\n"[:4] + "x\n" + late + "L\xE9a;\xC9lo\xEFse\n", "", Windows1252, "Léa|Éloïse"},
		{"UTF8Late", "nom;x\n" + late + "Léa;Éloïse\n", "", UTF8, "Léa|Éloïse"},
		{"UTF16LE", wideText("nom;x\r\né;ł\r\n", false, true), "", UTF16LE, "é|ł"},
		{"UTF16BE", wideText("nom;x\r\né;ł\r\n", true, true), "", UTF16BE, "é|ł"},
		{"UTF16LENoMark", wideText("nom;x\r\né;ł\r\n", false, false), "", UTF16LE, "é|ł"},
		{"UTF16BENoMark", wideText("nom;x\r\né;ł\r\n", true, false), "", UTF16BE, "é|ł"},
		{"ForcedWindows1252", "nom\n\xC3\xA9\n", Windows1252, Windows1252, "Ã©"},
		{"ForcedUTF16", wideText("名\n字\n", false, false), UTF16LE, UTF16LE, "字"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for name, in := range map[string]io.Reader{
				"whole": strings.NewReader(c.in), "halves": iotest.HalfReader(strings.NewReader(c.in)), "bytes": iotest.OneByteReader(strings.NewReader(c.in)),
			} {
				r, err := Open(in, Options{Encoding: c.forced})
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				defer r.Close()
				rows := readAll(t, r)
				if r.Format().Encoding != c.encoding {
					t.Errorf("%s: encoding = %s, want %s", name, r.Format().Encoding, c.encoding)
				}
				if got := strings.Join(rows[len(rows)-1].Cells, "|"); got != c.last {
					t.Errorf("%s: last row = %q, want %q", name, got, c.last)
				}
			}
		})
	}
}

func TestRefusedTexts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, in string
		o        Options
		want     string
	}{
		{"BrokenUTF8Deep", "nom\n" + strings.Repeat("é\n", 50_000) + "ab\xE9\n", Options{}, "mixes encodings: most of it may be UTF-8, but line 50002, character 3"},
		{"BrokenUTF8WithMark", bomUTF8 + "nom\nab\xE9\n", Options{}, "should be UTF-8, but line 2, character 3"},
		{"ForcedUTF8", "nom\nab\xE9\n", Options{Encoding: UTF8}, "should be UTF-8, but line 2, character 3"},
		{"Windows1252Undefined", "nom\nx\n\xE9\x81\n", Options{}, "not a text file: line 3, character 2"},
		{"Windows1252Control", "nom\nx\n\x01\xE9\n", Options{}, "not a text file: line 3, character 1"},
		{"CutUTF8", bomUTF8 + "nom\n\xC3", Options{}, "line 2, character 1 is broken"},
		{"UTF16LoneHalf", "\xFF\xFEn\x00o\x00\n\x00\x00\xD8a\x00", Options{}, "should be UTF-16, but line 2, character 2"},
		{"UTF16Odd", "\xFF\xFEn\x00o\x00\n\x00a", Options{}, "should be UTF-16, but line 2, character 1"},
		{"PNG", "\x89PNG\r\n\x1a\n....", Options{Name: "people.csv"}, "seems to be a PNG image"},
		{"PDF", "%PDF-1.7\n", Options{Name: "people.csv"}, "seems to be a PDF"},
		{"XLS", "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1....", Options{Name: "people.csv"}, "old Excel workbook"},
		{"HTML", "\r\n <!DOCTYPE HTML><table>", Options{Name: "people.xls"}, "web page"},
		{"Gzip", "\x1f\x8b\x08\x00", Options{}, "gzip"},
		{"ODS", string(book(t, map[string]string{"mimetype": "application/vnd.oasis.opendocument.spreadsheet", "content.xml": "<x/>", "xl/workbook.xml": ""})), Options{}, ".ods"},
		{"Word", string(book(t, map[string]string{"word/document.xml": "<x/>", "xl/workbook.xml": ""})), Options{}, "Word document"},
		{"XLSB", string(book(t, map[string]string{"xl/workbook.bin": "x", "xl/workbook.xml": ""})), Options{}, ".xlsb"},
		{"ZIP", string(book(t, map[string]string{"xl/workbook.xml": ""})), Options{}, "ZIP archive that is no workbook"},
		{"ForcedXLSX", "a,b\n", Options{Kind: XLSX}, "not an XLSX workbook"},
		{"ForcedCSV", string(book(t, nil)), Options{Kind: CSV}, "a workbook or another ZIP archive, not csv"},
		{"UnknownKind", "a", Options{Kind: "ods"}, `no format "ods"`},
		{"UnknownEncoding", "a", Options{Encoding: "latin9"}, `no encoding "latin9"`},
		{"UnknownDelimiter", "a", Options{Delimiter: "ab"}, "delimiter must be"},
		{"JSONBrokenUTF8", "[{\"a\":\"\xE9\"}]", Options{}, "should be UTF-8, but line 1, character 8"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e := readError(t, c.in, c.o)
			if !strings.Contains(e.Message, c.want) {
				t.Errorf("error = %q, want %q in it", e.Message, c.want)
			}
		})
	}
}

func TestOpenPassesReadErrorsOn(t *testing.T) {
	t.Parallel()
	broken := errors.New("connection lost")
	for _, start := range []string{"", "a,b\n", strings.Repeat("a,b\n", 50_000)} {
		_, err := Open(io.MultiReader(strings.NewReader(start), iotest.ErrReader(broken)), Options{})
		if !errors.Is(err, broken) {
			t.Errorf("error = %v", err)
		}
	}
}

// The file of a large upload is gone after Close, and after an upload that was refused.
func TestSpoolLeavesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	large := "a,b\n" + strings.Repeat("1,2\n", 500_000)
	r, err := Open(strings.NewReader(large), Options{TempDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if r.spool.file == nil {
		t.Error("2 MB stayed in memory")
	}
	if n, err := drainCount(r); n != 500_000 || err != nil {
		t.Errorf("%d rows, %v", n, err)
	}
	if err := errors.Join(r.Close(), r.Close()); err != nil {
		t.Error(err)
	}
	if _, err := Open(strings.NewReader(large+"\x00"), Options{TempDir: dir}); err == nil {
		t.Error("NUL was accepted")
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
	if _, err := r.Next(); err == nil {
		t.Error("Next after Close must fail")
	}
}

func TestNeutralise(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"": "", "Ana": "Ana", "=1+1": "'=1+1", "+cmd|x": "'+cmd|x", "-x": "'-x", "@SUM(A1)": "'@SUM(A1)", "\tx": "'\tx", "\rx": "'\rx", "\nx": "'\nx", "＝1": "'＝1",
		"+33 (0)6.12-34/56": "+33 (0)6.12-34/56", "+33612345678": "+33612345678", "-12.5": "-12.5", "-2+3": "'-2+3", "+33\t6": "'+33\t6",
		"'": "'", "'x": "'x", "'=1": "''=1", "''=1": "'''=1", "O'=1": "O'=1", "\xff": "\xff", "é=": "é=",
	} {
		if got := Neutralise(in); got != want {
			t.Errorf("Neutralise(%q) = %q, want %q", in, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.StringOf(rapid.SampledFrom([]rune("'=+-@\t\r\n＝1a ("))).Draw(t, "v")
		if got := unneutralise(Neutralise(v)); got != v {
			t.Fatalf("%q came back as %q", v, got)
		}
		if got := unneutralise(guardQuote(v)); got != v {
			t.Fatalf("%q came back as %q", v, got)
		}
	})
}

func TestFormatSurvivesJSON(t *testing.T) {
	t.Parallel()
	f := openText(t, "sep=\t\r\na\tb\r\n1\t2\r\n", Options{Name: "x.csv"}).Format()
	raw, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	var back Format
	if err := json.Unmarshal(raw, &back); err != nil || back != f {
		t.Errorf("%s came back as %+v", raw, back)
	}
	if want := (Format{Kind: CSV, Encoding: UTF8, Delimiter: "\t", CRLF: true, Preamble: "sep=\t", Name: "x.csv"}); f != want {
		t.Errorf("format = %+v, want %+v", f, want)
	}
}

func TestColumnName(t *testing.T) {
	t.Parallel()
	for i, want := range map[int]string{0: "A", 25: "Z", 26: "AA", 255: "IV", 701: "ZZ", 702: "AAA", 16383: "XFD"} {
		if got := ColumnName(i); got != want || columnOf([]byte(want+"1")) != i {
			t.Errorf("column %d is %s, want %s", i, got, want)
		}
	}
}

// Whatever is sent, opening and reading ends, with rows in UTF-8 or with a fault that can be shown.
func FuzzOpen(f *testing.F) {
	for _, s := range []string{
		"a,b\n1,2\n", bomUTF8 + "a;b\n", "\xFF\xFEa\x00\n\x00", "\x00a\x00\n", "a\n\xE9\n", "[{\"a\":1}]", "{\"a\":1}\n{\"b\":2}\n", "{\"a\":[", "sep=;\na;b",
		"a\n\"x", "PK\x03\x04", string(book(f, nil)), string(book(f, map[string]string{"xl/worksheets/sheet1.xml": sheetXML(`<row><c><v>1</v></c></row>`)})),
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := Open(bytes.NewReader(raw), Options{})
		var rows []Row
		if err == nil {
			defer r.Close()
			rows, err = drainRows(r)
		}
		if err != nil && muster.CodeOf(err) == muster.Internal {
			t.Fatalf("error = %v", err)
		}
		for _, row := range rows {
			if row.JSON != nil && !json.Valid(row.JSON) {
				t.Fatalf("JSON %q", row.JSON)
			}
			if row.JSON == nil && len(row.Cells) < len(r.Header()) {
				t.Fatalf("row %+v under %q", row, r.Header())
			}
			if !utf8.ValidString(strings.Join(row.Cells, "")) {
				t.Fatalf("cells %q", row.Cells)
			}
		}
	})
}
