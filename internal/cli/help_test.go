package cli

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// parsing gives a parser whose commands are only read, and the session they would run in.
func parsing(t *testing.T) *kong.Kong {
	t.Helper()
	var out bytes.Buffer
	parser, err := newParser(new(commands), newSession(context.Background(), strings.NewReader(""), &out, &out), func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	return parser
}

func TestEveryCommandHasExamplesThatWork(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, leaf := range parsing(t).Model.Leaves(false) {
		command := commandPath(leaf)
		known[command] = true
		text, ok := usage[command]
		if !ok {
			t.Errorf("muster %s has no example", command)
			continue
		}
		if !strings.Contains(leaf.Detail, "Examples:") {
			t.Errorf("the help of muster %s does not show its examples", command)
		}
		for _, line := range strings.Split(text, "\n") {
			parsed, err := parsing(t).Parse(wordsOf(line))
			if err != nil {
				t.Errorf("%s: %v", line, err)
				continue
			}
			if got := commandPath(parsed.Selected()); got != command {
				t.Errorf("%s is an example of muster %s and runs muster %s", line, command, got)
			}
		}
	}
	for command := range usage {
		if !known[command] {
			t.Errorf("there is no command muster %s any more", command)
		}
	}
}

func TestEveryFlagHasHelp(t *testing.T) {
	t.Parallel()
	for _, leaf := range parsing(t).Model.Leaves(false) {
		for _, group := range leaf.AllFlags(true) {
			for _, flag := range group {
				if flag.Help == "" {
					t.Errorf("muster %s: --%s has no help", commandPath(leaf), flag.Name)
				}
			}
		}
		for _, argument := range leaf.Positional {
			if argument.Help == "" {
				t.Errorf("muster %s: <%s> has no help", commandPath(leaf), argument.Name)
			}
		}
	}
}

// wordsOf splits a line as a shell does, as far as the examples need it, and leaves out muster itself.
func wordsOf(line string) []string {
	line = strings.TrimSuffix(strings.TrimPrefix(line, "KEY=$("), ")")
	var words []string
	for i, part := range strings.Split(line, `"`) {
		if i%2 == 1 {
			words = append(words, part)
			continue
		}
		words = append(words, strings.Fields(part)...)
	}
	return words[1:]
}
