package batch

import (
	"bytes"
	"compress/flate"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/musterid/muster/internal/store"
)

// inflated are buffers that blocks are inflated into; they are used again.
var inflated = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// unpack undoes pack.
func unpack(b store.Block) ([]Row, error) {
	content, err := inflate(b)
	if err != nil {
		return nil, err
	}
	rows := make([]Row, b.N)
	var r rowReader
	for i := range rows {
		line, rest, _ := strings.Cut(content, "\n")
		if !r.read(line, &rows[i]) {
			rows[i] = Row{}
			if err := json.Unmarshal([]byte(line), &rows[i]); err != nil {
				return nil, fmt.Errorf("batch: unpack row %d: %w", b.First+i, err)
			}
		}
		content = rest
	}
	return rows, nil
}

// inflate gives the lines of a block as one text, of which the cells of its rows are parts.
func inflate(b store.Block) (string, error) {
	r := inflaters.Get().(io.ReadCloser)
	defer inflaters.Put(r)
	if err := r.(flate.Resetter).Reset(bytes.NewReader(b.Bytes), nil); err != nil {
		return "", fmt.Errorf("batch: unpack rows from %d: %w", b.First, err)
	}
	space := inflated.Get().(*bytes.Buffer)
	defer inflated.Put(space)
	space.Reset()
	if _, err := space.ReadFrom(r); err != nil {
		return "", fmt.Errorf("batch: unpack rows from %d: %w", b.First, err)
	}
	return space.String(), nil
}

// rowReader reads the lines that nearly all rows have, without the reflection of encoding/json: a number and cells that need no unescaping, or a
// number and an object. It leaves all others to encoding/json.
type rowReader struct{ cells []string }

func (r *rowReader) read(line string, row *Row) bool {
	rest, ok := strings.CutPrefix(line, `{"n":`)
	if !ok {
		return false
	}
	digits := 0
	for ; digits < len(rest) && digits < 9 && rest[digits] >= '0' && rest[digits] <= '9'; digits++ {
		row.Number = 10*row.Number + int(rest[digits]-'0')
	}
	rest = rest[digits:]
	if list, ok := strings.CutPrefix(rest, `,"c":[`); ok && digits > 0 {
		return r.readCells(list, row)
	}
	if object, ok := strings.CutPrefix(rest, `,"j":`); ok && digits > 0 {
		return readWhole(object, row)
	}
	return false
}

// readCells reads a list of texts with which the line ends.
func (r *rowReader) readCells(rest string, row *Row) bool {
	begin := len(r.cells)
	for {
		if len(rest) == 0 || rest[0] != '"' {
			return false
		}
		end := strings.IndexByte(rest[1:], '"')
		if end < 0 {
			return false
		}
		cell := rest[1 : end+1]
		if strings.IndexByte(cell, '\\') >= 0 {
			return false
		}
		r.cells, rest = append(r.cells, cell), rest[end+2:]
		switch {
		case rest == "]}":
			row.Cells = r.cells[begin:len(r.cells):len(r.cells)]
			return true
		case len(rest) == 0 || rest[0] != ',':
			return false
		}
		rest = rest[1:]
	}
}

// readWhole reads an object with which the line ends. Our own line is valid JSON, so it is enough to see where the object does.
func readWhole(object string, row *Row) bool {
	depth, quoted := 0, false
	for i := 0; i < len(object); i++ {
		switch c := object[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			if depth--; depth == 0 {
				row.JSON = json.RawMessage(object[:i+1])
				return object[i+1:] == "}"
			}
		}
		if depth == 0 {
			return false // no object
		}
	}
	return false
}
