package sheet

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"github.com/musterid/muster"
)

// Writer writes a table or a list of objects in the format of the file it answers: kind, delimiter, line ends, encoding. Two encodings change:
// Windows-1252 becomes UTF-8 with a mark, because what is added (a name, an error) may hold characters it lacks and that is known too late; UTF-16
// always gets its mark.
type Writer struct {
	sink  sink
	kept  []int // the columns that are written again
	width int   // of the header
	added []string
	cells []string
}

// sink writes one kind of file.
type sink interface {
	write(cells []string, row Row, added []string) error
	close() error
}

// NewWriter writes to w in the format f. header is the Reader's (nil for JSON kinds); columns of it that are Ours are left out, so that the answer
// to an answer does not grow. added names the columns, or members, that are put behind. Close must be called, also after an error.
func NewWriter(w io.Writer, f Format, header, added []string) (*Writer, error) {
	out := &Writer{width: len(header), added: added}
	for i, h := range header {
		if !Ours(h) {
			out.kept = append(out.kept, i)
		}
	}
	var err error
	switch f.Kind {
	case CSV:
		out.sink, err = newCSVSink(w, f)
	case XLSX:
		out.sink, err = newXLSXSink(w, f)
	case JSON, NDJSON:
		out.sink = newJSONSink(w, f, added)
	default:
		err = muster.Errorf(muster.Invalid, "format", "There is no format %q; there are csv, xlsx, json and ndjson.", f.Kind)
	}
	if err != nil || !f.Tabular() {
		return out, err
	}
	if err := out.Write(Row{Cells: header}, added...); err != nil {
		_ = out.Close()
		return nil, err
	}
	return out, nil
}

// Write writes a row as it was read, with a value for each added column; missing ones are empty. Cells of the row beyond the header come last.
func (w *Writer) Write(row Row, added ...string) error {
	for len(added) < len(w.added) {
		added = append(added[:len(added):len(added)], "")
	}
	added = added[:len(w.added)]
	cells := w.cells[:0]
	for _, i := range w.kept {
		if i < len(row.Cells) {
			cells = append(cells, row.Cells[i])
		} else {
			cells = append(cells, "")
		}
	}
	cells = append(cells, added...)
	if len(row.Cells) > w.width {
		cells = append(cells, row.Cells[w.width:]...)
	}
	w.cells = cells
	return w.sink.write(cells, row, added)
}

// Close ends the file. Without it the file is not complete.
func (w *Writer) Close() error {
	if w.sink == nil {
		return nil
	}
	s := w.sink
	w.sink = nil
	return s.close()
}

// csvSink writes RFC 4180 with the file's own delimiter and line ends.
type csvSink struct {
	w     *bufio.Writer
	wide  *transform.Writer // nil for UTF-8
	comma byte
	eol   string
	first bool
}

func newCSVSink(w io.Writer, f Format) (*csvSink, error) {
	s := &csvSink{eol: "\n", comma: ',', first: true}
	if f.CRLF {
		s.eol = "\r\n"
	}
	if f.Delimiter != "" {
		s.comma = f.Delimiter[0]
	}
	mark := ""
	switch f.Encoding {
	case UTF8BOM, Windows1252:
		mark = bomUTF8
	case UTF16LE:
		s.wide = transform.NewWriter(w, unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder())
		w = s.wide
	case UTF16BE:
		s.wide = transform.NewWriter(w, unicode.UTF16(unicode.BigEndian, unicode.UseBOM).NewEncoder())
		w = s.wide
	}
	s.w = bufio.NewWriterSize(w, 64<<10)
	_, err := s.w.WriteString(mark)
	if err == nil && f.Preamble != "" {
		_, err = s.w.WriteString(f.Preamble + s.eol)
	}
	return s, err
}

func (s *csvSink) write(cells []string, _ Row, _ []string) error {
	for i, c := range cells {
		if i > 0 {
			_ = s.w.WriteByte(s.comma) // bufio keeps the first error
		}
		s.cell(Neutralise(c), len(cells) == 1)
	}
	s.first = false
	if _, err := s.w.WriteString(s.eol); err != nil {
		return fmt.Errorf("sheet: write CSV: %w", err)
	}
	return nil
}

// cell quotes what must be quoted; in the header whatever could be taken for another delimiter, and an only cell that is empty.
func (s *csvSink) cell(c string, only bool) {
	special := "\"\r\n"
	if s.first {
		special += delimiters
	}
	if !strings.ContainsAny(c, special) && strings.IndexByte(c, s.comma) < 0 && (c != "" || !only) && !edgeSpace(c) {
		_, _ = s.w.WriteString(c)
		return
	}
	_ = s.w.WriteByte('"')
	_, _ = s.w.WriteString(strings.ReplaceAll(c, `"`, `""`))
	_ = s.w.WriteByte('"')
}

// edgeSpace: some programs trim a cell that is not quoted.
func edgeSpace(c string) bool { return c != "" && (c[0] == ' ' || c[len(c)-1] == ' ') }

func (s *csvSink) close() error {
	err := s.w.Flush()
	if s.wide != nil && err == nil {
		err = s.wide.Close()
	}
	if err != nil {
		return fmt.Errorf("sheet: write CSV: %w", err)
	}
	return nil
}
