package intake

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// ObjectOf decodes an object, which is valid JSON, as encoding/json does into a map, without its reflection for the values that nearly all members
// have. A number that no computer takes stays a json.Number, which no field does either.
func ObjectOf(raw []byte) map[string]any {
	text := string(raw)
	object := make(map[string]any, 8)
	s := scanner{raw: raw, see: func(depth int, name []byte, at member) {
		if depth == 1 {
			object[nameOf(text[at.start+1:at.start+1+len(name)])] = valueOf(text[at.value:at.end])
		}
	}}
	s.value(0)
	return object
}

// nameOf is what stands between the quotes of a name.
func nameOf(quoted string) string {
	if strings.IndexByte(quoted, '\\') < 0 {
		return quoted
	}
	var name string
	_ = json.Unmarshal([]byte(`"`+quoted+`"`), &name) // of valid JSON
	return name
}

func valueOf(text string) any {
	switch text[0] {
	case '"':
		if inner := text[1 : len(text)-1]; strings.IndexByte(inner, '\\') < 0 {
			return inner
		}
	case 'n':
		return nil
	case 't':
		return true
	case 'f':
		return false
	case '{', '[':
	default:
		if n, err := strconv.ParseFloat(text, 64); err == nil {
			return n
		}
		return json.Number(text)
	}
	var value any
	if json.Unmarshal([]byte(text), &value) == nil {
		return value
	}
	decoder := json.NewDecoder(bytes.NewReader([]byte(text)))
	decoder.UseNumber()
	_ = decoder.Decode(&value) // it is valid JSON with such a number in it
	return inRange(value)
}

// inRange makes numbers of those that are.
func inRange(v any) any {
	switch x := v.(type) {
	case json.Number:
		if n, err := x.Float64(); err == nil {
			return n
		}
	case []any:
		for i := range x {
			x[i] = inRange(x[i])
		}
	case map[string]any:
		for name := range x {
			x[name] = inRange(x[name])
		}
	}
	return v
}

// tooLarge says whether there is a number in a value of ObjectOf that no computer takes.
func tooLarge(v any) bool {
	switch x := v.(type) {
	case json.Number:
		return true
	case []any:
		return slices.ContainsFunc(x, tooLarge)
	case map[string]any:
		for _, inner := range x {
			if tooLarge(inner) {
				return true
			}
		}
	}
	return false
}
