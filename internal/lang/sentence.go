package lang

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// A catalogue is a language: its sentences by their English formats.
type catalogue struct {
	sentences map[string]*sentence
	patterns  []*sentence // those that a finished text can be recognised by, the one with most literal text first
	fragments []*sentence // the same for parts of sentences
	parts     map[string]*sentence
}

// A sentence is an entry of the catalogue. In the other language %w stands for an argument that is itself words of ours, of the list of fragments
// or of the catalogue: the kind of a value, the state of a batch, what was being done. It stands where the English has %s. Other arguments are
// what people wrote, and are said in the other language only if they are whole sentences of ours.
type sentence struct {
	english []piece
	said    []piece
	format  string // said, for fmt
	plain   string // said, of a sentence without arguments
	literal int    // bytes of literal text in english
	longest string // of its literals
	inside  bool   // it is recognised in the middle of another one, too
	compile func() *regexp.Regexp
}

// A piece of a format is a literal text or a verb.
type piece struct {
	text string // as it stands in the format; of a literal, as it comes out
	verb byte   // 0 for a literal
	arg  int    // of a verb, from 0
}

var verbs = regexp.MustCompile(`%(?:\[(\d+)\])?[-+# 0]*\d*(?:\.\d+)?([a-zA-Z%])`)

// read takes a format apart.
func read(format string) []piece {
	var list []piece
	literal := func(text string) {
		if n := len(list); n > 0 && list[n-1].verb == 0 {
			list[n-1].text += text
		} else if text != "" {
			list = append(list, piece{text: text})
		}
	}
	at, next := 0, 0
	for _, m := range verbs.FindAllStringSubmatchIndex(format, -1) {
		literal(format[at:m[0]])
		at = m[1]
		verb := format[m[4]]
		if verb == '%' {
			literal("%")
			continue
		}
		if m[2] >= 0 {
			n, _ := strconv.Atoi(format[m[2]:m[3]]) // digits: the pattern says so
			next = max(n-1, 0)
		}
		list = append(list, piece{text: format[m[0]:m[1]], verb: verb, arg: next})
		next++
	}
	literal(format[at:])
	return list
}

func newSentence(english, said string) *sentence {
	said = typeset(said)
	s := &sentence{english: read(english), said: read(said), plain: said}
	var format strings.Builder
	for _, p := range s.said {
		switch p.verb {
		case 0:
			format.WriteString(strings.ReplaceAll(p.text, "%", "%%"))
		case 'w':
			format.WriteString(strings.TrimSuffix(p.text, "w") + "s")
		default:
			format.WriteString(p.text)
		}
	}
	s.format = format.String()
	for _, p := range s.english {
		if p.verb == 0 {
			s.literal += len(p.text)
			if len(p.text) > len(s.longest) {
				s.longest = p.text
			}
		}
	}
	return s
}

// typeset keeps signs from beginning a line: in French a space stands before them that is not to be broken at. The catalogue is written with
// ordinary spaces, which can be seen.
var typeset = strings.NewReplacer(" :", "\u00a0:", " ;", "\u00a0;", " !", "\u00a0!", " ?", "\u00a0?", " %%", "\u00a0%%", "« ", "«\u00a0", " »", "\u00a0»").Replace

// made says the sentence with the arguments of its English format.
func (s *sentence) made(c *catalogue, args []any) string {
	own := args
	for _, p := range s.said {
		if p.verb != 's' && p.verb != 'v' && p.verb != 'w' || p.arg >= len(args) {
			continue
		}
		var text string
		switch a := args[p.arg].(type) {
		case error, fmt.Stringer:
			text = fmt.Sprint(a)
		default:
			text = fmt.Sprintf("%v", a)
		}
		if said := c.argument(text, p.verb == 'w', 0); said != text {
			if &own[0] == &args[0] {
				own = append([]any(nil), args...)
			}
			own[p.arg] = said
		}
	}
	return fmt.Sprintf(s.format, own...)
}

// remade says the sentence with arguments that were found in a finished English one, in the order of its verbs.
func (s *sentence) remade(c *catalogue, found []string, depth int) string {
	args := map[int]string{}
	n := 0
	for _, p := range s.english {
		if p.verb != 0 {
			args[p.arg] = found[n]
			n++
		}
	}
	var out strings.Builder
	for _, p := range s.said {
		switch p.verb {
		case 0:
			out.WriteString(p.text)
		case 's', 'v', 'w':
			out.WriteString(c.argument(args[p.arg], p.verb == 'w', depth))
		default:
			out.WriteString(args[p.arg])
		}
	}
	return out.String()
}
