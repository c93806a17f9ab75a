package sheet

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
)

const benchRows = 20_000

// person is a row as people send them: twelve columns, half of them different in each row.
func person(i int) []string {
	n := fmt.Sprint(i)
	return []string{
		"Prénom" + n, "Nom-de-famille" + n, "prenom" + n + "@example.org", "+33 6 12 34 56 78", "1990-01-02", "M", "E" + n,
		"Informatique", "Développeuse", "12 rue de la République", "Nîmes", "30000",
	}
}

func benchHeader() []string { return strings.Split("a,b,c,d,e,f,g,h,i,j,k,l", ",") }

func benchFile(tb testing.TB, f Format, rows int) []byte {
	tb.Helper()
	var b bytes.Buffer
	w, err := NewWriter(&b, f, benchHeader(), nil)
	if err != nil {
		tb.Fatal(err)
	}
	for i := range rows {
		if err := w.Write(Row{Cells: person(i)}); err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

// sharedFile is a workbook as Excel saves it: strings shared, rows of references.
func sharedFile(tb testing.TB, rows int) []byte {
	tb.Helper()
	var sheet, strs strings.Builder
	index := map[string]int{}
	cell := func(r, c int, v string) {
		i, ok := index[v]
		if !ok {
			i = len(index)
			index[v] = i
			_, _ = fmt.Fprintf(&strs, "<si><t>%s</t></si>", v)
		}
		_, _ = fmt.Fprintf(&sheet, `<c r="%s%d" s="1" t="s"><v>%d</v></c>`, ColumnName(c), r, i)
	}
	for r := range rows + 1 {
		_, _ = fmt.Fprintf(&sheet, `<row r="%d" spans="1:12" x14ac:dyDescent="0.25">`, r+1)
		values := benchHeader()
		if r > 0 {
			values = person(r)
		}
		for c, v := range values {
			cell(r+1, c, v)
		}
		sheet.WriteString("</row>")
	}
	return book(tb, map[string]string{
		"xl/worksheets/sheet1.xml": sheetXML(sheet.String()),
		"xl/sharedStrings.xml":     `<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">` + strs.String() + "</sst>",
	})
}

func benchmarkRead(b *testing.B, raw []byte) {
	b.ReportAllocs()
	for b.Loop() {
		r, err := Open(bytes.NewReader(raw), Options{})
		if err != nil {
			b.Fatal(err)
		}
		rows, err := drainCount(r)
		if err != nil || rows != benchRows {
			b.Fatal(rows, err)
		}
		_ = r.Close()
	}
	perSecond(b)
}

func perSecond(b *testing.B) {
	b.ReportMetric(float64(benchRows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

func drainCount(r *Reader) (n int, err error) {
	for {
		if _, err = r.Next(); err != nil {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return n, err
		}
		n++
	}
}

func BenchmarkCSV(b *testing.B) {
	benchmarkRead(b, benchFile(b, Format{Kind: CSV, Encoding: UTF8, Delimiter: ";"}, benchRows))
}

// BenchmarkXLSX compares the ways to read a sheet. Medians of three rounds on two busy cores, rows of twelve cells per second: our scanner 131,000
// inline and 124,000 shared, values done; encoding/xml 37,000 for the bare tokens; excelize Rows 24,000 for both, with the whole archive in memory.
// Hence a scanner of our own. (CSV, in the same rounds: 1,190,000.)
func BenchmarkXLSX(b *testing.B) {
	inline := benchFile(b, Format{Kind: XLSX}, benchRows)
	shared := sharedFile(b, benchRows)
	b.Run("Inline", func(b *testing.B) { benchmarkRead(b, inline) })
	b.Run("Shared", func(b *testing.B) { benchmarkRead(b, shared) })
	b.Run("InlineExcelize", func(b *testing.B) { benchmarkExcelize(b, inline) })
	b.Run("SharedExcelize", func(b *testing.B) { benchmarkExcelize(b, shared) })
	b.Run("InlineEncodingXML", func(b *testing.B) {
		for b.Loop() {
			z, err := zip.NewReader(bytes.NewReader(inline), int64(len(inline)))
			if err != nil {
				b.Fatal(err)
			}
			f, err := z.Open("xl/worksheets/sheet1.xml")
			if err != nil {
				b.Fatal(err)
			}
			for d := xml.NewDecoder(f); ; {
				if _, err := d.Token(); err != nil {
					break
				}
			}
		}
		perSecond(b)
	})
}

func benchmarkExcelize(b *testing.B, raw []byte) {
	for b.Loop() {
		f, err := excelize.OpenReader(bytes.NewReader(raw))
		if err != nil {
			b.Fatal(err)
		}
		rows, err := f.Rows(f.GetSheetName(0))
		if err != nil {
			b.Fatal(err)
		}
		for rows.Next() {
			if _, err := rows.Columns(); err != nil {
				b.Fatal(err)
			}
		}
		_ = rows.Close()
		_ = f.Close()
	}
	perSecond(b)
}

func BenchmarkWrite(b *testing.B) {
	for _, f := range []Format{{Kind: CSV, Encoding: UTF8, Delimiter: ";"}, {Kind: XLSX}} {
		b.Run(f.Kind, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				benchFile(b, f, benchRows)
			}
			perSecond(b)
		})
	}
}
