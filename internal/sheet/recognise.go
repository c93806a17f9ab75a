package sheet

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/musterid/muster"
)

// Column is what one column of a header means.
type Column struct {
	Index    int    `json:"index"`
	Header   string `json:"header"`
	Field    string `json:"field,omitempty"`    // the canonical name; "" when not recognised or not wanted
	Ignored  bool   `json:"ignored,omitempty"`  // the user left it out
	Ours     bool   `json:"ours,omitempty"`     // added by us to a result sheet
	Opposite bool   `json:"opposite,omitempty"` // state only: a yes means that the person may not sign in
}

// Ignore, as the field of a mapping, leaves a column out.
const Ignore = "-"

const attributesPrefix = "attributes."

// Fields lists the canonical names, in the order in which people expect them. Beside them there is attributes.NAME.
func Fields() []string { return slices.Clone(fields) }

// IsField reports whether a name is canonical: one of Fields, attributes.NAME, or half of an attribute_pair.
func IsField(name string) bool {
	return slices.Contains(fields, name) || len(name) > len(attributesPrefix) && strings.HasPrefix(name, attributesPrefix) || pairField.MatchString(name)
}

// FieldOf is what a single header means by itself; "" when that is not known.
func FieldOf(header string) string { return lookUp(header).field }

// Recognise says what each column means, by the table of synonyms. Two columns that mean the same are refused, naming both, but for passwords, which are not taken anyhow; a column whose name only
// suggests a meaning gives way to one that is sure. Columns that nobody knows are no fault: they have no Field.
//
// A name alone cannot tell whether "state" is a status or a region; whoever reads the values decides.
func Recognise(header []string) ([]Column, error) { return Map(header, nil) }

// Map is Recognise with the user's word for some columns: from header to field, or to Ignore. What is mapped counts before what is recognised.
func Map(header []string, mapping map[string]string) ([]Column, error) {
	columns := make([]Column, len(header))
	asked, err := ask(header, mapping)
	if err != nil {
		return nil, err
	}
	holder := map[string]int{} // field -> index
	for i, field := range asked {
		if field == "" || field == Ignore {
			continue
		}
		if first, twice := holder[field]; twice && !secretField(field) {
			return nil, sameMeaning(header[first], header[i], field)
		}
		holder[field] = i
	}
	for i, h := range header {
		columns[i] = Column{Index: i, Header: h, Ours: Ours(h), Ignored: asked[i] == Ignore}
	}
	if err := claim(columns, asked, holder, true); err != nil {
		return nil, err
	}
	if err := claim(columns, asked, holder, false); err != nil {
		return nil, err
	}
	regionOf(columns, asked, holder)
	for field, i := range holder {
		columns[i].Field = field
		columns[i].Opposite = field == "state" && opposite[lookUp(header[i]).name]
	}
	passwords(columns, asked)
	return columns, nil
}

// secretField says whether a field holds passwords. None is taken from a file, so any number of columns may hold them.
func secretField(field string) bool { return field == "password" || field == "password_hash" }

// passwords marks every column of passwords as such, also where there are several of one meaning.
func passwords(columns []Column, asked []string) {
	for i := range columns {
		c := &columns[i]
		switch recognised := lookUp(c.Header).field; {
		case c.Ours || c.Field != "":
		case secretField(asked[i]):
			c.Field = asked[i]
		case asked[i] == "" && secretField(recognised):
			c.Field = recognised
		}
	}
}

// claim gives fields to the columns that nobody mapped: first those that are sure, then those that may be.
func claim(columns []Column, asked []string, holder map[string]int, sure bool) error {
	for i, c := range columns {
		if asked[i] != "" || c.Ours {
			continue
		}
		m := lookUp(c.Header)
		if m.field == "" || m.sure != sure {
			continue
		}
		first, taken := holder[m.field]
		switch {
		case !taken:
			holder[m.field] = i
		case secretField(m.field): // see passwords
		case sure && asked[first] == "":
			return sameMeaning(columns[first].Header, c.Header, m.field)
		}
	}
	return nil
}

// regionOf takes a column "state" that gave way to a status for what it is beside a town: a region.
func regionOf(columns []Column, asked []string, holder map[string]int) {
	_, town := holder["addresses.work.locality"]
	_, region := holder["addresses.work.region"]
	if !town || region {
		return
	}
	for i, c := range columns {
		if fold(c.Header) == "state" && asked[i] == "" && holder["state"] != i {
			holder["addresses.work.region"] = i
		}
	}
}

func sameMeaning(a, b, field string) error {
	return muster.Errorf(muster.Invalid, field, "The columns %q and %q both mean %s. Rename one, or say in the mapping what each is (- leaves one out).", short(a), short(b), field)
}

// ask turns a mapping by name into one by column.
func ask(header []string, mapping map[string]string) ([]string, error) {
	asked := make([]string, len(header))
	names := make([]string, 0, len(mapping))
	for name := range mapping {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		i := slices.IndexFunc(header, func(h string) bool { return h == name })
		if i < 0 {
			i = slices.IndexFunc(header, func(h string) bool { return strings.EqualFold(strings.TrimSpace(h), strings.TrimSpace(name)) })
		}
		if i < 0 {
			return nil, muster.Errorf(muster.Invalid, "mapping", "The file has no column %q; it has %s.", short(name), quotedList(header))
		}
		field := strings.TrimSpace(mapping[name])
		if field != Ignore && !IsField(field) {
			return nil, muster.Errorf(muster.Invalid, "mapping", "There is no field %q for the column %q; there are %s, attributes.NAME, and - to leave a column out.",
				short(field), short(name), strings.Join(fields, ", "))
		}
		asked[i] = field
	}
	return asked, nil
}

// match is what a header's name means.
type match struct {
	field string
	sure  bool
	name  string // folded, as it was found
}

var known, opposite = buildIndex()

func buildIndex() (map[string]match, map[string]bool) {
	index := map[string]match{}
	put := func(name, field string, sure bool) {
		key := fold(name)
		if old, twice := index[key]; twice && old.field != field {
			panic(fmt.Sprintf("sheet: the header %q means both %s and %s", name, old.field, field)) // a fault in the table; a test sees it first
		}
		index[key] = match{field, sure, key}
	}
	for _, f := range fields {
		put(f, f, f != "state") // beside a "status" it is a region
	}
	for _, s := range synonyms {
		for _, n := range s.sure {
			put(n, s.field, true)
		}
		for _, n := range s.maybe {
			put(n, s.field, false)
		}
	}
	other := map[string]bool{}
	for _, n := range opposites {
		other[fold(n)] = true
	}
	return index, other
}

var (
	bracketed   = regexp.MustCompile(`\[[^\]]*\]|\([^)]*\)|\{[^}]*\}`)
	pairHeader  = regexp.MustCompile(`^attribute(\d{1,3})(name|value)$`)
	pairField   = regexp.MustCompile(`^attribute_pair\.\d{1,3}\.(name|value)$`)
	attributeOf = regexp.MustCompile(`(?i)^\s*attributes?\s*[.:]\s*(.*\S)\s*$`)
)

// lookUp tries a header as it stands, then without what is in brackets, then each bracket by itself: "Phone (work)", "Last Name [Required]",
// "Poste de travail [jobTitle]".
func lookUp(header string) match {
	if m := attributeOf.FindStringSubmatch(header); m != nil {
		return match{attributesPrefix + m[1], true, ""}
	}
	whole := fold(header)
	if m := pairHeader.FindStringSubmatch(whole); m != nil {
		return match{"attribute_pair." + m[1] + "." + m[2], true, ""}
	}
	bare := withoutHints(bracketed.ReplaceAllString(header, " "))
	tries := []string{whole, withoutHints(header)}
	brackets := bracketed.FindAllString(header, -1)
	for _, b := range brackets {
		tries = append(tries, withoutHints(b)+bare) // Phone (work)
	}
	tries = append(tries, bare)
	for _, b := range brackets {
		tries = append(tries, fold(b))
	}
	for _, t := range tries {
		if m, ok := known[t]; ok {
			return m
		}
	}
	return match{}
}

// withoutHints folds a header without the words that only say how to fill the column.
func withoutHints(header string) string {
	words := strings.FieldsFunc(header, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune("*()[]{}:", r) })
	words = slices.DeleteFunc(words, func(w string) bool { return slices.Contains(hints, strings.ToLower(w)) })
	return fold(strings.Join(words, " "))
}

// fold brings a header to the letters and digits by which it is compared: no case, accents, spaces or punctuation.
func fold(s string) string {
	var b strings.Builder
	for _, r := range norm.NFKD.String(s) {
		switch {
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			b.WriteRune(unicode.ToLower(r))
		}
	}
	return ligatures.Replace(b.String())
}

var ligatures = strings.NewReplacer("œ", "oe", "æ", "ae", "ß", "ss", "ø", "o", "ł", "l", "đ", "d", "ı", "i")
