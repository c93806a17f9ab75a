package muster

import (
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"unicode"
	"unicode/utf8"
)

// A generated username is a base, made from the person's names, and a number: jean.dupont and 1 give jean.dupont001. Numbers come from one
// counter per base, so the cost does not grow with namesakes. Four rules make sure that a generated name never equals another name, generated
// or given, now or earlier, without ever looking for one:
//
//  1. The key of the counter is the base, which is lower-case ASCII, begins and ends with a letter or digit, and is already cut so that every
//     number fits behind it.
//  2. A base that ends in a digit has a hyphen before the number: agent7 and 1 give agent7-001. (agent7001 would also be number 7001 of agent.)
//     So a name can be read in one way only: the digits at its end are the number. Format writes it, Split reads it.
//  3. A given name that Split reads as base and number raises that base's counter to at least that number.
//  4. A number is given out once: the counter only rises.
//
// Where the policy gives the bare base first (NumberOnClash), the bare base is treated as a given name: it is looked up among names present and
// retired, it raises the counter that Split finds in it (student12345 is number 12345 of student), and when it is taken, the counter of the
// base gives a number.

// NumberRule says when a generated username has a number.
type NumberRule string

const (
	NumberAlways  NumberRule = "always" // jean.dupont001, jean.dupont002
	NumberOnClash NumberRule = "clash"  // jean.dupont, jean.dupont001
)

const (
	// MaxUsernameNumber is the last number of a base.
	MaxUsernameNumber = 999_999
	// MaxGeneratedUsername is the most characters that a policy can give a generated username.
	MaxGeneratedUsername = 64
	// MaxUsername is the most characters in a given username.
	MaxUsername = 1024

	minGeneratedUsername = 12
	maxNumberDigits      = 6
	reservedForNumber    = 1 + maxNumberDigits // the hyphen of rule 2 and the longest number
)

// UsernamePolicy says how usernames are generated. A field left zero has its default.
type UsernamePolicy struct {
	// Pattern makes the base, from the placeholders {first}, {last}, {f} and {l} (initials), {middle}, {m}, {display}, {email} (the part before
	// the @), {source_id}, and letters, digits, ".", "_" and "-" between them. Default: {first}.{last}.
	Pattern string `json:"pattern,omitempty"`
	// Digits is how many digits a number has at least, 1 to 6. Default: 3.
	Digits int `json:"digits,omitempty"`
	// FirstNumber is where each base begins. Default: 1.
	FirstNumber int `json:"first_number,omitempty"`
	// Number says whether the first holder of a base has a number too. Default: always.
	Number NumberRule `json:"number,omitempty"`
	// MaxLength is the most characters in a username, 12 to 64. Default: 64.
	MaxLength int `json:"max_length,omitempty"`
}

// DefaultUsernamePolicy gives jean.dupont001, at most 64 characters.
func DefaultUsernamePolicy() UsernamePolicy { return UsernamePolicy{}.WithDefaults() }

// WithDefaults is p with every zero field at its default.
func (p UsernamePolicy) WithDefaults() UsernamePolicy {
	if p.Pattern == "" {
		p.Pattern = "{first}.{last}"
	}
	if p.Digits == 0 {
		p.Digits = 3
	}
	if p.FirstNumber == 0 {
		p.FirstNumber = 1
	}
	if p.Number == "" {
		p.Number = NumberAlways
	}
	if p.MaxLength == 0 {
		p.MaxLength = MaxGeneratedUsername
	}
	return p
}

// Validate tells all that is wrong with the policy, as Errors. Policies may be changed at any time, with one care: when Digits becomes less than
// it was, and less than 3, every name present and retired must go through Split again before the next number is given out.
func (p UsernamePolicy) Validate() error {
	p = p.WithDefaults()
	var faults Errors
	if _, err := parseUsernamePattern(p.Pattern); err != nil {
		faults = append(faults, err)
	}
	if p.Digits < 1 || p.Digits > maxNumberDigits {
		faults = append(faults, Errorf(Invalid, "usernames.digits", "Numbers have 1 to %d digits, not %d.", maxNumberDigits, p.Digits))
	}
	if p.FirstNumber < 1 || p.FirstNumber > MaxUsernameNumber {
		faults = append(faults, Errorf(Invalid, "usernames.first_number", "The first number is 1 to %d, not %d.", MaxUsernameNumber, p.FirstNumber))
	}
	if p.Number != NumberAlways && p.Number != NumberOnClash {
		faults = append(faults, Errorf(Invalid, "usernames.number", "%s is not a rule for numbers. Use always or clash.", quoted(string(p.Number))))
	}
	if p.MaxLength < minGeneratedUsername || p.MaxLength > MaxGeneratedUsername {
		faults = append(faults, Errorf(Invalid, "usernames.max_length", "Generated usernames have at most %d to %d characters, not %d.",
			minGeneratedUsername, MaxGeneratedUsername, p.MaxLength))
	}
	return faults.Or()
}

// Names are what a username is made from. Any may be empty.
type Names struct{ First, Middle, Last, Display, Email, SourceID string }

// Base makes the base of a person's username: the key of the counter, and under NumberOnClash the first name to try. When only one of first and
// last name can be written in ASCII, that one stands alone, whole. When nothing that the pattern names is there, the e-mail address serves, then
// the display name; when they are not there either, the error is Required.
func (p UsernamePolicy) Base(n Names) (string, error) {
	p = p.WithDefaults()
	pieces, fault := usernamePieces(p.Pattern)
	if fault != nil {
		return "", fault
	}
	out := make([]byte, 0, MaxGeneratedUsername)
	found := false
	for _, piece := range pieces {
		text := piece.text
		if piece.placeholder {
			text = n.part(text)
			found = found || text != ""
		}
		out = append(out, text...)
	}
	base := tidyBase(string(out), p.MaxLength)
	if !found {
		base = tidyBase(foldEmail(n.Email), p.MaxLength)
	}
	if base == "" {
		base = tidyBase(foldWords(n.Display), p.MaxLength)
	}
	if base == "" {
		return "", Errorf(Required, "first_name",
			"No username can be made: give a first name, a last name or an e-mail address that has a letter or a digit.")
	}
	return base, nil
}

// Format writes the username of a base that Base made and a number. The error is a Conflict, when the numbers of the base have run out.
func (p UsernamePolicy) Format(base string, n int) (string, error) {
	if n < 0 || n > MaxUsernameNumber {
		return "", Errorf(Conflict, "username", "The numbers of %s are used up to %d. Give this person a username.", base, MaxUsernameNumber)
	}
	if endsInDigit(base) {
		base += "-"
	}
	digits := strconv.Itoa(n)
	return base + strings.Repeat("0", max(p.WithDefaults().Digits-len(digits), 0)) + digits, nil
}

// Split reads any username, given or generated, as the base and the number that would make Format write it, ignoring case. ok is false for a name
// that no policy writes: it needs no counter. A number with more zeros than Format writes counts as well.
func (p UsernamePolicy) Split(username string) (base string, n int, ok bool) {
	key := FoldKey(username)
	base = strings.TrimRight(key, "0123456789")
	digits := key[len(base):]
	if len(digits) < min(3, p.WithDefaults().Digits) || len(digits) > maxNumberDigits {
		return "", 0, false
	}
	if rest, cut := strings.CutSuffix(base, "-"); cut && endsInDigit(rest) {
		base = rest
	}
	if !isBase(base) {
		return "", 0, false
	}
	for _, d := range []byte(digits) {
		n = 10*n + int(d-'0')
	}
	return base, n, true
}

// ValidateUsername checks a given username: 1 to 1024 visible characters without spaces. Surfaces whose contract demands more check that
// themselves. It gives nil for a name that may be stored.
func ValidateUsername(field, s string) *Error {
	switch {
	case s == "":
		return Errorf(Required, field, "A username is needed.")
	case !utf8.ValidString(s) || strings.ContainsRune(s, utf8.RuneError):
		return Errorf(Invalid, field, "The username %s has a character that could not be read. Check the encoding: it must be UTF-8.", quoted(s))
	case utf8.RuneCountInString(s) > MaxUsername:
		return Errorf(TooLong, field, "A username has at most %d characters, this one has %d.", MaxUsername, utf8.RuneCountInString(s))
	}
	for _, r := range s {
		if unicode.IsSpace(r) {
			return Errorf(Invalid, field, "The username %s has a space in it. Take it out.", quoted(s))
		}
		if !unicode.IsGraphic(r) || isInvisible(r) {
			return Errorf(Invalid, field, "The username %s has a character that cannot be seen (U+%04X). Take it out.", quoted(s), r)
		}
	}
	return nil
}

// lastPattern is the pattern that was taken apart last: an import makes every username from the same one.
var lastPattern atomic.Pointer[takenApart]

type takenApart struct {
	pattern string
	pieces  []usernamePiece
}

// usernamePieces is parseUsernamePattern, for whoever reads the pieces only.
func usernamePieces(pattern string) ([]usernamePiece, *Error) {
	if last := lastPattern.Load(); last != nil && last.pattern == pattern {
		return last.pieces, nil
	}
	pieces, fault := parseUsernamePattern(pattern)
	if fault == nil {
		lastPattern.Store(&takenApart{pattern, pieces})
	}
	return pieces, fault
}

// usernamePiece is a text of the pattern, or the name of a placeholder in it.
type usernamePiece struct {
	text        string
	placeholder bool
}

var usernamePlaceholders = []string{"first", "last", "f", "l", "middle", "m", "display", "email", "source_id"}

func parseUsernamePattern(pattern string) ([]usernamePiece, *Error) {
	const field = "usernames.pattern"
	var pieces []usernamePiece
	named := false
	for rest := pattern; rest != ""; {
		literal, after, found := strings.Cut(rest, "{")
		if i := strings.IndexFunc(literal, func(r rune) bool { return !isBaseChar(r) }); i >= 0 {
			return nil, Errorf(Invalid, field, "The pattern %s may have only a-z, 0-9, \".\", \"_\" and \"-\" between placeholders.", quoted(pattern))
		}
		pieces = append(pieces, usernamePiece{text: literal})
		if !found {
			break
		}
		name, next, closed := strings.Cut(after, "}")
		if !closed || !slices.Contains(usernamePlaceholders, name) {
			return nil, Errorf(Invalid, field, "The pattern %s has a placeholder that is not known: %s. There are: %s.",
				quoted(pattern), quoted(name), listed(usernamePlaceholders))
		}
		pieces, named, rest = append(pieces, usernamePiece{name, true}), true, next
	}
	if !named {
		return nil, Errorf(Invalid, field, "The pattern %s needs a placeholder. There are: %s.", quoted(pattern), listed(usernamePlaceholders))
	}
	return pieces, nil
}

// part is what a placeholder stands for. An initial gives way to the whole name when the other name is missing.
func (n Names) part(placeholder string) string {
	switch placeholder {
	case "first":
		return Fold(n.First)
	case "last":
		return Fold(n.Last)
	case "f":
		return initialOf(n.First, Fold(n.Last) == "")
	case "l":
		return initialOf(n.Last, Fold(n.First) == "")
	case "middle":
		return Fold(n.Middle)
	case "m":
		return initialOf(n.Middle, false)
	case "display":
		return foldWords(n.Display)
	case "email":
		return foldEmail(n.Email)
	default: // source_id: parseUsernamePattern lets no other pass
		return Fold(n.SourceID)
	}
}

func initialOf(name string, whole bool) string {
	folded := Fold(name)
	if whole || folded == "" {
		return folded
	}
	return folded[:1]
}

// foldEmail folds what stands before the @, and keeps the dots in it.
func foldEmail(email string) string {
	local := email
	if at := strings.LastIndexByte(email, '@'); at >= 0 {
		local = email[:at]
	}
	return foldList(strings.Split(local, "."))
}

// foldWords folds the words of a name, with dots between them.
func foldWords(name string) string { return foldList(strings.Fields(name)) }

func foldList(parts []string) string {
	kept := parts[:0]
	for _, part := range parts {
		if folded := Fold(part); folded != "" {
			kept = append(kept, folded)
		}
	}
	return strings.Join(kept, ".")
}

// tidyBase leaves one separator where an empty placeholder left two, none at the ends, and room for the number.
func tidyBase(s string, maxLength int) string {
	out := make([]byte, 0, len(s))
	for i := range len(s) {
		if isSeparator(s[i]) && (len(out) == 0 || isSeparator(out[len(out)-1])) {
			continue
		}
		out = append(out, s[i])
	}
	out = out[:min(len(out), max(1, maxLength-reservedForNumber))]
	return strings.TrimRight(string(out), separators)
}

// isBase tells whether Base could give s under any policy.
func isBase(s string) bool {
	return s != "" && len(s) <= MaxGeneratedUsername-reservedForNumber && !isSeparator(s[0]) && !isSeparator(s[len(s)-1]) &&
		strings.IndexFunc(s, func(r rune) bool { return !isBaseChar(r) }) < 0
}

const separators = "._-"

func isSeparator(c byte) bool { return strings.IndexByte(separators, c) >= 0 }

func isBaseChar(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || strings.ContainsRune(separators, r)
}

func endsInDigit(s string) bool { return s != "" && s[len(s)-1] >= '0' && s[len(s)-1] <= '9' }
