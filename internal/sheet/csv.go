package sheet

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/musterid/muster"
)

const delimiters = ";\t,|" // on a tie the earlier wins

func delimiterName(d string) string {
	switch d {
	case "\t":
		return "a tab"
	case "|":
		return "a bar"
	}
	return fmt.Sprintf("%q", d)
}

// csvReader reads records from UTF-8 text. It is our own because encoding/csv skips blank lines without counting them, buffers a quoted field of
// any length, and cannot say where a quote that is never closed began. It reads what spreadsheets write: LF, CR LF and CR end a row; a quote
// inside a field that does not begin with one is a character like any other.
type csvReader struct {
	r        io.Reader
	buf      []byte
	pos, end int
	done     error // what ended r
	comma    byte
	limits   Limits

	row    int // number of the record being read
	line   int // physical line being read
	lastCR bool

	text      []byte // the record's cells, one after the other
	ends      []int
	cellStart int
	beyond    bool
}

func newCSVReader(r io.Reader, limits Limits) *csvReader {
	return &csvReader{r: r, buf: make([]byte, maxHeaderBytes), limits: limits, line: 1}
}

// startCSV looks at the first lines of a text for a preamble and the delimiter, and reads the header.
func (r *Reader) startCSV(text io.Reader, delimiter string) error {
	c := newCSVReader(text, r.limits)
	r.source = c
	head := c.peek()
	preamble, length, said := findPreamble(head)
	r.format.Preamble = preamble
	switch {
	case delimiter != "":
		r.format.Delimiter = delimiter
	case said != 0:
		r.format.Delimiter = string(said)
	default:
		r.format.Delimiter = string(findDelimiter(head[length:]))
	}
	c.comma = r.format.Delimiter[0]
	if preamble != "" {
		if _, err := c.next(); err != nil {
			return err
		}
		if said != 0 {
			c.row = 0 // a spreadsheet does not show this line
		}
	}
	rec, err := r.firstRow()
	if err != nil {
		return err
	}
	return r.setHeader(rec)
}

// findPreamble recognises a first line that is no header: Excel's sep=; and the version line of Microsoft Entra's templates.
func findPreamble(head []byte) (line string, length int, delimiter byte) {
	end := bytes.IndexAny(head, "\r\n")
	if end < 0 || end > 1000 {
		return "", 0, 0
	}
	text := string(head[:end])
	bare := strings.ToLower(strings.Trim(strings.TrimSpace(text), `"`))
	if d, ok := strings.CutPrefix(bare, "sep="); ok {
		if strings.HasSuffix(text, "\t") { // the delimiter was trimmed
			d = "\t"
		}
		if len(d) == 1 && strings.Contains(delimiters, d) {
			return text, end, d[0]
		}
	}
	if strings.HasPrefix(bare, "version:v") && strings.Trim(bare[len("version:v"):], `0123456789.,;"`+"\t") == "" {
		return text, end, 0
	}
	return "", 0, 0
}

// findDelimiter chooses the delimiter that stands most often outside quotes in the first line that is not blank.
func findDelimiter(head []byte) byte {
	head = bytes.TrimLeft(head, " \r\n")
	var counts [len(delimiters)]int
	quoted := false
	for _, c := range head {
		if c == '"' {
			quoted = !quoted
		}
		if quoted {
			continue
		}
		if c == '\n' || c == '\r' {
			break
		}
		if i := strings.IndexByte(delimiters, c); i >= 0 {
			counts[i]++
		}
	}
	best := -1
	for i, n := range counts {
		if n > 0 && (best < 0 || n > counts[best]) {
			best = i
		}
	}
	if best < 0 {
		return ','
	}
	return delimiters[best]
}

// peek fills the buffer and shows it.
func (c *csvReader) peek() []byte {
	for c.done == nil && c.end < len(c.buf) {
		n, err := c.r.Read(c.buf[c.end:])
		c.end += n
		c.done = err
	}
	return c.buf[:c.end]
}

// more reads on when the buffer is used up; false at the end of the text.
func (c *csvReader) more() bool {
	for c.pos == c.end && c.done == nil {
		n, err := c.r.Read(c.buf)
		c.pos, c.end, c.done = 0, n, err
	}
	return c.pos < c.end
}

// next reads one record, blank ones included.
func (c *csvReader) next() (record, error) {
	c.text, c.ends, c.cellStart, c.beyond = c.text[:0], c.ends[:0], 0, false
	if c.more() && c.lastCR && c.buf[c.pos] == '\n' {
		c.pos++
	}
	c.lastCR = false
	if !c.more() {
		return record{}, c.ended()
	}
	c.row++
	for {
		ended, err := c.cell()
		if err != nil {
			return record{}, err
		}
		c.endCell()
		if ended {
			break
		}
	}
	if c.done != nil && !errors.Is(c.done, io.EOF) {
		return record{}, c.ended()
	}
	return c.record(), nil
}

func (c *csvReader) ended() error {
	if errors.Is(c.done, io.EOF) {
		return io.EOF
	}
	return fmt.Errorf("sheet: read CSV: %w", c.done)
}

// cell reads one cell and the delimiter or line end behind it; ended is true when that was the record's last.
func (c *csvReader) cell() (ended bool, err error) {
	if !c.more() {
		return true, nil
	}
	if c.buf[c.pos] == '"' {
		c.pos++
		if err := c.quoted(); err != nil {
			return true, err
		}
	} else {
		c.plain()
	}
	if !c.more() {
		return true, nil
	}
	b := c.buf[c.pos]
	c.pos++
	if b == c.comma {
		return false, nil
	}
	c.line++
	c.lastCR = b == '\r'
	return true, nil
}

// plain reads up to the next delimiter or line end.
func (c *csvReader) plain() {
	for c.more() {
		i := c.pos
		for i < c.end && c.buf[i] != c.comma && c.buf[i] != '\n' && c.buf[i] != '\r' {
			i++
		}
		c.keep(c.buf[c.pos:i])
		c.pos = i
		if i < c.end {
			return
		}
	}
}

// quoted reads up to the closing quote and checks what follows it.
func (c *csvReader) quoted() error {
	began, wasCR := c.line, false
	for {
		if !c.more() {
			return c.badQuote(began)
		}
		i := bytes.IndexByte(c.buf[c.pos:c.end], '"')
		part := c.buf[c.pos:c.end]
		if i >= 0 {
			part = part[:i]
		}
		wasCR = c.countLines(part, wasCR)
		c.keep(part)
		c.pos += len(part)
		if i < 0 {
			continue
		}
		c.pos++ // the quote
		if c.more() && c.buf[c.pos] == '"' {
			c.keep(c.buf[c.pos : c.pos+1])
			c.pos++
			wasCR = false
			continue
		}
		return c.afterQuote(began)
	}
}

// afterQuote passes over spaces behind a closing quote; anything but a delimiter or line end there means that a quote was left open before.
func (c *csvReader) afterQuote(began int) error {
	for c.more() {
		switch b := c.buf[c.pos]; b {
		case c.comma, '\n', '\r':
			return nil
		case ' ':
			c.pos++
		default:
			return c.badQuote(began)
		}
	}
	return nil
}

func (c *csvReader) badQuote(began int) error {
	if c.done != nil && !errors.Is(c.done, io.EOF) {
		return c.ended()
	}
	return muster.Errorf(muster.Invalid, "", "The quoted field that begins on line %d is not closed properly: nothing tells where it ends. Close it, or write a quote inside a quoted field twice.", began)
}

// countLines counts the line ends inside a quoted field.
func (c *csvReader) countLines(p []byte, wasCR bool) bool {
	for _, b := range p {
		if b == '\r' || b == '\n' && !wasCR {
			c.line++
		}
		wasCR = b == '\r'
	}
	return wasCR
}

// keep appends to the cell being read, up to one byte more than a cell may have: enough to notice, no more.
func (c *csvReader) keep(p []byte) {
	if len(c.ends) > c.limits.Columns {
		c.beyond = c.beyond || !blankBytes(p)
		return
	}
	room := c.limits.CellBytes + 1 - (len(c.text) - c.cellStart)
	c.text = append(c.text, p[:min(room, len(p))]...)
}

func blankBytes(p []byte) bool { return len(bytes.TrimSpace(p)) == 0 }

func (c *csvReader) endCell() {
	if len(c.ends) <= c.limits.Columns {
		c.ends = append(c.ends, len(c.text))
		c.cellStart = len(c.text)
	}
}

func (c *csvReader) record() record {
	text := string(c.text) // one allocation for all cells
	cells := make([]string, len(c.ends))
	start := 0
	for i, end := range c.ends {
		cells[i] = text[start:end]
		start = end
	}
	return record{number: c.row, cells: cells, beyond: c.beyond}
}
