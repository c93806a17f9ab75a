package cli

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/musterid/muster"
)

// minute writes a time of the API in the local zone, to the minute.
func minute(text string) string { return local8601(text, "2006-01-02 15:04") }

// second writes a time of the API in the local zone, to the second.
func second(text string) string { return local8601(text, "2006-01-02 15:04:05") }

func local8601(text, layout string) string {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return text
	}
	return at.Local().Format(layout)
}

// flat gives a value as pairs of name and text: nested objects under dotted names, lists on one line.
func flat(name string, value any) []string {
	switch v := value.(type) {
	case nil:
		return nil
	case map[string]any:
		var pairs []string
		if name != "" {
			name += "."
		}
		for _, part := range slices.Sorted(maps.Keys(v)) {
			pairs = append(pairs, flat(name+part, v[part])...)
		}
		return pairs
	}
	return []string{name, word(value)}
}

// word is one value on one line.
func word(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case map[string]any:
		var texts []string
		for _, part := range slices.Sorted(maps.Keys(v)) {
			texts = append(texts, word(v[part]))
		}
		return strings.Join(texts, " ")
	case []any:
		texts := make([]string, len(v))
		for i, e := range v {
			texts[i] = word(e)
		}
		return strings.Join(texts, "; ")
	}
	return fmt.Sprint(value)
}

// differences writes a change in short: field: before → after. A field without either value is one of which only that it changed is told.
func differences(c muster.Change) string {
	var texts []string
	for _, f := range c.Fields {
		switch {
		case f.Before == nil && f.After == nil:
			texts = append(texts, f.Field)
		case f.Before == nil:
			texts = append(texts, f.Field+": "+word(f.After))
		case f.After == nil:
			texts = append(texts, f.Field+": "+word(f.Before)+" → –")
		default:
			texts = append(texts, f.Field+": "+word(f.Before)+" → "+word(f.After))
		}
	}
	return strings.Join(texts, ", ")
}
