package muster

import (
	"encoding/json"
	"unicode/utf8"
)

// AppendJSON appends the change as JSON, byte for byte what encoding/json makes of it. A change is stored for every row of every batch, and most
// of its values are plain texts: those are written without reflection.
func (c Change) AppendJSON(out []byte) ([]byte, error) {
	out = append(out, `{"action":`...)
	out, err := appendValue(out, string(c.Action))
	if err != nil || len(c.Fields) == 0 {
		return append(out, '}'), err
	}
	out = append(out, `,"fields":[`...)
	for i := range c.Fields {
		if i > 0 {
			out = append(out, ',')
		}
		if out, err = c.Fields[i].appendJSON(out); err != nil {
			return out, err
		}
	}
	return append(out, ']', '}'), nil
}

func (f *FieldChange) appendJSON(out []byte) ([]byte, error) {
	out, err := appendValue(append(out, `{"field":`...), f.Field)
	if err == nil && f.Before != nil {
		out, err = appendValue(append(out, `,"before":`...), f.Before)
	}
	if err == nil && f.After != nil {
		out, err = appendValue(append(out, `,"after":`...), f.After)
	}
	if f.Forecast {
		out = append(out, `,"forecast":true`...)
	}
	return append(out, '}'), err
}

func appendValue(out []byte, v any) ([]byte, error) {
	switch x := v.(type) {
	case string:
		if plainText(x) {
			return append(append(append(out, '"'), x...), '"'), nil
		}
	case bool:
		if x {
			return append(out, "true"...), nil
		}
		return append(out, "false"...), nil
	}
	b, err := json.Marshal(v)
	return append(out, b...), err
}

// plainText says whether a text stands in JSON as it is.
func plainText(s string) bool {
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if c < ' ' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' || c == 0x7f {
				return false
			}
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 || r == '\u2028' || r == '\u2029' {
			return false
		}
		i += n
	}
	return true
}
