package sheet

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"github.com/musterid/muster"
)

const stylesXML = `<styleSheet><numFmts count="7"><numFmt numFmtId="164" formatCode="0#&quot; &quot;##&quot; &quot;##&quot; &quot;##&quot; &quot;##"/><numFmt numFmtId="165" formatCode="00000"/>` +
	`<numFmt numFmtId="166" formatCode="[$-40C]dd\ mmmm\ yyyy;@"/><numFmt numFmtId="167" formatCode="dd/mm/yyyy\ hh:mm"/><numFmt numFmtId="168" formatCode="[h]:mm"/>` +
	`<numFmt numFmtId="169" formatCode="#,##0.00\ &quot;€&quot;"/><numFmt numFmtId="170" formatCode="\+00\ 0\ 00\ 00\ 00\ 00"/></numFmts>` +
	`<cellStyleXfs><xf numFmtId="14"/></cellStyleXfs>` +
	`<cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="22"/><xf numFmtId="20"/><xf numFmtId="164"/><xf numFmtId="165"/><xf numFmtId="166"/><xf numFmtId="167"/><xf numFmtId="168"/><xf numFmtId="169"/><xf numFmtId="170"/></cellXfs></styleSheet>`

// oneCell reads a workbook whose only value, under the header h, is the given cell.
func oneCell(t *testing.T, cell string, parts map[string]string) string {
	t.Helper()
	all := map[string]string{
		"xl/styles.xml":            stylesXML,
		"xl/worksheets/sheet1.xml": sheetXML(`<row r="1"><c r="A1" t="inlineStr"><is><t>h</t></is></c></row><row r="2">` + cell + `</row>`),
		"xl/sharedStrings.xml":     `<sst><si><t>zéro</t></si><si><r><rPr><b/></rPr><t>rich </t></r><r><t xml:space="preserve"> text</t></r><rPh sb="0" eb="1"><t>phonetic</t></rPh></si><si/><si><t/></si><si><t>a_x000D_b &amp; &#233;&#x1F600;<![CDATA[<c>]]></t></si></sst>`,
	}
	for k, v := range parts {
		all[k] = v
	}
	rows := readAll(t, openText(t, string(book(t, all)), Options{}))
	if len(rows) == 0 {
		return ""
	}
	return rows[0].Cells[0]
}

func TestXLSXCells(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, cell, want string }{
		{"Shared", `<c r="A2" t="s"><v>0</v></c>`, "zéro"},
		{"SharedRich", `<c r="A2" t="s"><v>1</v></c>`, "rich  text"},
		{"SharedEmpty", `<c r="A2" t="s"><v>2</v></c>`, ""},
		{"SharedEscapes", `<c r="A2" t="s"><v>4</v></c>`, "a\rb & é😀<c>"},
		{"Inline", `<c r="A2" t="inlineStr"><is><r><t>a</t></r><r><t>b</t></r></is></c>`, "ab"},
		{"FormulaText", `<c r="A2" t="str"><f>B1&amp;"x"</f><v>res_x000A_ult</v></c>`, "res\nult"},
		{"FormulaNumber", `<c r="A2"><f t="shared" si="0"/><v>7</v></c>`, "7"},
		{"Whole", `<c r="A2"><v>33612345678</v></c>`, "33612345678"},
		{"Exponent", `<c r="A2"><v>3.3612345678E10</v></c>`, "33612345678"},
		{"SmallWhole", `<c r="A2" t="n"><v>1234</v></c>`, "1234"},
		{"Negative", `<c r="A2"><v>-12.5</v></c>`, "-12.5"},
		{"Rounded", `<c r="A2"><v>0.30000000000000004</v></c>`, "0.3"},
		{"Huge", `<c r="A2"><v>1E+300</v></c>`, "1E+300"},
		{"True", `<c r="A2" t="b"><v>1</v></c>`, "TRUE"},
		{"False", `<c r="A2" t="b"><v>0</v></c>`, "FALSE"},
		{"Error", `<c r="A2" t="e"><v>#N/A</v></c>`, "#N/A"},
		{"ISODate", `<c r="A2" t="d"><v>1990-01-02T00:00:00</v></c>`, "1990-01-02"},
		{"Date", `<c r="A2" s="1"><v>32874</v></c>`, "1990-01-01"},
		{"DateBeforeTheDayThatWasNot", `<c r="A2" s="1"><v>59</v></c>`, "1900-02-28"},
		{"DateAfterTheDayThatWasNot", `<c r="A2" s="1"><v>61</v></c>`, "1900-03-01"},
		{"DateTime", `<c r="A2" s="2"><v>32874.75</v></c>`, "1990-01-01T18:00:00"},
		{"DateTimeAtMidnight", `<c r="A2" s="2"><v>32874</v></c>`, "1990-01-01"},
		{"DateTimeRoundsUp", `<c r="A2" s="2"><v>32874.999999999</v></c>`, "1990-01-02T00:00:00"},
		{"Time", `<c r="A2" s="3"><v>0.5</v></c>`, "12:00:00"},
		{"CustomDate", `<c r="A2" s="6"><v>32874</v></c>`, "1990-01-01"},
		{"CustomDateTime", `<c r="A2" s="7"><v>32874.5</v></c>`, "1990-01-01T12:00:00"},
		{"Span", `<c r="A2" s="8"><v>1.5</v></c>`, "1.5"},
		{"NotADate", `<c r="A2" s="1"><v>99999999</v></c>`, "99999999"},
		{"TextInADateColumn", `<c r="A2" s="1" t="inlineStr"><is><t>02/01/1990</t></is></c>`, "02/01/1990"},
		{"FrenchPhone", `<c r="A2" s="4"><v>612345678</v></c>`, "06 12 34 56 78"},
		{"PostalCode", `<c r="A2" s="5"><v>1234</v></c>`, "01234"},
		{"PostalCodeTooLong", `<c r="A2" s="5"><v>1234567</v></c>`, "1234567"},
		{"InternationalPhone", `<c r="A2" s="10"><v>33612345678</v></c>`, "+33 6 12 34 56 78"},
		{"Money", `<c r="A2" s="9"><v>1234.5</v></c>`, "1234.5"},
		{"UnknownStyle", `<c r="A2" s="99"><v>5</v></c>`, "5"},
		{"NoAddress", `<c><v>5</v></c>`, "5"},
		{"SingleQuotes", `<c r='A2' t='str'><v>a>b</v></c>`, "a>b"},
		{"Prefixed", `<x:c r="A2" t="str"><x:v>p</x:v></x:c>`, "p"},
		{"Apostrophe", `<c r="A2" t="str"><v>'=1</v></c>`, "=1"},
		{"Comment", `<c r="A2" t="str"><!-- > --><v>a<!-- < -->b</v></c>`, "ab"},
		{"FarStyledCellsCostNothing", `<c r="A2"><v>1</v></c><c r="XFD2" s="1"/>`, "1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := oneCell(t, c.cell, nil); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestXLSX1904(t *testing.T) {
	t.Parallel()
	got := oneCell(t, `<c r="A2" s="1"><v>0</v></c>`, map[string]string{
		"xl/workbook.xml": `<workbook xmlns:r="r"><workbookPr date1904="1"/><sheets><sheet name="S" r:id="rId1"/></sheets></workbook>`,
	})
	if got != "1904-01-01" {
		t.Errorf("got %q", got)
	}
}

// Parts are found by what points to them, whatever they are called.
func TestXLSXPartsByRelation(t *testing.T) {
	t.Parallel()
	const kind = `Type="http://purl.oclc.org/ooxml/officeDocument/relationships/`
	got := oneCell(t, `<c r="A2" t="s"><v>0</v></c>`, map[string]string{
		"xl/workbook.xml":            "",
		"_rels/.rels":                `<Relationships><Relationship Id="a" ` + kind + `officeDocument" Target="/xl/book7.xml"/></Relationships>`,
		"xl/book7.xml":               `<x:workbook xmlns:q="r"><x:sheets><x:sheet name="Chart" q:id="c"/><x:sheet name="S" id="9" q:id="s"/></x:sheets></x:workbook>`,
		"xl/_rels/book7.xml.rels":    `<Relationships><Relationship Id="c" ` + kind + `chartsheet" Target="c.xml"/><Relationship Id="s" ` + kind + `worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="t" ` + kind + `sharedStrings" Target="words.xml"/></Relationships>`,
		"xl/_rels/workbook.xml.rels": "",
		"xl/words.xml":               `<sst><si><t>found</t></si></sst>`,
		"xl/sharedStrings.xml":       "",
	})
	if got != "found" {
		t.Errorf("got %q", got)
	}
}

func TestXLSXRows(t *testing.T) {
	t.Parallel()
	cell := func(at, v string) string { return fmt.Sprintf(`<c r="%s" t="str"><v>%s</v></c>`, at, v) }
	for _, c := range []struct{ name, rows, header, want string }{
		{"Gaps", `<row r="3">` + cell("A3", "a") + cell("C3", "c") + `</row><row r="4"/><row r="7"><c r="B7" s="1"/>` + cell("C7", "x") + `</row>`, "a|Column B|c", "7:||x"},
		{"NoNumbers", `<row>` + cell("A1", "a") + `</row><row></row><row>` + cell("A3", "1") + `</row>`, "a", "3:1"},
		{
			"RightOfHeader", `<row r="1">` + cell("A1", "a") + `</row><row r="2">` + cell("A2", "1") + cell("D2", "note") + `</row><row r="3">` + cell("A3", "2") + `</row>`, "a",
			"2:1|||note !There is a value to the right of the last header (A). Give its column a header, or remove it.\n3:2",
		},
		{
			"FarRight", `<row r="1">` + cell("A1", "a") + `</row><row r="2">` + cell("XFD2", "note") + `</row>`, "a",
			"2: !There is a value to the right of the last header (A). Give its column a header, or remove it.",
		},
		{"HeaderOnly", `<row r="1">` + cell("A1", "a") + `</row>`, "a", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := openText(t, string(book(t, map[string]string{"xl/worksheets/sheet1.xml": sheetXML(c.rows)})), Options{})
			if got := strings.Join(r.Header(), "|"); got != c.header {
				t.Errorf("header = %q, want %q", got, c.header)
			}
			if got := flat(readAll(t, r)); got != c.want {
				t.Errorf("rows = %q\nwant   %q", got, c.want)
			}
		})
	}
}

func TestXLSXSheets(t *testing.T) {
	t.Parallel()
	f := excelize.NewFile()
	defer f.Close()
	for i, name := range []string{"Notes", "identities", "rôles"} {
		if _, err := f.NewSheet(name); err != nil {
			t.Fatal(err)
		}
		_ = f.SetCellValue(name, "A1", "h"+itoa(i))
		_ = f.SetCellValue(name, "A2", 33612345678)
	}
	_ = f.DeleteSheet("Sheet1")
	f.SetActiveSheet(1) // an active sheet cannot be hidden
	if err := f.SetSheetVisible("Notes", false); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	r := openText(t, b.String(), Options{})
	if got := r.Format().Sheet; got != "identities" {
		t.Errorf("the first visible sheet is %q", got)
	}
	if got := strings.Join(r.Sheets(), "|"); got != "Notes|identities|rôles" {
		t.Errorf("sheets = %q", got)
	}
	other, err := r.OpenSheet("RÔLES")
	if err != nil {
		t.Fatal(err)
	}
	if got := flat(readAll(t, other)); other.Header()[0] != "h2" || got != "2:33612345678" {
		t.Errorf("header %q, rows %q", other.Header(), got)
	}
	if got := flat(readAll(t, r)); got != "2:33612345678" {
		t.Errorf("rows = %q", got)
	}
	e := readError(t, b.String(), Options{Sheet: "people"})
	if e.Code != muster.NotFound || !strings.Contains(e.Message, `no sheet "people"; it has "Notes", "identities", "rôles"`) {
		t.Errorf("error = %v", e)
	}
}

func TestXLSXLongCellIsARowsFault(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é", 100)
	raw := string(book(t, map[string]string{
		"xl/worksheets/sheet1.xml": sheetXML(`<row r="1"><c r="A1" t="str"><v>h</v></c></row><row r="2"><c r="A2" t="s"><v>0</v></c></row>` +
			`<row r="3"><c r="A3" t="inlineStr"><is><t>` + long + `</t></is></c></row><row r="4"><c r="A4" t="str"><v>` + long + `</v></c></row><row r="5"><c r="A5"><v>5</v></c></row>`),
		"xl/sharedStrings.xml": `<sst><si><t>` + long + `</t></si></sst>`,
	}))
	rows := readAll(t, openText(t, raw, Options{Limits: Limits{CellBytes: 51}}))
	if len(rows) != 4 {
		t.Fatalf("%d rows", len(rows))
	}
	for i, r := range rows {
		if i == 3 {
			if len(r.Faults) != 0 {
				t.Errorf("row 5 has faults: %v", r.Faults)
			}
			continue
		}
		if len(r.Faults) != 1 || r.Faults[0].Code != muster.TooLong || r.Faults[0].Field != "h" {
			t.Errorf("row %d: faults %v", r.Number, r.Faults)
		}
		if got := strings.TrimSpace(r.Cells[0]); got != long[:50] {
			t.Errorf("row %d: cell %q", r.Number, got)
		}
	}
}

// Strings beyond what is kept in memory come back from the file, in any order.
func TestStringTableSpills(t *testing.T) {
	t.Parallel()
	table := newStringTable(t.TempDir())
	table.spool.inside = 1000
	defer table.close()
	want := func(i int) string { return fmt.Sprintf("%d-%s", i, strings.Repeat("x", i%300)) }
	const n = 5000
	for i := range n {
		if err := table.add([]byte(want(i))); err != nil {
			t.Fatal(err)
		}
	}
	if err := table.flush(); err != nil {
		t.Fatal(err)
	}
	if table.spool.file == nil {
		t.Error("nothing was spilled")
	}
	for i := range n {
		j := i * 7919 % n
		if got, err := table.get(j); err != nil || got != want(j) {
			t.Fatalf("string %d = %q, %v", j, got, err)
		}
	}
	if _, err := table.get(n); muster.CodeOf(err) != muster.Invalid {
		t.Errorf("error = %v", err)
	}
}

// excelize opens what we write, and finds text in every cell.
func TestXLSXIsReadByOthers(t *testing.T) {
	t.Parallel()
	raw := write(t, Format{Kind: XLSX, Sheet: "S"}, []string{"a"}, nil, []Row{{Cells: []string{"=1+1"}}, {Cells: []string{"007"}}})
	f, err := excelize.OpenReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := f.GetRows("S")
	if err != nil || fmt.Sprint(rows) != "[[a] [=1+1] [007]]" {
		t.Errorf("rows = %v, %v", rows, err)
	}
	if formula, _ := f.GetCellFormula("S", "A2"); formula != "" {
		t.Errorf("A2 has the formula %q", formula)
	}
}

// A long sheet needs no more memory than a short one.
func TestXLSXMemoryIsFlat(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	raw := sharedFile(t, 100_000)
	r := openText(t, string(raw), Options{})
	var before, now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	most := uint64(0)
	for n := 0; ; n++ {
		_, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if n%20_000 == 0 {
			runtime.GC()
			runtime.ReadMemStats(&now)
			if now.HeapAlloc > before.HeapAlloc {
				most = max(most, now.HeapAlloc-before.HeapAlloc)
			}
		}
	}
	if most > 20<<20 {
		t.Errorf("reading holds %d MiB", most>>20)
	}
}

// Whatever stands in a sheet's part, reading ends with rows or with the sender's fault.
func FuzzSheetXML(f *testing.F) {
	f.Add(sheetXML(`<row r="1"><c r="A1" t="s" s="1"><v>0</v></c><c r="B1" t="inlineStr"><is><t>x&amp;y</t></is></c></row>`))
	f.Add(`<?xml version="1.0"?><!-- x --><x:sheetData><x:row r="2"><x:c t="b"><x:v>1</x:v></x:c></x:row></x:sheetData>`)
	f.Add(sheetXML(`<row><c s="2"><v>1.5E3</v></c><c t="str"><v><![CDATA[a]]>_x000D_</v></c></row>`))
	f.Fuzz(func(t *testing.T, text string) {
		strs := newStringTable("")
		_ = strs.add([]byte("shared"))
		_ = strs.flush()
		b := &workbook{strings: strs, styles: []cellStyle{{}, {date: true}, {time: true}, {mask: `00\ 00`}}}
		limits := Limits{CellBytes: 100, Columns: 10}.orDefaults()
		rows := newSheetRows(b, io.NopCloser(strings.NewReader(text)), limits)
		last := 0
		for {
			rec, err := rows.next()
			if err == io.EOF {
				return
			}
			if err != nil {
				if code := muster.CodeOf(err); code != muster.Invalid && code != muster.TooLong {
					t.Fatalf("error = %v", err)
				}
				return
			}
			if rec.number <= last || len(rec.cells) > limits.Columns+1 {
				t.Fatalf("row %d after %d with %d cells", rec.number, last, len(rec.cells))
			}
			last = rec.number
			for _, c := range rec.cells {
				if len(c) > limits.CellBytes+1 || len(c) <= limits.CellBytes && strings.ToValidUTF8(c, "") != c {
					t.Fatalf("cell %q", c)
				}
			}
		}
	})
}
