package sheet

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/musterid/muster"
)

// ndjson reads one object per line. Blank lines are skipped and counted.
type ndjson struct {
	r      *bufio.Reader
	limits Limits
	line   int
	buf    []byte
}

func newNDJSON(r io.Reader, limits Limits) *ndjson {
	return &ndjson{r: bufio.NewReaderSize(r, maxHeaderBytes), limits: limits}
}

func (n *ndjson) next() (record, error) {
	for {
		line, err := n.readLine()
		if err != nil {
			return record{}, err
		}
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			continue
		}
		raw := append(json.RawMessage(nil), line...)
		return record{number: n.line, json: raw}, n.check(raw)
	}
}

func (n *ndjson) check(raw []byte) error {
	what := func() string { return fmt.Sprintf("Line %d", n.line) }
	if deepest(raw) > n.limits.Depth {
		return tooLong("depth", "%s is nested deeper than %d levels", fmt.Sprintf("Line %d", n.line), n.limits.Depth)
	}
	if err := checkObject(raw, what); err != nil {
		return err
	}
	if raw[0] != '{' {
		return muster.Errorf(muster.Invalid, "", "%s is not an object.", what())
	}
	return nil
}

// readLine gives the next line without copying more of it than may be.
func (n *ndjson) readLine() ([]byte, error) {
	n.buf = n.buf[:0]
	n.line++
	for {
		part, err := n.r.ReadSlice('\n')
		if len(n.buf)+len(part) > n.limits.LineBytes+2 {
			return nil, tooLong("line_bytes", "Line %d is longer than %s", n.line, size(n.limits.LineBytes))
		}
		n.buf = append(n.buf, part...)
		switch {
		case err == nil, errors.Is(err, io.EOF) && len(n.buf) > 0:
			return n.buf, nil
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF):
			return nil, io.EOF
		default:
			return nil, fmt.Errorf("sheet: read NDJSON: %w", err)
		}
	}
}

// deepest counts nesting before anything recursive looks at the text.
func deepest(raw []byte) int {
	depth, most, inside, escaped := 0, 0, false, false
	for _, c := range raw {
		switch {
		case escaped:
			escaped = false
		case inside:
			escaped = c == '\\'
			inside = c != '"'
		case c == '"':
			inside = true
		case c == '{' || c == '[':
			depth++
			most = max(most, depth)
		case c == '}' || c == ']':
			depth--
		}
	}
	return most
}
