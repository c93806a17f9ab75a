package lang

import (
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"
)

const (
	// longestText is up to how many bytes of a text are looked at to recognise it. Our sentences are shorter, unless an outside system's answer
	// stands in them.
	longestText = 4 << 10
	// deepest is how many sentences are recognised inside one another.
	deepest = 3
	// leastLetters is how many letters a format needs for a text to be recognised by it: fewer stand in what people write, too.
	leastLetters = 8
	// leastInside is the same for a text in the middle of a sentence, which may well be what an outside system said, and begins with an argument.
	leastInside = 16
)

// frenchCatalogue is made once, when the first reader of French comes.
var frenchCatalogue = sync.OnceValue(func() *catalogue {
	c := &catalogue{sentences: make(map[string]*sentence, len(french)+len(frenchCommands)), parts: make(map[string]*sentence, len(frenchFragments))}
	c.patterns = add(c.sentences, french, func(format string) bool { return strings.HasSuffix(format, ".") || strings.HasSuffix(format, ")") })
	add(c.sentences, frenchCommands, func(string) bool { return false })
	c.fragments = add(c.parts, frenchFragments, func(string) bool { return true })
	return c
})

// add puts entries into a map, and gives those with arguments that a text can be recognised by, the one with most literal text first: it says
// more than one that has an argument in its place.
func add(to map[string]*sentence, entries map[string]string, wanted func(format string) bool) []*sentence {
	var list []*sentence
	for english, said := range entries {
		s := newSentence(english, said)
		to[english] = s
		if wanted(english) && slices.ContainsFunc(s.english, func(p piece) bool { return p.verb != 0 }) && s.recognisable() {
			s.compile = sync.OnceValue(s.pattern)
			list = append(list, s)
		}
	}
	slices.SortFunc(list, func(a, b *sentence) int {
		if a.literal != b.literal {
			return b.literal - a.literal
		}
		return strings.Compare(a.longest, b.longest)
	})
	return list
}

func notLetter(r rune) bool { return !unicode.IsLetter(r) }

// letters is how many of them stand in the literal text of a sentence.
func (s *sentence) letters() int {
	n := 0
	for _, p := range s.english {
		if p.verb == 0 {
			n += len(strings.Join(strings.FieldsFunc(p.text, notLetter), ""))
		}
	}
	return n
}

// recognisable says whether there is enough literal text in a sentence.
func (s *sentence) recognisable() bool {
	letters := s.letters()
	s.inside = s.english[0].verb == 0 || letters >= leastInside
	return letters >= leastLetters || s.english[0].verb == 0 && letters >= 4 && len(s.english) == 2 // a fragment such as "Line %d"
}

// pattern is what the English sentence looks like, whatever its arguments.
func (s *sentence) pattern() *regexp.Regexp {
	var b strings.Builder
	b.WriteString(`(?s)\A`)
	for _, p := range s.english {
		switch p.verb {
		case 0:
			b.WriteString(regexp.QuoteMeta(p.text))
		case 'd':
			b.WriteString(`([-+]?[0-9]+)`)
		case 'q':
			b.WriteString(`("(?:[^"\\]|\\.)*")`)
		case 'X', 'x', 'o':
			b.WriteString(`([0-9A-Fa-f]+)`)
		default:
			b.WriteString(`(.*?)`)
		}
	}
	b.WriteString(`\z`)
	return regexp.MustCompile(b.String())
}

// match gives the arguments of a finished text. The comparisons of plain text come first: few patterns are ever compiled, let alone run.
func (s *sentence) match(text string) ([]string, bool) {
	if len(text) < s.literal || !strings.Contains(text, s.longest) {
		return nil, false
	}
	if first := s.english[0]; first.verb == 0 && !strings.HasPrefix(text, first.text) {
		return nil, false
	}
	if last := s.english[len(s.english)-1]; last.verb == 0 && !strings.HasSuffix(text, last.text) {
		return nil, false
	}
	found := s.compile().FindStringSubmatch(text)
	if found == nil {
		return nil, false
	}
	return found[1:], true
}

// text says a whole text.
func (c *catalogue) text(english string) string {
	if s, ok := c.sentences[english]; ok {
		if strings.Contains(english, "%") {
			return s.format
		}
		return s.plain
	}
	said, _ := c.recognise(english, c.patterns, 0)
	return said
}

// recognise says a finished sentence, or gives it as it is.
func (c *catalogue) recognise(english string, patterns []*sentence, depth int) (string, bool) {
	if len(english) > longestText || depth > deepest {
		return english, false
	}
	for _, s := range patterns {
		if depth > 0 && !s.inside {
			continue
		}
		if found, ok := s.match(english); ok {
			return s.remade(c, found, depth), true
		}
	}
	return english, false
}

// argument says an argument of a sentence: words of ours where the catalogue has %w, else only what is a whole sentence.
func (c *catalogue) argument(english string, words bool, depth int) string {
	if words {
		if s, ok := c.parts[english]; ok {
			return s.plain
		}
		if s, ok := c.sentences[english]; ok {
			return s.plain
		}
		if said, ok := c.recognise(english, c.fragments, depth); ok {
			return said
		}
	}
	return c.whole(english, depth+1)
}

// whole says a sentence inside another, with its full stop or, as they stand before that of the outer one, without.
func (c *catalogue) whole(english string, depth int) string {
	if !strings.ContainsRune(english, ' ') || len(english) > longestText {
		return english
	}
	if strings.HasSuffix(english, ".") {
		if s, ok := c.sentences[english]; ok {
			return s.plain
		}
		said, _ := c.recognise(english, c.patterns, depth)
		return said
	}
	if s, ok := c.sentences[english+"."]; ok {
		return strings.TrimSuffix(s.plain, ".")
	}
	said, ok := c.recognise(english+".", c.patterns, depth)
	if !ok {
		return english
	}
	return strings.TrimSuffix(said, ".")
}
