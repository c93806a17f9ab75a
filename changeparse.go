package muster

import (
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// ParseChange reads a change from JSON, as encoding/json does. Pages of results are made of changes as AppendJSON wrote them, most of whose values are
// plain texts: these are read without reflection, and as parts of one text.
func ParseChange(text []byte) (c Change, err error) {
	if utf8.Valid(text) {
		p := changeParser{rest: string(text)}
		if c, ok := p.change(); ok {
			return c, nil
		}
	}
	c = Change{}
	return c, json.Unmarshal(text, &c)
}

// changeParser reads what AppendJSON writes, and gives up on anything else.
type changeParser struct{ rest string }

func (p *changeParser) change() (c Change, ok bool) {
	if !p.skip(`{"action":`) {
		return c, false
	}
	action, ok := p.text()
	if !ok {
		return c, false
	}
	c.Action = Action(action)
	if p.rest == "}" {
		return c, true
	}
	if !p.skip(`,"fields":[`) {
		return c, false
	}
	c.Fields = make([]FieldChange, 0, strings.Count(p.rest, `{"field":`))
	for {
		var f FieldChange
		if !p.field(&f) {
			return c, false
		}
		c.Fields = append(c.Fields, f)
		if !p.skip(",") {
			return c, p.rest == "]}"
		}
	}
}

func (p *changeParser) field(f *FieldChange) (ok bool) {
	if !p.skip(`{"field":`) {
		return false
	}
	if f.Field, ok = p.text(); !ok {
		return false
	}
	if p.skip(`,"before":`) {
		if f.Before, ok = p.value(); !ok {
			return false
		}
	}
	if p.skip(`,"after":`) {
		if f.After, ok = p.value(); !ok {
			return false
		}
	}
	f.Forecast = p.skip(`,"forecast":true`)
	return p.skip("}")
}

func (p *changeParser) skip(word string) bool {
	rest, found := strings.CutPrefix(p.rest, word)
	p.rest = rest
	return found
}

// text reads a text that stands as it is.
func (p *changeParser) text() (string, bool) {
	if len(p.rest) == 0 || p.rest[0] != '"' {
		return "", false
	}
	for i := 1; i < len(p.rest); i++ {
		switch c := p.rest[i]; {
		case c == '"':
			s := p.rest[1:i]
			p.rest = p.rest[i+1:]
			return s, true
		case c == '\\' || c < ' ':
			return "", false
		}
	}
	return "", false
}

// value reads a text, a truth, or whatever else as encoding/json does.
func (p *changeParser) value() (any, bool) {
	if s, ok := p.text(); ok {
		return s, true
	}
	switch {
	case p.skip("true"):
		return true, true
	case p.skip("false"):
		return false, true
	}
	d := json.NewDecoder(strings.NewReader(p.rest))
	var v any
	if err := d.Decode(&v); err != nil || v == nil {
		return nil, false
	}
	p.rest = p.rest[d.InputOffset():]
	return v, true
}
