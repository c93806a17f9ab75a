package muster

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/mozillazg/go-unidecode/table"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Fold writes a person's name in lower-case ASCII letters and digits, for usernames and for search. Accents go, letters stay: "Œuvrard" gives
// "oeuvrard", "Straße" "strasse", "Ŋoné" "ngone"; other scripts are transliterated: "Нина" gives "nina", "阿里" "ali". Everything else is dropped:
// "Jean-Pierre" gives "jeanpierre", "N'Diaye" "ndiaye". Composed and decomposed spellings give the same, and Fold(Fold(s)) is Fold(s). The
// result is empty for a name that has no letter which can be written so.
func Fold(s string) string {
	n := 0
	for n < len(s) && s[n] < utf8.RuneSelf && asciiFold[s[n]] == s[n] && s[n] != 0 {
		n++
	}
	if n == len(s) {
		return s
	}
	var space [64]byte
	out := append(space[:0], s[:n]...)
	for i := n; i < len(s); {
		if s[i] < utf8.RuneSelf {
			if c := asciiFold[s[i]]; c != 0 {
				out = append(out, c)
			}
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		text, known := latinFold(r)
		if !known {
			return foldAny(s)
		}
		out = append(out, text...)
		i += size
	}
	return string(out)
}

// foldAny folds a name that is not all Latin. There a mark may be a letter (the vowels of Devanagari) or make another letter of the one before it
// (й), so the name is composed first.
func foldAny(s string) string {
	out := make([]byte, 0, 2*len(s))
	for _, r := range norm.NFKC.String(s) {
		if text, known := latinFold(r); known {
			out = append(out, text...)
		} else {
			out = appendFolded(out, r)
		}
	}
	return string(out)
}

// latinFold looks up what a rune becomes. known is false for the runes that are not in the tables of Latin text.
func latinFold(r rune) (text string, known bool) {
	switch {
	case r >= 0x80 && r < latinEnd:
		return latinTable[r-0x80], true
	case r >= latinMoreStart && r < latinMoreEnd:
		return latinMoreTable[r-latinMoreStart], true
	case r >= 0x2000 && r < 0x2070, r == utf8.RuneError: // spaces, dashes, quotes; bytes that are no text
		return "", true
	}
	return "", false
}

// appendFolded appends what one rune becomes, by letterFold and else by the tables of unidecode.
func appendFolded(out []byte, r rune) []byte {
	r = unicode.ToLower(unicode.ToUpper(r)) // by way of upper case, because some letters are a second lower case of another
	text, special := letterFold[r]
	switch {
	case special:
	case r < utf8.RuneSelf:
		text = string(r)
	case unicode.In(r, unicode.L, unicode.M, unicode.N):
		if section := table.Tables[r>>8]; int(r&0xff) < len(section) {
			text = section[r&0xff]
		}
	}
	for i := range len(text) {
		if c := asciiFold[text[i]&0x7f]; c != 0 && text[i] < utf8.RuneSelf {
			out = append(out, c)
		}
	}
	return out
}

// asciiFold gives the lower-case letter or digit for each ASCII byte that is one, else 0.
var asciiFold = func() (fold [utf8.RuneSelf]byte) {
	for c := range fold {
		switch {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z':
			fold[c] = byte(c)
		case c >= 'A' && c <= 'Z':
			fold[c] = byte(c) + 'a' - 'A'
		}
	}
	return fold
}()

// The tables of Latin text hold what each rune from 0x80 to the end of the combining marks becomes, and the same for the block of Vietnamese and
// medieval letters. With them a Latin name, composed or decomposed, is folded by look-ups alone: transforms are a hundred times slower.
const (
	latinEnd       = 0x370
	latinMoreStart = 0x1E00
	latinMoreEnd   = 0x1F00
)

var (
	latinTable     = latinFolds(0x80, latinEnd)
	latinMoreTable = latinFolds(latinMoreStart, latinMoreEnd)
)

func latinFolds(start, end rune) []string {
	folds := make([]string, end-start)
	for r := start; r < end; r++ {
		var out []byte
		for _, part := range norm.NFKD.String(string(r)) {
			if !unicode.Is(unicode.Mn, part) {
				out = appendFolded(out, part)
			}
		}
		folds[r-start] = string(out)
	}
	return folds
}

// letterFold holds the lower-case letters that do not decompose and for which unidecode has nothing, a sign, or something that we want otherwise.
var letterFold = map[rune]string{
	'œ': "oe", 'æ': "ae", 'ß': "ss", 'ø': "o", 'ł': "l", 'đ': "d", 'ð': "d", 'þ': "th", 'ı': "i", 'ŋ': "ng", 'ĳ': "ij",
	'ə': "e", 'ǝ': "e", 'ɚ': "e", 'ɲ': "n", 'ʌ': "a", 'ɮ': "l", 'ɶ': "oe", // Azerbaijani, West African and phonetic letters
	'ǀ': "c", 'ǁ': "x", 'ǂ': "tc", 'ǃ': "q", // clicks, as Zulu and Juǀʼhoan write them without signs
	'ẜ': "s", 'ẝ': "s", 'ẟ': "d", 'ỻ': "ll", 'ỽ': "v", 'ỿ': "y", 'ʬ': "w", 'ʭ': "d",
	'ⱱ': "v", 'ⱳ': "w", 'ⱴ': "v", 'ꞑ': "n", 'ꞗ': "b", 'ꞡ': "g", 'ꞣ': "k", 'ꞥ': "n", 'ꞧ': "r", 'ꞩ': "s", 'ꬷ': "l", 'ꭓ': "x",
	'ꜩ': "tz", 'ꜳ': "aa", 'ꜵ': "ao", 'ꜷ': "au", 'ꜹ': "av", 'ꜻ': "av", 'ꜽ': "ay", 'ꝁ': "k", 'ꝃ': "k", 'ꝅ': "k", 'ꝉ': "l", 'ꝋ': "o",
	'ꝍ': "o", 'ꝏ': "oo", 'ꝑ': "p", 'ꝓ': "p", 'ꝕ': "p", 'ꝗ': "q", 'ꝙ': "q", 'ꝛ': "r", 'ꝟ': "v", 'ꝡ': "vy", 'ꝥ': "th", 'ꝧ': "th",
	'ꝺ': "d", 'ꝼ': "f", 'ᵹ': "g", 'ꞁ': "l", 'ꞃ': "r", 'ꞅ': "s", 'ꞇ': "t", 'ꞓ': "c", 'ꞛ': "a", 'ꞝ': "o", 'ꞟ': "u", 'ꭐ': "u",
}

// FoldKey is the form in which usernames and e-mail addresses are compared: two that a person would call the same have the same key. Case, the
// way of composing accents, wide and ligature forms, invisible characters and spaces around make no difference; accents do. FoldKey(FoldKey(s))
// is FoldKey(s).
func FoldKey(s string) string {
	s = strings.TrimSpace(s)
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return foldKeyAny(s)
		}
	}
	return strings.ToLower(s)
}

// foldKeyAny repeats, because a compatibility form may contain upper-case letters and a folded one may compose: two turns, seldom three.
func foldKeyAny(s string) string {
	s = strings.ToValidUTF8(s, string(utf8.RuneError))
	for range 5 {
		next := strings.ToLower(cases.Fold().String(norm.NFKD.String(s))) // lowered too, because Fold swaps the cases of Cherokee
		next = strings.TrimSpace(norm.NFKC.String(strings.Map(dropInvisible, next)))
		if next == s {
			break
		}
		s = next
	}
	return s
}

func dropInvisible(r rune) rune {
	if isInvisible(r) {
		return -1
	}
	return r
}

// isInvisible tells the characters that show nothing and take no room: joiners, soft hyphens, marks of direction, variation selectors, fillers.
func isInvisible(r rune) bool {
	return r >= 0xAD && unicode.In(r, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}
