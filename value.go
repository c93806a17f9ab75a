package muster

import (
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// asText takes a JSON value as text: trimmed, without control characters, at most so many characters long. nil is "".
func asText(field string, v any, most int) (string, *Error) {
	if v == nil {
		return "", nil
	}
	s, ok := v.(string)
	if !ok {
		return "", Errorf(Invalid, field, "A text is expected here, not %s.", kindOf(v))
	}
	s = strings.TrimSpace(s)
	if len(s) > most && utf8.RuneCountInString(s) > most {
		return "", Errorf(TooLong, field, "At most %d characters fit here; this has %d.", most, utf8.RuneCountInString(s))
	}
	return s, checkCharacters(field, s)
}

func checkCharacters(field, s string) *Error {
	for i, r := range s {
		switch {
		case r == utf8.RuneError && !utf8.ValidString(s[i:]):
			return Errorf(Invalid, field, "This is not valid UTF-8.")
		case r < ' ' && r != '\n' && r != '\t' && r != '\r', r == 0x7f:
			return Errorf(Invalid, field, "There is a control character (U+%04X) in it.", r)
		}
	}
	return nil
}

// yes and no are the words people write for a boolean in a spreadsheet, folded.
var yes, no = words("true", "1", "yes", "y", "oui", "o", "vrai", "x", "on"), words("false", "0", "no", "n", "non", "faux", "off")

func words(list ...string) map[string]bool {
	m := make(map[string]bool, len(list))
	for _, w := range list {
		m[w] = true
	}
	return m
}

func asBool(field string, v any) (bool, *Error) {
	switch b := v.(type) {
	case nil:
		return false, nil
	case bool:
		return b, nil
	case string:
		s := strings.ToLower(strings.TrimSpace(b))
		if s == "" || no[s] {
			return false, nil
		}
		if yes[s] {
			return true, nil
		}
		return false, Errorf(Invalid, field, "%s is neither yes nor no.", quoted(b))
	}
	return false, Errorf(Invalid, field, "true or false is expected here, not %s.", kindOf(v))
}

func kindOf(v any) string {
	switch v.(type) {
	case string:
		return "a text"
	case bool:
		return "true or false"
	case float64, int, int64, fmt.Stringer:
		return "a number"
	case []any:
		return "a list"
	case map[string]any:
		return "an object"
	}
	return "this"
}

func quoted(s string) string {
	if utf8.RuneCountInString(s) > 60 {
		s = string([]rune(s)[:60]) + "…"
	}
	return fmt.Sprintf("%q", s)
}

func listed[T ~string](words []T) string {
	texts := make([]string, len(words))
	for i, w := range words {
		texts[i] = string(w)
	}
	return strings.Join(texts, ", ")
}

// ValidateEmail accepts an address that a mail server would: one @, non-empty parts, no spaces or controls. Surfaces that promise more check
// more.
func ValidateEmail(field, s string) *Error {
	local, domain, ok := strings.Cut(s, "@")
	if ok && local != "" && domain != "" && len(s) <= 1024 && !strings.Contains(domain, "@") && !strings.ContainsFunc(s, notInEmail) &&
		!strings.HasPrefix(domain, ".") && !strings.HasSuffix(domain, ".") && !strings.Contains(domain, "..") {
		return nil
	}
	return Errorf(Invalid, field, "%s is not an e-mail address. It needs the form name@example.org.", quoted(s))
}

func notInEmail(r rune) bool {
	return unicode.IsSpace(r) || unicode.IsControl(r) || strings.ContainsRune(`<>()[],;:\"`, r)
}

func validateDate(field, s string) *Error {
	if _, err := time.Parse(time.DateOnly, s); err != nil {
		return Errorf(Invalid, field, "%s is not a date. It needs the form 2006-01-31 (year, month, day).", quoted(s))
	}
	return nil
}

var localeForm = regexp.MustCompile(`^[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*$`)

func validateLocale(field, s string) *Error {
	if !localeForm.MatchString(s) {
		return Errorf(Invalid, field, "%s is not a language tag such as fr or en-GB.", quoted(s))
	}
	return nil
}
