package sheet

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/musterid/muster"
)

func TestJSONRows(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, in, file, kind, want string }{
		{"Array", `[{"a":1}, {"b":"]}\""}]`, "", JSON, "1:{\"a\":1}\n2:{\"b\":\"]}\\\"\"}"},
		{"ArrayEmpty", ` [ ] `, "", JSON, ""},
		{"ArrayBOM", bomUTF8 + "[{}]", "", JSON, "1:{}"},
		{"ArrayUTF16", wideText(`[{"a":"ł"}]`, false, true), "", JSON, `1:{"a":"ł"}`},
		{"Surrogates", `[{"a":"\ud83d\ude00\\ud83d"}]`, "", JSON, `1:{"a":"\ud83d\ude00\\ud83d"}`},
		{"Lines", "{\"a\":1}\n\n{\"b\":2}", "", NDJSON, "1:{\"a\":1}\n3:{\"b\":2}"},
		{"LinesCRLF", "{\"a\":1}\r\n{\"b\":2}\r\n", "", NDJSON, "1:{\"a\":1}\n2:{\"b\":2}"},
		{"OneLineByName", `{"a":1}`, "people.NDJSON", NDJSON, `1:{"a":1}`},
		{"CSVWithBracket", "[x],b\n1,2\n", "", CSV, "2:1|2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := openText(t, c.in, Options{Name: c.file})
			if r.Format().Kind != c.kind {
				t.Errorf("kind = %s, want %s", r.Format().Kind, c.kind)
			}
			if r.Format().Tabular() != (r.Header() != nil) {
				t.Errorf("header = %q", r.Header())
			}
			if got := flat(readAll(t, r)); got != c.want {
				t.Errorf("rows = %q\nwant   %q", got, c.want)
			}
		})
	}
}

func TestJSONFaults(t *testing.T) {
	t.Parallel()
	small := Limits{LineBytes: 50, Depth: 3, Rows: 1}
	for _, c := range []struct {
		name, in string
		o        Options
		code     muster.Code
		want     string
	}{
		{"NotAnObject", "[{},\n5]", Options{}, muster.Invalid, "Element 2 is not an object. (line 2)"},
		{"Trailing", "[{}] x", Options{}, muster.Invalid, "text after the end"},
		{"SecondArray", "[{}][{}]", Options{}, muster.Invalid, "text after the end"},
		{"CutOff", `[{"a":1},{"b"`, Options{}, muster.Invalid, "cut off"},
		{"CutOffBetween", `[{"a":1}`, Options{}, muster.Invalid, "cut off"},
		{"NoComma", "[{} {}]", Options{}, muster.Invalid, "After element 1 a comma"},
		{"TrailingComma", "[{},]", Options{}, muster.Invalid, "Element 2 is not an object"},
		{"BadSyntax", `[{"a":1},{"a" 1}]`, Options{}, muster.Invalid, "Element 2 is not valid JSON: invalid character '1'"},
		{"WrongBracket", `[{"a":1]]`, Options{}, muster.Invalid, "Element 1 is not valid JSON"},
		{"LoneSurrogate", `[{"a":"\ud83dx"}]`, Options{}, muster.Invalid, "half a character"},
		{"LoneLow", `[{"a":"\uDC00"}]`, Options{}, muster.Invalid, "half a character"},
		{"SingleObject", `{"users":[{"a":1}]}`, Options{}, muster.Invalid, "single JSON object"},
		{"SingleObjectLong", "{\n\"users\":[]\n}", Options{Name: "x.json"}, muster.Invalid, "single JSON object"},
		{"Numbers", `[1,2]`, Options{Kind: JSON}, muster.Invalid, "Element 1 is not an object"},
		{"NoArray", `"x"`, Options{Kind: JSON}, muster.Invalid, "must be a JSON array"},
		{"Depth", `[{"a":[[[]]]}]`, Options{Limits: small}, muster.TooLong, "Element 1 is nested deeper than 3 levels (limit depth)"},
		{"DepthLines", "{\"a\":[[[]]]}", Options{Kind: NDJSON, Limits: small}, muster.TooLong, "Line 1 is nested deeper than 3 levels (limit depth)"},
		{"Long", `[{"a":"` + strings.Repeat("x", 50) + `"}]`, Options{Limits: small}, muster.TooLong, "Element 1 is longer than 50 bytes (limit line_bytes)"},
		{"LongLine", "{}\n{\"a\":\"" + strings.Repeat("x", 50) + "\"}\n", Options{Kind: NDJSON, Limits: small}, muster.TooLong, "Line 2 is longer than 50 bytes (limit line_bytes)"},
		{"Rows", `[{},{}]`, Options{Limits: small}, muster.TooLong, "(limit rows)"},
		{"LinesBadSyntax", "{}\n{\"a\":}\n", Options{}, muster.Invalid, "Line 2 is not valid JSON"},
		{"LinesNotAnObject", "{}\n[]\n", Options{}, muster.Invalid, "Line 2 is not an object"},
		{"LinesPretty", "{\n}\n", Options{Kind: NDJSON}, muster.Invalid, "Line 1 is not valid JSON"},
		{"LinesTwo", "{}\n{} {}\n", Options{}, muster.Invalid, "Line 2 is not valid JSON"},
		{"NUL", "[{\"a\":\"\x00\"}]", Options{}, muster.Invalid, "NUL"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e := readError(t, c.in, c.o)
			if e.Code != c.code || !strings.Contains(e.Message, c.want) {
				t.Errorf("error = %s %q, want %s with %q", e.Code, e.Message, c.code, c.want)
			}
		})
	}
}

func TestJSONDeepNestingIsRefusedBeforeItIsParsed(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat(`{"a":`, 100_000)
	for _, kind := range []string{JSON, NDJSON} {
		e := readError(t, map[string]string{JSON: "[", NDJSON: ""}[kind]+deep, Options{Kind: kind})
		if !strings.Contains(e.Message, "(limit depth)") {
			t.Errorf("%s: error = %v", kind, e)
		}
	}
}

// What the scanner takes for a lone half is what encoding/json replaces.
func FuzzLoneSurrogate(f *testing.F) {
	for _, s := range []string{`"\ud83d\ude00"`, `"\ud83d"`, `"\\ud83d"`, `"\ude00\ud83d"`, `"\ud83d\n"`, `"\uD83Dé"`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var v any
		if json.Unmarshal([]byte(text), &v) != nil || strings.Contains(text, "\uFFFD") || strings.Contains(strings.ToLower(text), `\ufffd`) || strings.ToValidUTF8(text, "") != text {
			return
		}
		back, _ := json.Marshal(v)
		if got, want := loneSurrogate([]byte(text)), strings.Contains(string(back), "\uFFFD"); got != want && !hasDuplicate(text) {
			t.Fatalf("%q: lone %v, replaced %v", text, got, want)
		}
	})
}

// hasDuplicate: a member given twice loses its first value, and what was replaced in it.
func hasDuplicate(text string) bool { return strings.Contains(text, "{") }
