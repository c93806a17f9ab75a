package sheet

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"unicode/utf16"

	"github.com/xuri/excelize/v2"

	"github.com/musterid/muster"
)

const (
	excelRows  = 1_048_576
	excelChars = 32_767 // of a cell, in UTF-16
)

// xlsxSink writes a workbook of one sheet through excelize, which keeps rows in a temporary file, and packs that straight into the answer. Every
// cell is text: nothing in it is ever run, and a number such as 0033612345678 keeps its zeros.
type xlsxSink struct {
	file   *excelize.File
	stream *excelize.StreamWriter
	row    int
	values []any
	to     io.Writer
}

func newXLSXSink(w io.Writer, f Format) (*xlsxSink, error) {
	s := &xlsxSink{file: excelize.NewFile(), to: w}
	name := f.Sheet
	if name == "" {
		name = "Sheet1"
	}
	err := s.file.SetSheetName("Sheet1", name)
	if err != nil { // a name that excelize does not take is no reason to give no answer
		name = "Sheet1"
	}
	s.stream, err = s.file.NewStreamWriter(name)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("sheet: write XLSX: %w", err), s.file.Close())
	}
	return s, nil
}

func (s *xlsxSink) write(cells []string, _ Row, _ []string) error {
	if s.row++; s.row > excelRows {
		return muster.Errorf(muster.TooLong, "", "A workbook holds at most %d rows. Ask for the result as CSV.", excelRows)
	}
	s.values = s.values[:0]
	for _, c := range cells {
		s.values = append(s.values, excelText(guardQuote(c)))
	}
	at, err := excelize.CoordinatesToCellName(1, s.row)
	if err == nil {
		err = s.stream.SetRow(at, s.values)
	}
	if err != nil {
		return fmt.Errorf("sheet: write XLSX row %d: %w", s.row, err)
	}
	return nil
}

// excelText shortens what Excel would refuse to open.
func excelText(v string) string {
	if len(v) <= excelChars {
		return v
	}
	units := 0
	for i, r := range v {
		if units += utf16.RuneLen(r); units > excelChars {
			return v[:i]
		}
	}
	return v
}

func (s *xlsxSink) close() error {
	err := s.stream.Flush()
	if err == nil {
		// excelize builds the archive in memory; giving it an archive over the answer itself keeps memory flat.
		s.file.ZipWriter = func(io.Writer) excelize.ZipWriter { return zip.NewWriter(s.to) }
		err = s.file.Write(io.Discard)
	}
	if err = errors.Join(err, s.file.Close()); err != nil {
		return fmt.Errorf("sheet: write XLSX: %w", err)
	}
	return nil
}
