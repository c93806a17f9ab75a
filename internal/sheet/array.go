package sheet

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/musterid/muster"
)

// ArrayError says why a body that is to be a JSON array of objects is refused as a whole.
type ArrayError struct {
	Reason string // one of the Array constants
	Index  int    // of the element, from 0; -1 when it is of none
	Offset int64  // of the byte, from 0; -1 when that says nothing
	Err    *muster.Error
}

func (e *ArrayError) Error() string { return e.Err.Error() }
func (e *ArrayError) Unwrap() error { return e.Err }

// Reasons of an ArrayError.
const (
	ArrayEmpty       = "empty"
	ArrayInvalidJSON = "invalid_json"
	ArrayTrailing    = "trailing_bytes"
	ArrayInvalidUTF8 = "invalid_utf8"
	ArrayNotAnArray  = "not_an_array"
	ArrayNotAnObject = "not_an_object"
	ArrayTooManyRows = "too_many_rows"
	ArrayTooLarge    = "too_large"
)

// ArrayReader reads the objects of a body that is a JSON array, one after the other, as Open does for files. It is for programs: it tells exactly
// what is wrong and where, and takes an array without elements. What it gives is valid JSON of valid UTF-8 and of a bounded size; nesting is bounded by
// what encoding/json takes, and TooDeep tells of an element beyond the limit.
type ArrayReader struct {
	r      *bufio.Reader
	limits Limits
	at     int64 // bytes read
	index  int   // of the element to come
	begun  bool
	ended  error
	buf    []byte
	deep   bool // what stands in buf is nested deeper than the limit
}

// NewArrayReader reads a body. Of the limits, Bytes, Rows, LineBytes (of one element) and Depth count.
func NewArrayReader(r io.Reader, limits Limits) *ArrayReader {
	return &ArrayReader{r: bufio.NewReaderSize(r, maxHeaderBytes), limits: limits.orDefaults()}
}

// Next gives the next object, which is good until the next call, or io.EOF behind the end of the array. A body that is refused is an *ArrayError;
// any other error is of the reading itself.
func (a *ArrayReader) Next() ([]byte, error) {
	if a.ended == nil {
		var found bool
		if found, a.ended = a.find(); found {
			if a.ended = a.element(); a.ended == nil {
				a.index++
				return a.buf, nil
			}
		}
	}
	return nil, a.ended
}

// TooDeep is what is wrong with the element that Next gave last when it is nested deeper than the limit; nil otherwise. The others are none the worse
// for it.
func (a *ArrayReader) TooDeep() *muster.Error {
	if !a.deep {
		return nil
	}
	return muster.Errorf(muster.TooLong, "", "The row with index %d is nested deeper than %d levels.", a.index-1, a.limits.Depth)
}

// find goes to the first byte of the next element, which it leaves in buf.
func (a *ArrayReader) find() (bool, error) {
	c, err := a.skipSpace()
	switch {
	case !a.begun && errors.Is(err, io.EOF):
		return false, a.refuse(ArrayEmpty, -1, -1, "The body is empty. Send a JSON array of objects: [{…}, {…}].")
	case err != nil:
		return false, a.cut(err)
	case !a.begun && c != '[':
		return false, a.other(c)
	case !a.begun:
		a.begun = true
		if c, err = a.skipSpace(); err == nil && c == ']' {
			return false, a.finish()
		}
	case c == ']':
		return false, a.finish()
	case c != ',':
		return false, a.invalid(a.at-1, "a comma or the closing bracket is missing")
	default:
		c, err = a.skipSpace()
	}
	if err != nil {
		return false, a.cut(err)
	}
	if a.index >= a.limits.Rows {
		return false, a.refuse(ArrayTooManyRows, a.index, a.at-1, "The body has more than %d rows. Send them in several requests.", a.limits.Rows)
	}
	a.buf = append(a.buf[:0], c)
	return true, nil
}

// element reads the element that begins with what stands in buf, and checks it.
func (a *ArrayReader) element() error {
	start := a.at - 1
	if err := a.frame(); err != nil {
		return err
	}
	if err := a.check(start); err != nil {
		return err
	}
	if a.buf[0] != '{' {
		return a.refuse(ArrayNotAnObject, a.index, start, "The row with index %d is not an object.", a.index)
	}
	return nil
}

// check holds what was read from an offset on to the rules of JSON.
func (a *ArrayReader) check(start int64) error {
	if !utf8.Valid(a.buf) {
		for i := 0; i < len(a.buf); {
			r, n := utf8.DecodeRune(a.buf[i:])
			if r == utf8.RuneError && n == 1 {
				return a.refuse(ArrayInvalidUTF8, a.row(), start+int64(i), "The body is not valid UTF-8 at byte %d.", start+int64(i))
			}
			i += n
		}
	}
	if json.Valid(a.buf) {
		return nil
	}
	var v json.RawMessage
	err := json.Unmarshal(a.buf, &v)
	offset := start
	if syntax := (*json.SyntaxError)(nil); errors.As(err, &syntax) && syntax.Offset > 0 {
		offset += syntax.Offset - 1
	}
	return a.invalid(offset, strings.TrimPrefix(fmt.Sprint(err), "json: "))
}

// frame reads to the end of the value that begins with what stands in buf: to the bracket that closes it, or to its last character. Whether it is
// valid is seen later.
func (a *ArrayReader) frame() error {
	a.deep = false
	switch a.buf[0] {
	case '{', '[', '"':
	default:
		return a.frameScalar()
	}
	depth, inside, escaped := 0, false, false
	for c := a.buf[0]; ; {
		switch {
		case escaped:
			escaped = false
		case inside:
			escaped, inside = c == '\\', c != '"'
		case c == '"':
			inside = true
		case c == '{' || c == '[':
			depth++
			a.deep = a.deep || depth > a.limits.Depth
		case c == '}' || c == ']':
			depth--
		}
		if depth <= 0 && !inside {
			return nil
		}
		var err error
		if c, err = a.read(); err != nil {
			return a.cut(err)
		}
		if err := a.keep(c); err != nil {
			return err
		}
	}
}

func (a *ArrayReader) frameScalar() error {
	for {
		next, err := a.r.Peek(1)
		if errors.Is(err, io.EOF) || err == nil && bytes.IndexByte([]byte(",]} \t\r\n"), next[0]) >= 0 {
			return nil
		}
		c, err := a.read()
		if err != nil {
			return a.cut(err)
		}
		if err := a.keep(c); err != nil {
			return err
		}
	}
}

func (a *ArrayReader) keep(c byte) error {
	if len(a.buf) >= a.limits.LineBytes {
		return a.refuse(ArrayTooLarge, a.index, a.at-1, "The row with index %d is longer than %s.", a.index, size(a.limits.LineBytes))
	}
	a.buf = append(a.buf, c)
	return nil
}

// other says what a body is that begins with something else than an array.
func (a *ArrayReader) other(first byte) error {
	start := a.at - 1
	a.buf = append(a.buf[:0], first)
	for len(a.buf) < a.limits.LineBytes {
		c, err := a.read()
		if errors.Is(err, io.EOF) {
			if err := a.check(start); err != nil {
				return err
			}
			break
		}
		if err != nil {
			return a.cut(err)
		}
		a.buf = append(a.buf, c)
	}
	return a.refuse(ArrayNotAnArray, -1, start, "The body must be a JSON array of objects: [{…}, {…}].")
}

// finish makes sure that nothing follows the array.
func (a *ArrayReader) finish() error {
	_, err := a.skipSpace()
	if err == nil {
		return a.refuse(ArrayTrailing, -1, a.at-1, "There is something behind the end of the array, at byte %d.", a.at-1)
	}
	if !errors.Is(err, io.EOF) {
		return a.cut(err)
	}
	return io.EOF
}

func (a *ArrayReader) skipSpace() (byte, error) {
	for {
		c, err := a.read()
		if err != nil || c != ' ' && c != '\t' && c != '\r' && c != '\n' {
			return c, err
		}
	}
}

func (a *ArrayReader) read() (byte, error) {
	c, err := a.r.ReadByte()
	if err != nil {
		return 0, err
	}
	if a.at++; a.at > a.limits.Bytes {
		return 0, a.refuse(ArrayTooLarge, -1, a.at-1, "The body is longer than %s. Send it in several requests.", size(a.limits.Bytes))
	}
	return c, nil
}

// cut is the error of a body that ended too early, or that could not be read.
func (a *ArrayReader) cut(err error) error {
	if errors.Is(err, io.EOF) {
		return a.invalid(a.at, "the array is not closed")
	}
	if refused := (*ArrayError)(nil); errors.As(err, &refused) {
		return err
	}
	return fmt.Errorf("sheet: read body: %w", err)
}

func (a *ArrayReader) invalid(offset int64, why string) error {
	return a.refuse(ArrayInvalidJSON, a.row(), offset, "The body is not valid JSON at byte %d: %s.", offset, why)
}

// row is the index of the element being read; -1 outside of the array.
func (a *ArrayReader) row() int {
	if !a.begun {
		return -1
	}
	return a.index
}

func (a *ArrayReader) refuse(reason string, index int, offset int64, format string, args ...any) error {
	code := muster.Invalid
	switch reason {
	case ArrayTooManyRows, ArrayTooLarge:
		code = muster.TooLong
	case ArrayEmpty:
		code = muster.Required
	}
	return &ArrayError{Reason: reason, Index: index, Offset: offset, Err: muster.Errorf(code, "", format, args...)}
}

// HalfCharacter says whether valid JSON has an escape such as \ud83d without its other half, which stands for no character.
func HalfCharacter(raw []byte) bool { return bytes.IndexByte(raw, '\\') >= 0 && loneSurrogate(raw) }
