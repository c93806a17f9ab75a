package native_test

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/musterid/muster/internal/api/native"
)

// What is taken for sound at a glance is sound, whatever the text; and ordinary bodies are.
func TestSoundJSON(t *testing.T) {
	t.Parallel()
	const depth = 4
	for text, sound := range map[string]bool{
		`{"first_name": "Ana", "attributes": {"class": "6A", "first_name": 1}, "phones": [{"type": "work"}, {"type": "home"}], "absent": false}`: true,
		`[]`: true, `"a"`: true, ` 1 `: true, `{"a": "\"b\": {", "b": "\\"}`: true, `[[[[1]]]]`: true, `{"a": {"b": 1}, "b": 2}`: true, `{"a": [{}, {"a": 1}], "b": "a"}`: true,
		`{"a": 1, "a": 2}`: false, `{"a": 1, "\u0061": 2}`: false, `{"a": {"b": 1, "c": [], "b": 2}}`: false, `[[[[[]]]]]`: false, `{} {}`: false, `{"a"`: false, ``: false, `{"a": 1} x`: false,
	} {
		if got := native.SoundJSON([]byte(text), depth); got != sound {
			t.Errorf("%s: %t", text, got)
		}
	}
	var many []string
	for n := range 100 {
		many = append(many, fmt.Sprintf(`"n%d": 1`, n))
	}
	for _, twice := range []string{"", `, "n99": 2`} {
		text := []byte("{" + strings.Join(many, ", ") + twice + "}")
		if native.SoundJSON(text, depth) || (native.FaultInJSON(text, depth) == nil) != (twice == "") {
			t.Errorf("among 100 names: %s", twice)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(rapid.SampledFrom([]string{`{`, `}`, `[`, `]`, `:`, `,`, `"a"`, `"b"`, `"\u0061"`, `"\""`, `"\\"`, ` `, `1`, `null`, `"a":`, `"b":1`, `{"a":`}), 0, 12).Draw(t, "parts")
		text := []byte(strings.Join(parts, ""))
		if err := native.FaultInJSON(text, depth); err != nil && native.SoundJSON(text, depth) {
			t.Errorf("%s is taken for sound: %v", text, err)
		}
	})
}
