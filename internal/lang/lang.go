// Package lang says the product's sentences in the reader's language: English, which the code is written in, and French.
//
// The English format string is the key, so that code reads as it speaks and a sentence without a translation still comes out right. fr.go is the
// French catalogue. What people wrote themselves (names, values, answers of outside systems) is never translated, and logs stay English.
package lang

import (
	"fmt"
	"strings"

	"github.com/musterid/muster"
)

// T speaks one language. The zero T speaks English.
type T struct {
	tag   string
	texts map[string]string
}

// Of gives the language that a tag such as fr, fr-CH or fr_FR.UTF-8 asks for; English where it is none of ours.
func Of(tag string) T {
	primary, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(tag)), "-")
	primary, _, _ = strings.Cut(primary, "_")
	primary, _, _ = strings.Cut(primary, ".")
	if primary == "fr" {
		return T{tag: "fr", texts: french}
	}
	return T{}
}

// FromEnvironment gives the language of a terminal, from the variables that say so, the strongest first.
func FromEnvironment(getenv func(string) string) T {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if tag := getenv(name); tag != "" {
			return Of(tag)
		}
	}
	return T{}
}

// Tag is the language tag: en or fr.
func (t T) Tag() string {
	if t.tag == "" {
		return "en"
	}
	return t.tag
}

// Sprintf is fmt.Sprintf in the language of t. format is the English.
func (t T) Sprintf(format string, args ...any) string {
	return fmt.Sprintf(t.Text(format), args...)
}

// Text is a format, or a text without arguments, in the language of t.
func (t T) Text(english string) string {
	if said, ok := t.texts[english]; ok {
		return said
	}
	return english
}

// Error says a failure in the language of t, without its field. One that came from a server has only its message: that is said in the language of
// t where nothing was put into it.
func (t T) Error(e *muster.Error) string {
	if e.Format == "" {
		return t.Text(e.Message)
	}
	return t.Sprintf(e.Format, e.Args...)
}
