package intake

import (
	"errors"
	"io"

	"github.com/musterid/muster/internal/sheet"
)

// The kinds of tables that WriteSheet writes.
const (
	CSV  = sheet.CSV
	XLSX = sheet.XLSX
)

// WriteSheet writes a table that is no answer to anybody's file, such as a template to fill in. The format's kind is CSV or XLSX; a CSV file in
// UTF-8 that begins with a mark (encoding utf-8-bom) is read rightly by all spreadsheets.
func WriteSheet(w io.Writer, format Format, header []string, rows [][]string) error {
	out, err := sheet.NewWriter(w, format, header, nil)
	if err != nil {
		return err
	}
	for i, cells := range rows {
		if err := out.Write(sheet.Row{Number: i + 2, Cells: cells}); err != nil {
			return errors.Join(err, out.Close())
		}
	}
	return out.Close()
}
