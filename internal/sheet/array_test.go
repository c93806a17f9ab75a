package sheet_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"github.com/musterid/muster/internal/sheet"
)

// readArray gives the objects of a body.
func readArray(body io.Reader, limits sheet.Limits) (objects []string, err error) {
	r := sheet.NewArrayReader(body, limits)
	for {
		raw, err := r.Next()
		if errors.Is(err, io.EOF) {
			return objects, nil
		}
		if err != nil {
			if _, again := r.Next(); again == nil {
				return nil, errors.New("it goes on after an error")
			}
			return objects, err
		}
		objects = append(objects, string(raw))
	}
}

func TestArrayObjects(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]int{
		"[]": 0, " [ ] \n": 0, "[{}]": 1, "\t[ {\"a\":[1,{\"b\":\"]}\\\"\"}]} ,\r\n{} ]\n": 2, `[{"a":1},{"a":1,"a":2}]`: 2, `[{"é":"\ud83d\ude00"}]`: 1,
	} {
		got, err := readArray(iotest.OneByteReader(strings.NewReader(body)), sheet.Limits{})
		if err != nil || len(got) != want {
			t.Errorf("%q: %q, %v", body, got, err)
		}
	}
}

func TestArrayRefused(t *testing.T) {
	t.Parallel()
	limits := sheet.Limits{Bytes: 200, Rows: 3, LineBytes: 40, Depth: 3}
	for _, c := range []struct {
		body   string
		reason string
		index  int
		offset int64
	}{
		{"", sheet.ArrayEmpty, -1, -1},
		{" \n", sheet.ArrayEmpty, -1, -1},
		{`{"a":1}`, sheet.ArrayNotAnArray, -1, 0},
		{`"[]"`, sheet.ArrayNotAnArray, -1, 0},
		{` null`, sheet.ArrayNotAnArray, -1, 1},
		{`{` + strings.Repeat(" ", 100) + `}`, sheet.ArrayNotAnArray, -1, 0},
		{`{"a":1`, sheet.ArrayInvalidJSON, -1, 5},
		{`nope`, sheet.ArrayInvalidJSON, -1, 1},
		{"\ufeff[]", sheet.ArrayInvalidJSON, -1, 0},
		{"\"\xff\"", sheet.ArrayInvalidUTF8, -1, 1},
		{`[`, sheet.ArrayInvalidJSON, 0, 1},
		{`[{}`, sheet.ArrayInvalidJSON, 1, 3},
		{`[{},]`, sheet.ArrayInvalidJSON, 1, 4},
		{`[,{}]`, sheet.ArrayInvalidJSON, 0, 1},
		{`[{}{}]`, sheet.ArrayInvalidJSON, 1, 3},
		{`[{"a"}]`, sheet.ArrayInvalidJSON, 0, 5},
		{`[{"a":1},{"b":tru}]`, sheet.ArrayInvalidJSON, 1, 17},
		{`[{"a":[}]]`, sheet.ArrayInvalidJSON, 0, 7},
		{"[{\"a\":\"\n\"}]", sheet.ArrayInvalidJSON, 0, 7},
		{"[{}] x", sheet.ArrayTrailing, -1, 5},
		{"[] []", sheet.ArrayTrailing, -1, 3},
		{"[{\"a\":\"x\xffy\"}]", sheet.ArrayInvalidUTF8, 0, 8},
		{`[{},null]`, sheet.ArrayNotAnObject, 1, 4},
		{`[1]`, sheet.ArrayNotAnObject, 0, 1},
		{`[{},"}"]`, sheet.ArrayNotAnObject, 1, 4},
		{`[[{}]]`, sheet.ArrayNotAnObject, 0, 1},
		{`[nope]`, sheet.ArrayInvalidJSON, 0, 2},
		{`[{},{},{},{}]`, sheet.ArrayTooManyRows, 3, 10},
		{`[{"a":` + strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000) + `}]`, sheet.ArrayTooLarge, 0, 41},
		{`[{"a":"` + strings.Repeat("x", 50) + `"}]`, sheet.ArrayTooLarge, 0, 41},
		{`[` + strings.Repeat(" ", 300) + `]`, sheet.ArrayTooLarge, -1, 200},
		{`[{"a":1}` + strings.Repeat(" ", 300), sheet.ArrayTooLarge, -1, 200},
	} {
		_, err := readArray(strings.NewReader(c.body), limits)
		var refused *sheet.ArrayError
		if !errors.As(err, &refused) {
			t.Errorf("%q: %v", c.body, err)
			continue
		}
		if refused.Reason != c.reason || refused.Index != c.index || refused.Offset != c.offset || refused.Error() == "" {
			t.Errorf("%q: %s, row %d, byte %d (%s), want %s, row %d, byte %d", c.body, refused.Reason, refused.Index, refused.Offset, refused, c.reason, c.index, c.offset)
		}
	}
}

// Nesting is a matter of the element alone, up to where encoding/json ends.
func TestArrayTooDeep(t *testing.T) {
	t.Parallel()
	a := sheet.NewArrayReader(strings.NewReader(`[{"a":[[]]},{"a":[[[]]]},{"a":"[[[["}]`), sheet.Limits{Depth: 3})
	for i, deep := range []bool{false, true, false} {
		if _, err := a.Next(); err != nil || (a.TooDeep() != nil) != deep {
			t.Errorf("element %d: %v, %v", i, a.TooDeep(), err)
		}
	}
	var refused *sheet.ArrayError
	_, err := readArray(strings.NewReader(`[{"a":`+strings.Repeat("[", 20_000)+strings.Repeat("]", 20_000)+`}]`), sheet.Limits{})
	if !errors.As(err, &refused) || refused.Reason != sheet.ArrayInvalidJSON {
		t.Errorf("20,000 levels: %v", err)
	}
}

// What the connection says is told as it is, and is no fault of the body.
func TestArrayBrokenOff(t *testing.T) {
	t.Parallel()
	broken := errors.New("connection reset")
	for _, body := range []string{"", "[", "[{", "[{},", "[{}]", "{"} {
		_, err := readArray(io.MultiReader(strings.NewReader(body), iotest.ErrReader(broken)), sheet.Limits{})
		var refused *sheet.ArrayError
		if !errors.Is(err, broken) || errors.As(err, &refused) {
			t.Errorf("%q: %v", body, err)
		}
	}
}

func TestHalfCharacter(t *testing.T) {
	t.Parallel()
	for raw, half := range map[string]bool{`{"a":"\ud83d\ude00"}`: false, `{"a":"\ud83d"}`: true, `{"a":"\ude00"}`: true, `{"a":"\\ud83d"}`: false, `{"a":1}`: false, `{"\ud83d":1}`: true} {
		if sheet.HalfCharacter([]byte(raw)) != half {
			t.Errorf("%s: want %t", raw, half)
		}
	}
}

// FuzzArray holds the reader to encoding/json: it takes what that takes, element by element, and refuses the rest as a whole.
func FuzzArray(f *testing.F) {
	for _, seed := range []string{"[]", `[{"a":[1,2,{"b":null}]},{}]`, "", "[{},", `[{"a":"\u0070"}]`, "[{}]x", `["a"]`, "{", "[{\"a\":\"\xff\"}]", "[[]]", `[{"a":1e400}]`, "null", `[{"a":"\`, "[1 2]"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		limits := sheet.Limits{Bytes: 1 << 16, Rows: 50, LineBytes: 1 << 14, Depth: 20}
		got, err := readArray(bytes.NewReader(body), limits)
		var refused *sheet.ArrayError
		if err != nil && !errors.As(err, &refused) {
			t.Fatalf("%v is not about the body", err)
		}
		if err != nil {
			switch refused.Reason {
			case sheet.ArrayTooManyRows, sheet.ArrayTooLarge:
				return
			}
			if refused.Offset > int64(len(body)) || refused.Index > len(got) {
				t.Fatalf("%+v of %d bytes and %d objects", refused, len(body), len(got))
			}
		}
		var list []json.RawMessage
		valid := utf8.Valid(body) && json.Unmarshal(body, &list) == nil && list != nil
		for _, raw := range list {
			valid = valid && raw != nil && raw[0] == '{'
		}
		if valid != (err == nil) {
			t.Fatalf("encoding/json says %t, and it says %v", valid, err)
		}
		if err == nil && fmt.Sprintf("%s", list) != fmt.Sprintf("%s", got) {
			t.Fatalf("%s, want %s", got, list)
		}
	})
}
