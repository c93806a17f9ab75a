package sheet

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/musterid/muster"
)

// jsonArray reads the objects of a JSON array one after the other. It frames them itself, because encoding/json's Decoder buffers a value of any
// size and nesting, and silently replaces broken UTF-8.
type jsonArray struct {
	r      *bufio.Reader
	limits Limits
	n      int // elements begun
	line   int
	buf    []byte
	done   bool
}

func newJSONArray(r io.Reader, limits Limits) *jsonArray {
	return &jsonArray{r: bufio.NewReaderSize(r, maxHeaderBytes), limits: limits, line: 1}
}

func (a *jsonArray) next() (record, error) {
	if a.done {
		return record{}, io.EOF
	}
	c, err := a.skipSpace()
	if err == nil && a.n == 0 {
		if c != '[' {
			return record{}, muster.Errorf(muster.Invalid, "", "The file must be a JSON array of objects: [{…}, {…}].")
		}
		if c, err = a.skipSpace(); err == nil && c == ']' {
			return record{}, a.finish()
		}
	} else if err == nil {
		switch c {
		case ']':
			return record{}, a.finish()
		case ',':
			c, err = a.skipSpace()
		default:
			return record{}, a.fault("After element %d a comma or the closing bracket is missing.", a.n)
		}
	}
	if err != nil {
		return record{}, a.broken(err)
	}
	a.n++
	if c != '{' {
		return record{}, a.fault("Element %d is not an object.", a.n)
	}
	if err := a.object(); err != nil {
		return record{}, err
	}
	raw := append(json.RawMessage(nil), a.buf...)
	return record{number: a.n, json: raw}, checkObject(raw, func() string { return fmt.Sprintf("Element %d", a.n) })
}

func (a *jsonArray) fault(format string, args ...any) error {
	return muster.Errorf(muster.Invalid, "", format+" (line %d)", append(args, a.line)...)
}

func (a *jsonArray) broken(err error) error {
	if errors.Is(err, io.EOF) {
		return a.fault("The array is not closed after element %d: the file was cut off.", a.n)
	}
	return fmt.Errorf("sheet: read JSON: %w", err)
}

// finish checks that nothing follows the array.
func (a *jsonArray) finish() error {
	a.done = true
	_, err := a.skipSpace()
	if err == nil {
		return a.fault("There is text after the end of the array.")
	}
	if !errors.Is(err, io.EOF) {
		return a.broken(err)
	}
	return io.EOF
}

func (a *jsonArray) skipSpace() (byte, error) {
	for {
		c, err := a.r.ReadByte()
		if err != nil {
			return 0, err
		}
		switch c {
		case '\n':
			a.line++
		case ' ', '\t', '\r':
		default:
			return c, nil
		}
	}
}

// object reads to the brace that closes the one just read.
func (a *jsonArray) object() error {
	a.buf = append(a.buf[:0], '{')
	depth, inside, escaped := 1, false, false
	for depth > 0 {
		c, err := a.r.ReadByte()
		if err != nil {
			return a.broken(err)
		}
		if len(a.buf) >= a.limits.LineBytes {
			return tooLong("line_bytes", "Element %d is longer than %s", a.n, size(a.limits.LineBytes))
		}
		a.buf = append(a.buf, c)
		if c == '\n' {
			a.line++
		}
		switch {
		case escaped:
			escaped = false
		case inside:
			escaped = c == '\\'
			inside = c != '"'
		case c == '"':
			inside = true
		case c == '{' || c == '[':
			if depth++; depth > a.limits.Depth {
				return tooLong("depth", "Element %d is nested deeper than %d levels", a.n, a.limits.Depth)
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return nil
}

// checkObject refuses what encoding/json would take or replace without a word. what says which object it is.
func checkObject(raw []byte, what func() string) error {
	if !utf8.Valid(raw) {
		return muster.Errorf(muster.Invalid, "", "%s is not valid UTF-8.", what())
	}
	if !json.Valid(raw) {
		var v json.RawMessage
		return muster.Errorf(muster.Invalid, "", "%s is not valid JSON: %s.", what(), json.Unmarshal(raw, &v))
	}
	if loneSurrogate(raw) {
		return muster.Errorf(muster.Invalid, "", `%s has half a character: a \ud8… escape without its other half.`, what())
	}
	return nil
}

// loneSurrogate looks for \uD800 to \uDFFF outside a pair, in valid JSON.
func loneSurrogate(raw []byte) bool {
	high := false // the escape just before was a high half
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' {
			if high {
				return true
			}
			continue
		}
		i++
		if raw[i] != 'u' {
			if high {
				return true
			}
			continue
		}
		first, second := raw[i+1]|0x20, raw[i+2]|0x20
		i += 4
		isHigh := first == 'd' && (second == '8' || second == '9' || second == 'a' || second == 'b')
		isLow := first == 'd' && second >= 'c' && second <= 'f'
		if isLow != high {
			return true
		}
		high = isHigh
	}
	return high
}
