// Package lang says the product's sentences in the reader's language: English, which the code is written in, and French.
//
// The English format string is the key, so that code reads as it speaks and a sentence without a translation still comes out right. The French
// catalogue stands in fr.go and fr_*.go, by area; sentence.go is what an entry of it can do, and recognise.go finds the entry that a finished
// sentence was made from. What people wrote themselves (names, values, answers of outside systems) is never translated, and logs stay English.
package lang

import (
	"fmt"
	"strings"

	"github.com/musterid/muster"
)

// T speaks one language. The zero T speaks English.
type T struct {
	tag   string
	texts *catalogue // nil for English
}

// Of gives the language that a tag such as fr, fr-CH or fr_FR.UTF-8 asks for; English where it is none of ours.
func Of(tag string) T {
	primary, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(tag)), "-")
	primary, _, _ = strings.Cut(primary, "_")
	primary, _, _ = strings.Cut(primary, ".")
	if primary == "fr" {
		return T{tag: "fr", texts: frenchCatalogue()}
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

// Sprintf is fmt.Sprintf in the language of t. format is the English. Arguments that are sentences of ours are said in that language, too.
func (t T) Sprintf(format string, args ...any) string {
	if t.texts == nil {
		return fmt.Sprintf(format, args...)
	}
	s, ok := t.texts.sentences[format]
	if !ok {
		return fmt.Sprintf(format, args...)
	}
	return s.made(t.texts, args)
}

// Text is a text in the language of t: a format, a text without arguments, or a sentence that was made of a format before, as those that come
// from storage and from servers are. One that is not recognised is given as it is.
func (t T) Text(english string) string {
	if t.texts == nil {
		return english
	}
	return t.texts.text(english)
}

// Error says a failure in the language of t, without its field. One that was stored, or came from a server, has only its message.
func (t T) Error(e *muster.Error) string {
	if e.Format == "" {
		return t.Text(e.Message)
	}
	if t.texts != nil {
		if _, ok := t.texts.sentences[e.Format]; !ok || strings.TrimFunc(e.Format, notLetter) == "s" { // a format of nothing but its argument
			return t.Text(e.Message)
		}
	}
	return t.Sprintf(e.Format, e.Args...)
}
