package sheet

import (
	"encoding/json"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/musterid/muster"
)

// Row is one person's row.
type Row struct {
	Number int // as a spreadsheet shows it; see the package comment

	// Cells stand under the header, as many as it has: missing ones are "". A row that has more, which is a fault, keeps them, so that the answer
	// shows the same fault. nil for JSON kinds.
	Cells []string

	// JSON is the object of a JSON kind, valid and in UTF-8.
	JSON json.RawMessage

	// Faults are what is wrong with this row alone; the rows after it can be read.
	Faults muster.Errors
}

// source reads the rows of one kind of file. An error ends it.
type source interface {
	next() (record, error)
}

// record is a row before it is laid under the header.
type record struct {
	number int
	cells  []string // at most one more than may be; each at most one byte longer than may be
	beyond bool     // there was text in cells that are not kept
	json   json.RawMessage
}

// Reader reads one file. It is not safe for concurrent use.
type Reader struct {
	format Format
	header []string
	source source
	limits Limits
	spool  *spool
	book   *workbook
	beside *beside
	rows   int
	blanks int
	err    error
}

// Header is the header's cells, trimmed; a blank one is named after its column. nil for JSON kinds.
func (r *Reader) Header() []string {
	if r.beside != nil {
		return r.beside.header
	}
	return r.header
}

// Format is what was found out about the file.
func (r *Reader) Format() Format { return r.format }

// Sheets lists a workbook's sheets in order; nil for other kinds.
func (r *Reader) Sheets() []string {
	if r.book == nil {
		return nil
	}
	return r.book.names()
}

// OpenSheet reads another sheet of the same workbook. It lives no longer than r, and the two must not be used at the same time.
func (r *Reader) OpenSheet(name string) (*Reader, error) {
	if r.book == nil {
		return nil, muster.Errorf(muster.Unsupported, "sheet", "Only a workbook has sheets.")
	}
	other := &Reader{limits: r.limits, book: r.book, format: r.format}
	if err := other.startSheet(name); err != nil {
		return nil, err
	}
	return other, nil
}

// Next gives the next row that has anything in it, and io.EOF after the last. Any other error ends the file; a *muster.Error is the file's fault
// and says where. Faults of one row are in the row.
func (r *Reader) Next() (Row, error) {
	for r.err == nil {
		rec, err := r.source.next()
		if err != nil {
			r.err = err
			break
		}
		if rec.json == nil && !rec.beyond && blank(rec.cells) {
			if r.blanks++; r.blanks > r.limits.Rows {
				r.err = tooLong("rows", "The file has more than %d blank rows. Remove them", r.limits.Rows)
			}
			continue
		}
		if r.rows++; r.rows > r.limits.Rows {
			r.err = tooLong("rows", "The file has more than %d rows. Send it in parts", r.limits.Rows)
			break
		}
		row := r.lay(rec)
		if r.beside != nil {
			r.err = r.beside.extend(&row)
		}
		return row, r.err
	}
	return Row{}, r.err
}

// Close frees the upload. It may be called more than once.
func (r *Reader) Close() error {
	if r.err == nil {
		r.err = errors.New("sheet: the reader is closed")
	}
	if r.spool == nil {
		return nil
	}
	err := r.spool.Close()
	if r.book != nil {
		err = errors.Join(err, r.book.close())
	}
	if r.beside != nil {
		err = errors.Join(err, r.beside.close())
	}
	return err
}

// lay puts a record under the header.
func (r *Reader) lay(rec record) Row {
	row := Row{Number: rec.number, JSON: rec.json}
	if rec.json != nil {
		return row
	}
	cells := rec.cells
	for len(cells) > len(r.header) && cells[len(cells)-1] == "" {
		cells = cells[:len(cells)-1]
	}
	for len(cells) < len(r.header) {
		cells = append(cells, "")
	}
	if len(cells) > len(r.header) || rec.beyond {
		row.Faults = append(row.Faults, r.tooWide(cells))
	}
	for i, c := range cells {
		if len(c) > r.limits.CellBytes {
			e := tooLong("cell_bytes", "The cell in column %s is longer than %s", ColumnName(i), size(r.limits.CellBytes))
			e.Field = r.headerAt(i)
			row.Faults = append(row.Faults, e)
			c = cut(c, r.limits.CellBytes)
		}
		cells[i] = unneutralise(c)
	}
	row.Cells = cells
	return row
}

func (r *Reader) tooWide(cells []string) *muster.Error {
	if r.format.Kind == XLSX {
		return muster.Errorf(muster.Invalid, "", "There is a value to the right of the last header (%s). Give its column a header, or remove it.", ColumnName(len(r.header)-1))
	}
	return muster.Errorf(muster.Invalid, "", "The row has more cells than the header (%d). A value with %s inside must stand in double quotes.", len(r.header), delimiterName(r.format.Delimiter))
}

func (r *Reader) headerAt(i int) string {
	if i < len(r.header) {
		return r.header[i]
	}
	return ColumnName(i)
}

// cut shortens s to at most n bytes without leaving half a character.
func cut(s string, n int) string {
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

func blank(cells []string) bool {
	for _, c := range cells {
		if strings.TrimSpace(c) != "" {
			return false
		}
	}
	return true
}

const maxBlankAbove = 1000

// firstRow finds the header: the first row with anything in it.
func (r *Reader) firstRow() (record, error) {
	for {
		rec, err := r.source.next()
		if errors.Is(err, io.EOF) {
			return rec, muster.Errorf(muster.Invalid, "", "There is no header: the first row must name the columns.")
		}
		if err != nil || !blank(rec.cells) || rec.beyond {
			return rec, err
		}
		if rec.number > maxBlankAbove {
			return rec, muster.Errorf(muster.Invalid, "", "The first %d rows are blank: the first row must name the columns.", maxBlankAbove)
		}
	}
}
