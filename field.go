package muster

import (
	"cmp"
	"slices"
	"strings"

	"github.com/google/uuid"
)

// A field is one named fact of a person that callers may read, set and compare. The table below is the only list of them: sheets, the native
// API, plans and targets all speak in these names. Besides the table there are fields with a second part: phones.TYPE, addresses.TYPE.PART,
// attributes.NAME and flags.NAME.
type field struct {
	name string
	get  func(p *Person) any           // nil when not known
	set  func(p *Person, v any) *Error // v is nil to clear, else what JSON decodes to

	equal func(a, b *Person) bool // without making values; nil when there is no such way
}

// MaxText is how many characters a text field holds. Narrower fields say so themselves.
const MaxText = 1024

var fields = []field{
	text("username", 1024, func(p *Person) *string { return &p.Username }, ValidateUsername),
	text("email", 1024, func(p *Person) *string { return &p.Email }, ValidateEmail),
	boolean("email_verified", func(p *Person) *bool { return &p.EmailVerified }),
	text("first_name", MaxText, func(p *Person) *string { return &p.FirstName }, nil),
	text("middle_name", MaxText, func(p *Person) *string { return &p.Profile.MiddleName }, nil),
	text("last_name", MaxText, func(p *Person) *string { return &p.LastName }, nil),
	text("display_name", MaxText, func(p *Person) *string { return &p.DisplayName }, nil),
	text("initials", 32, func(p *Person) *string { return &p.Profile.Initials }, nil),
	text("nickname", MaxText, func(p *Person) *string { return &p.Profile.Nickname }, nil),
	text("suffix", MaxText, func(p *Person) *string { return &p.Profile.Suffix }, nil),
	text("birth_date", 10, func(p *Person) *string { return &p.Profile.BirthDate }, validateDate),
	text("gender", 32, func(p *Person) *string { return &p.Profile.Gender }, nil),
	text("employee_id", 256, func(p *Person) *string { return &p.EmployeeID }, nil),
	text("code", 256, func(p *Person) *string { return &p.Code }, nil),
	text("source", 64, func(p *Person) *string { return &p.Source }, nil),
	text("source_id", 256, func(p *Person) *string { return &p.SourceID }, nil),
	word("state", States, func(p *Person) *State { return &p.State }),
	text("reason", MaxText, func(p *Person) *string { return &p.Reason }, nil),
	boolean("absent", func(p *Person) *bool { return &p.Absent }),
	word("mode", Modes, func(p *Person) *Mode { return &p.Mode }),
	text("locale", 35, func(p *Person) *string { return &p.Locale }, validateLocale),
	{"manager", getManager, setManager, func(a, b *Person) bool { return a.Manager == b.Manager }},
	text("company", MaxText, func(p *Person) *string { return &p.Profile.Company }, nil),
	text("cost_center", MaxText, func(p *Person) *string { return &p.Profile.CostCenter }, nil),
	text("department", MaxText, func(p *Person) *string { return &p.Profile.Department }, nil),
	text("employee_type", MaxText, func(p *Person) *string { return &p.Profile.EmployeeType }, nil),
	text("job_title", MaxText, func(p *Person) *string { return &p.Profile.JobTitle }, nil),
	text("location", MaxText, func(p *Person) *string { return &p.Profile.Location }, nil),
	text("description", MaxText, func(p *Person) *string { return &p.Profile.Description }, nil),
	text("hire_date", 10, func(p *Person) *string { return &p.Profile.HireDate }, validateDate),
	text("alternate_email", MaxText, func(p *Person) *string { return &p.Profile.AlternateEmail }, ValidateEmail),
	text("recovery_email", MaxText, func(p *Person) *string { return &p.Profile.RecoveryEmail }, ValidateEmail),
	{"phones", getPhones, setPhones, func(a, b *Person) bool { return slices.Equal(a.Profile.Phones, b.Profile.Phones) }},
	{"addresses", getAddresses, setAddresses, func(a, b *Person) bool { return slices.Equal(a.Profile.Addresses, b.Profile.Addresses) }},
	{"attributes", getAttributes, setAttributes, nil},
	{"flags", getFlags, setFlags, nil},
}

var fieldIndex = func() map[string]int {
	index := make(map[string]int, len(fields))
	for i, f := range fields {
		index[f.name] = i
	}
	return index
}()

// FieldNames lists the fields of a person in the order of the table.
func FieldNames() []string {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.name
	}
	return names
}

// KnownField says whether a Draft may name this field.
func KnownField(name string) bool {
	if _, ok := fieldIndex[name]; ok {
		return true
	}
	head, rest, dotted := strings.Cut(name, ".")
	if !dotted || rest == "" {
		return false
	}
	switch head {
	case "phones", "attributes", "flags":
		return true
	case "addresses":
		_, part, _ := strings.Cut(rest, ".")
		return addressPart(&Address{}, part) != nil
	}
	return false
}

// Draft is what a caller wants of a person: the fields named, with values as JSON decodes them, and nothing of those not named. A nil value (or
// an empty text) clears the field.
type Draft map[string]any

// With gives p with the draft applied, and every fault in it, in the order of the field table. p itself is not changed, nor is anything it
// refers to.
func (p Person) With(d Draft) (Person, Errors) {
	faults := p.Set(d)
	return p, faults
}

// Set is With for a person of the caller's own, who is changed; what p refers to is not.
func (p *Person) Set(d Draft) Errors {
	type place struct {
		order int
		name  string
	}
	var space [16]place
	places := space[:0]
	for name := range d {
		places = append(places, place{fieldOrder(name), name})
	}
	slices.SortFunc(places, func(a, b place) int { return cmp.Or(a.order-b.order, strings.Compare(a.name, b.name)) })
	var faults Errors
	for _, at := range places {
		if err := setField(p, at.name, d[at.name]); err != nil {
			faults = append(faults, err)
		}
	}
	return faults
}

func fieldOrder(name string) int {
	head, _, dotted := strings.Cut(name, ".")
	i, ok := fieldIndex[head]
	if !ok {
		return 2 * len(fields)
	}
	if dotted {
		return 2*i + 1 // a part is set after the whole
	}
	return 2 * i
}

func setField(p *Person, name string, v any) *Error {
	if i, ok := fieldIndex[name]; ok {
		return fields[i].set(p, v)
	}
	head, rest, _ := strings.Cut(name, ".")
	if rest != "" {
		switch head {
		case "phones":
			return setPhone(p, name, rest, v)
		case "addresses":
			kind, part, _ := strings.Cut(rest, ".")
			return setAddressPart(p, name, kind, part, v)
		case "attributes":
			return setAttribute(p, rest, v)
		case "flags":
			return setFlag(p, rest, v)
		}
	}
	return Errorf(Unsupported, name, "There is no field of this name.")
}

// Record gives the known facts of a person as plain data, the way Diff compares them. Attributes and flags stand each under its own name.
func (p *Person) Record() Record {
	r := make(Record, 12)
	for i := range fields {
		f := &fields[i]
		if f.name == "attributes" || f.name == "flags" {
			continue
		}
		if v := f.get(p); v != nil {
			r[f.name] = v
		}
	}
	for k, v := range p.Profile.Attributes {
		r["attributes."+k] = v
	}
	for k, v := range p.Profile.Flags {
		r["flags."+k] = v
	}
	return r
}

// creationOrder lists the fields by name, as Diff gives them; attributes and flags come in their parts.
var creationOrder = func() []*field {
	var list []*field
	for i := range fields {
		if fields[i].name != "attributes" && fields[i].name != "flags" {
			list = append(list, &fields[i])
		}
	}
	slices.SortFunc(list, func(a, b *field) int { return strings.Compare(a.name, b.name) })
	return list
}()

// Creation is Diff(nil, p.Record()), made without the record: what an import does for nearly every row.
func (p *Person) Creation() Change {
	var space [24]FieldChange
	fields := space[:0]
	for _, f := range creationOrder {
		if v := f.get(p); v != nil {
			fields = append(fields, FieldChange{Field: f.name, After: v})
		}
	}
	c := Change{Action: Create, Fields: slices.Clone(fields)}
	if len(p.Profile.Attributes)+len(p.Profile.Flags) == 0 {
		return c
	}
	for name, v := range p.Profile.Attributes {
		c.Fields = append(c.Fields, FieldChange{Field: "attributes." + name, After: v})
	}
	for name, v := range p.Profile.Flags {
		if v != nil {
			c.Fields = append(c.Fields, FieldChange{Field: "flags." + name, After: v})
		}
	}
	slices.SortFunc(c.Fields, func(a, b FieldChange) int { return strings.Compare(a.Field, b.Field) })
	return c
}

func text(name string, most int, at func(*Person) *string, check func(field, s string) *Error) field {
	get := func(p *Person) any {
		if s := *at(p); s != "" {
			return s
		}
		return nil
	}
	set := func(p *Person, v any) *Error {
		s, err := asText(name, v, most)
		if err == nil && s != "" && check != nil {
			err = check(name, s)
		}
		if err != nil {
			return err
		}
		*at(p) = s
		return nil
	}
	return field{name, get, set, func(a, b *Person) bool { return *at(a) == *at(b) }}
}

func boolean(name string, at func(*Person) *bool) field {
	get := func(p *Person) any {
		if *at(p) {
			return true
		}
		return nil
	}
	set := func(p *Person, v any) *Error {
		b, err := asBool(name, v)
		if err == nil {
			*at(p) = b
		}
		return err
	}
	return field{name, get, set, func(a, b *Person) bool { return *at(a) == *at(b) }}
}

func word[T ~string](name string, words []T, at func(*Person) *T) field {
	get := func(p *Person) any {
		if *at(p) == "" {
			return nil
		}
		return string(*at(p))
	}
	set := func(p *Person, v any) *Error {
		s, err := asText(name, v, 64)
		if err != nil {
			return err
		}
		for _, w := range words {
			if strings.EqualFold(string(w), s) {
				*at(p) = w
				return nil
			}
		}
		return Errorf(Invalid, name, "%s is none of %s.", quoted(s), listed(words))
	}
	return field{name, get, set, func(a, b *Person) bool { return *at(a) == *at(b) }}
}

func getManager(p *Person) any {
	if p.Manager == uuid.Nil {
		return nil
	}
	return p.Manager.String()
}

func setManager(p *Person, v any) *Error {
	s, err := asText("manager", v, 64)
	if err != nil {
		return err
	}
	if s == "" {
		p.Manager = uuid.Nil
		return nil
	}
	id, perr := uuid.Parse(s)
	if perr != nil {
		return Errorf(Invalid, "manager", "%s is not the id of a person.", quoted(s))
	}
	p.Manager = id
	return nil
}
