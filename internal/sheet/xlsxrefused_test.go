package sheet

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/musterid/muster"
)

func TestXLSXRefused(t *testing.T) {
	t.Parallel()
	head := `<row r="1"><c r="A1" t="str"><v>h</v></c></row>`
	good := sheetXML(head)
	with := func(name, text string) string { return string(book(t, map[string]string{name: text})) }
	sheet := func(text string) string { return with("xl/worksheets/sheet1.xml", text) }
	bomb := strings.Repeat(" ", 30<<20)
	many := map[string]string{}
	for i := range maxParts {
		many[fmt.Sprintf("xl/media/%d", i)] = "x"
	}
	for _, c := range []struct {
		name, file string
		limits     Limits
		code       muster.Code
		want       string
	}{
		{"Doctype", sheet(`<!DOCTYPE x [<!ENTITY a "b">]>` + good), Limits{}, muster.Invalid, "DOCTYPE"},
		{"DoctypeInStrings", with("xl/sharedStrings.xml", `<!DOCTYPE x><sst/>`), Limits{}, muster.Invalid, "DOCTYPE"},
		{"UnknownEntity", sheet(sheetXML(`<row r="1"><c r="A1" t="str"><v>&x;</v></c></row>`)), Limits{}, muster.Invalid, "unknown entity"},
		{"OtherEncoding", sheet(`<?xml version="1.0" encoding="iso-8859-1"?>` + good), Limits{}, muster.Invalid, "not in UTF-8"},
		{"UTF16", sheet("\xFF\xFE<\x00"), Limits{}, muster.Invalid, "not in UTF-8"},
		{"BrokenUTF8", sheet(sheetXML("<row r=\"1\"><c r=\"A1\" t=\"str\"><v>\xFF</v></c></row>")), Limits{}, muster.Invalid, "not valid UTF-8"},
		{"CutOff", sheet(`<worksheet><sheetData>` + head), Limits{}, muster.Invalid, "ends too early"},
		{"NoSuchString", sheet(sheetXML(`<row r="1"><c r="A1" t="s"><v>5</v></c></row>`)), Limits{}, muster.Invalid, "a string that is not there"},
		{"RowsBackwards", sheet(sheetXML(`<row r="5"><c r="A5"><v>1</v></c></row>` + head)), Limits{}, muster.Invalid, "not in order"},
		{"CellsBackwards", sheet(sheetXML(`<row r="1"><c r="B1"><v>1</v></c><c r="A1"><v>1</v></c></row>`)), Limits{}, muster.Invalid, "not in order"},
		{"BadAddress", sheet(sheetXML(`<row r="1"><c r="AAAAAAAA1"><v>1</v></c></row>`)), Limits{}, muster.Invalid, "no proper address"},
		{"NoSheetPart", with("xl/worksheets/sheet1.xml", ""), Limits{}, muster.Invalid, "is missing"},
		{"NoHeader", sheet(sheetXML(``)), Limits{}, muster.Invalid, "no header"},
		{"SameHeader", sheet(sheetXML(`<row r="1"><c r="A1" t="str"><v>h</v></c><c r="AC1" t="str"><v>H</v></c></row>`)), Limits{}, muster.Invalid, "Columns A and AC"},
		{"Columns", sheet(sheetXML(`<row r="1"><c r="IW1" t="str"><v>h</v></c></row>`)), Limits{}, muster.TooLong, "(limit columns)"},
		{"FarColumns", sheet(sheetXML(`<row r="1"><c r="XFD1" t="str"><v>h</v></c></row>`)), Limits{}, muster.TooLong, "(limit columns)"},
		{"Ratio", sheet(sheetXML(head + bomb)), Limits{}, muster.TooLong, "(limit ratio)"},
		{"RatioInStrings", with("xl/sharedStrings.xml", "<sst>"+bomb+"</sst>"), Limits{}, muster.TooLong, "(limit ratio)"},
		{"Inflated", sheet(good), Limits{InflatedBytes: 100}, muster.TooLong, "more than 100 bytes (limit inflated_bytes)"},
		{"Parts", string(book(t, many)), Limits{}, muster.TooLong, "(limit parts)"},
		{"Rows", sheet(sheetXML(head + `<row><c><v>1</v></c></row><row><c><v>2</v></c></row>`)), Limits{Rows: 1}, muster.TooLong, "(limit rows)"},
		{"Bytes", sheet(good), Limits{Bytes: 200}, muster.TooLong, "(limit upload_bytes)"},
		{"CutArchive", sheet(good)[:300], Limits{}, muster.Invalid, "cannot be listed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e := readError(t, c.file, Options{Limits: c.limits})
			if e.Code != c.code || !strings.Contains(e.Message, c.want) {
				t.Errorf("error = %s %q, want %s with %q", e.Code, e.Message, c.code, c.want)
			}
		})
	}
}

// A directory of entries without end must not be listed into memory.
func TestXLSXEndlessDirectory(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	b.Write(zipMagic)
	b.Write(make([]byte, 26))
	start := b.Len()
	entry := make([]byte, 46)
	copy(entry, "PK\x01\x02")
	const n = 200_000
	for range n {
		b.Write(entry)
	}
	size := b.Len() - start
	end := make([]byte, 22)
	copy(end, "PK\x05\x06")
	binary.LittleEndian.PutUint16(end[8:], n&0xFFFF)
	binary.LittleEndian.PutUint16(end[10:], n&0xFFFF)
	binary.LittleEndian.PutUint32(end[12:], uint32(size))
	binary.LittleEndian.PutUint32(end[16:], uint32(start))
	b.Write(end)
	if e := readError(t, b.String(), Options{}); e.Code != muster.TooLong || !strings.Contains(e.Message, "limit parts") {
		t.Errorf("error = %v", e)
	}
}

func TestXLSXCorruptedData(t *testing.T) {
	t.Parallel()
	raw := benchFile(t, Format{Kind: XLSX}, 300)
	z, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range z.File {
		if f.Name != "xl/worksheets/sheet1.xml" {
			continue
		}
		at, err := f.DataOffset()
		if err != nil {
			t.Fatal(err)
		}
		raw[at+int64(f.CompressedSize64)/2] ^= 0xFF
	}
	if e := readError(t, string(raw), Options{}); e.Code != muster.Invalid || !strings.Contains(e.Message, "damaged") {
		t.Errorf("error = %v", e)
	}
}
