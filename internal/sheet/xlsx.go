package sheet

import (
	"errors"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// sheetRows reads the rows of one sheet as they inflate. Empty cells cost nothing, whatever address they claim.
type sheetRows struct {
	book   *workbook
	part   io.ReadCloser
	xml    *xmlScan
	limits Limits
	inData bool
	done   bool

	row    int // number of the row being read
	column int // of the cell being read
	text   []byte
	cells  []cellRef
	rich   richText
}

// cellRef is a cell's value: a span of the row's text, or a shared string.
type cellRef struct {
	start, end int
	shared     string
}

func (r *Reader) startSheet(name string) error {
	ref, err := r.book.sheet(name)
	if err != nil {
		return err
	}
	part, err := r.book.part(ref.part)
	if err != nil {
		return err
	}
	r.format.Sheet = ref.name
	r.source = newSheetRows(r.book, part, r.limits)
	rec, err := r.firstRow()
	if err != nil {
		return err
	}
	return r.setHeader(rec)
}

func newSheetRows(b *workbook, part io.ReadCloser, limits Limits) *sheetRows {
	return &sheetRows{book: b, part: part, xml: newXMLScan(part), limits: limits, rich: richText{limit: limits.CellBytes + 1}}
}

func (x *sheetRows) next() (record, error) {
	for !x.done {
		token, err := x.xml.next()
		if err != nil {
			return record{}, x.stop(err)
		}
		if token == xmlText {
			continue
		}
		switch string(x.xml.name) {
		case "sheetData":
			x.inData = token == xmlStart && !x.xml.empty
			if !x.inData {
				return record{}, x.drain()
			}
		case "row":
			if token == xmlStart && x.inData {
				return x.readRow()
			}
		}
	}
	return record{}, io.EOF
}

// stop turns the end of the part before the end of the data into damage.
func (x *sheetRows) stop(err error) error {
	if errors.Is(err, io.EOF) {
		return damaged("the sheet ends too early")
	}
	return err
}

// drain reads what follows the data, so that the archive's checksum is compared.
func (x *sheetRows) drain() error {
	x.done = true
	if _, err := io.Copy(io.Discard, x.part); err != nil {
		return err
	}
	if err := x.part.Close(); err != nil {
		return damaged("the sheet cannot be unpacked").Because(err)
	}
	return io.EOF
}

func (x *sheetRows) readRow() (record, error) {
	before := x.row
	x.row++
	if r := attr(x.xml.attrs, "r"); len(r) > 0 {
		n, err := strconv.Atoi(string(r))
		if err != nil || n <= before || n > 1<<30 {
			return record{}, damaged("its rows are not in order")
		}
		x.row = n
	}
	x.text, x.cells, x.column = x.text[:0], x.cells[:0], -1
	beyond := false
	if x.xml.empty {
		return x.record(false), nil
	}
	for {
		token, err := x.xml.next()
		if err != nil {
			return record{}, x.stop(err)
		}
		if token == xmlText {
			continue
		}
		name := string(x.xml.name)
		if token == xmlEnd && name == "row" {
			break
		}
		if token != xmlStart || name != "c" {
			if name == "sheetData" || name == "row" {
				return record{}, damaged("a row is not closed")
			}
			continue
		}
		kept, err := x.readCell()
		if err != nil {
			return record{}, err
		}
		beyond = beyond || !kept
	}
	return x.record(beyond), nil
}

// readCell reads one <c>; kept is false for text in a column that is not kept.
func (x *sheetRows) readCell() (kept bool, err error) {
	kind, style, err := x.cellHead()
	if err != nil || x.xml.empty {
		return true, err
	}
	ref, err := x.cellBody(kind, style)
	if err != nil || ref.shared == "" && ref.end == ref.start {
		return true, err
	}
	if x.column > x.limits.Columns {
		blankText := ref.shared == "" && blankBytes(x.text[ref.start:ref.end]) || ref.shared != "" && strings.TrimSpace(ref.shared) == ""
		x.text = x.text[:ref.start]
		return blankText, nil
	}
	for len(x.cells) < x.column {
		x.cells = append(x.cells, cellRef{})
	}
	x.cells = append(x.cells[:x.column], ref)
	return true, nil
}

// cellHead reads the attributes of <c> and moves to its column.
func (x *sheetRows) cellHead() (kind byte, style int, err error) {
	kind, style = 'n', -1
	column := x.column + 1
	for attrs := x.xml.attrs; ; {
		name, value, rest := nextAttr(attrs)
		if name == nil {
			break
		}
		attrs = rest
		if len(name) != 1 || len(value) == 0 {
			continue
		}
		switch name[0] {
		case 'r':
			if column = columnOf(value); column < 0 {
				return 0, 0, damaged("a cell has no proper address")
			}
		case 's':
			if style, err = strconv.Atoi(string(value)); err != nil {
				style = -1
			}
		case 't':
			kind = kindOf(string(value))
		}
	}
	if column <= x.column {
		return 0, 0, damaged("the cells of row " + strconv.Itoa(x.row) + " are not in order")
	}
	x.column = column
	return kind, style, nil
}

func kindOf(t string) byte {
	switch t {
	case "inlineStr":
		return 'i'
	case "str":
		return 't'
	}
	return t[0] // s shared, b boolean, n number, e error, d date
}

// columnOf reads the letters of an address such as AB12, counted from 0; -1 when there are none.
func columnOf(address []byte) int {
	n := 0
	for i, c := range address {
		switch {
		case c >= 'A' && c <= 'Z':
			n = n*26 + int(c-'A') + 1
		case c >= 'a' && c <= 'z':
			n = n*26 + int(c-'a') + 1
		case i > 0 && c >= '0' && c <= '9':
			return n - 1
		default:
			return -1
		}
		if i > 3 {
			return -1
		}
	}
	return -1
}

// cellBody reads up to </c> and puts the value's text at the end of x.text.
func (x *sheetRows) cellBody(kind byte, style int) (cellRef, error) {
	start, inValue := len(x.text), false
	limit := start + x.limits.CellBytes + 1
	x.rich.reset()
	for {
		token, err := x.xml.next()
		if err != nil {
			return cellRef{}, x.stop(err)
		}
		switch {
		case token == xmlText && inValue:
			if x.text, err = x.xml.appendText(x.text, limit); err != nil {
				return cellRef{}, err
			}
		case token == xmlText:
			err = x.rich.see(x.xml, token)
		case string(x.xml.name) == "v":
			inValue = token == xmlStart && !x.xml.empty
		case token == xmlEnd && string(x.xml.name) == "c":
			return x.value(kind, style, start)
		case kind == 'i':
			err = x.rich.see(x.xml, token)
		case token == xmlStart && string(x.xml.name) == "c", token == xmlEnd && string(x.xml.name) == "row":
			err = damaged("a cell is not closed")
		}
		if err != nil {
			return cellRef{}, err
		}
	}
}

// value turns what stood in the cell into what a person sees in it.
func (x *sheetRows) value(kind byte, style, start int) (cellRef, error) {
	raw := x.text[start:]
	switch kind {
	case 's':
		if len(raw) == 0 {
			return cellRef{}, nil
		}
		i, err := strconv.Atoi(strings.TrimSpace(string(raw)))
		if err != nil {
			return cellRef{}, damaged("a cell points to a string that is not there")
		}
		x.text = x.text[:start]
		text, err := x.book.strings.get(i)
		return cellRef{shared: text}, err
	case 'i':
		text, err := x.rich.done()
		if err != nil {
			return cellRef{}, err
		}
		x.text = append(x.text[:start], text...)
	case 'b':
		x.replace(start, map[bool]string{true: "TRUE", false: "FALSE"}[xmlTrue(raw)])
	case 'd':
		x.replace(start, strings.TrimSuffix(strings.TrimSuffix(string(raw), "Z"), "T00:00:00"))
	case 'n':
		if len(raw) > 0 && len(raw) < 400 {
			x.replace(start, x.book.number(string(raw), style))
		}
	case 't':
		x.text = append(x.text[:start], unescapeExcel(raw)...)
	}
	if !utf8.Valid(x.text[start:]) && len(x.text)-start <= x.limits.CellBytes {
		return cellRef{}, damaged("a text is not valid UTF-8")
	}
	return cellRef{start: start, end: len(x.text)}, nil
}

func (x *sheetRows) replace(start int, text string) { x.text = append(x.text[:start], text...) }

func (x *sheetRows) record(beyond bool) record {
	text := string(x.text) // one allocation for all cells that are not shared
	cells := make([]string, len(x.cells))
	for i, c := range x.cells {
		if c.shared != "" {
			cells[i] = c.shared
		} else {
			cells[i] = text[c.start:c.end]
		}
	}
	return record{number: x.row, cells: cells, beyond: beyond}
}
