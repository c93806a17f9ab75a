package muster

import (
	"regexp"
	"time"

	"github.com/google/uuid"
)

// Unit is a node of the tenant's tree, of a kind such as establishment, cloud, project or entity. Codes are unique per kind.
type Unit struct {
	Seq     int64
	ID      uuid.UUID
	Version int64

	Kind       string
	Code       string
	Name       string
	Parent     uuid.UUID // the zero UUID at the top
	Path       string    // of seqs, such as /12/40/: "and below" is a range of paths
	Closed     bool
	Attributes map[string]string

	CreatedAt time.Time
	UpdatedAt time.Time
}

// Membership is a person in a unit; there is one for each pair. Title is free text and gives no rights.
type Membership struct {
	Seq     int64
	ID      uuid.UUID
	Version int64

	Person  uuid.UUID
	Unit    uuid.UUID
	Primary bool
	Title   string

	CreatedAt time.Time
	UpdatedAt time.Time
}

// Assignment is a catalogue role held through a membership. It is what gives rights in a unit. One is unique by membership, role and secondary
// role.
type Assignment struct {
	Seq        int64
	ID         uuid.UUID
	Membership uuid.UUID
	Role       string
	Secondary  string
	Cycles     []string
	Subjects   []string

	CreatedAt time.Time
	UpdatedAt time.Time
}

// Group is a flat set of people with a code, which is case-sensitive.
type Group struct {
	Seq     int64
	ID      uuid.UUID
	Version int64

	Code  string
	Label string

	CreatedAt time.Time
	UpdatedAt time.Time
}

var codeForm = regexp.MustCompile(`^[\p{L}\p{N}][\p{L}\p{N} _./@-]*$`)

// Validate gives every fault of the unit's own facts.
func (u Unit) Validate() Errors {
	var faults Errors
	faults = appendFault(faults, checkCode("kind", u.Kind, 64))
	faults = appendFault(faults, checkCode("code", u.Code, 128))
	faults = appendFault(faults, checkLabel("name", u.Name))
	for name, value := range u.Attributes {
		faults = appendFault(faults, checkName("attributes."+name, name))
		_, err := asText("attributes."+name, value, MaxText)
		faults = appendFault(faults, err)
	}
	if len(u.Attributes) > MaxAttributes {
		faults = append(faults, Errorf(TooLong, "attributes", "A unit has at most %d attributes.", MaxAttributes))
	}
	return faults
}

// Validate gives every fault of the group's own facts.
func (g Group) Validate() Errors {
	var faults Errors
	faults = appendFault(faults, checkCode("code", g.Code, 128))
	return appendFault(faults, checkLabel("label", g.Label))
}

// Record gives the facts of a unit for Diff.
func (u Unit) Record() Record {
	r := Record{"kind": u.Kind, "code": u.Code, "name": u.Name}
	if u.Parent != uuid.Nil {
		r["parent"] = u.Parent.String()
	}
	if u.Closed {
		r["closed"] = true
	}
	for name, value := range u.Attributes {
		r["attributes."+name] = value
	}
	return r
}

// Record gives the facts of a group for Diff.
func (g Group) Record() Record { return Record{"code": g.Code, "label": g.Label} }

func checkCode(field, s string, most int) *Error {
	if s == "" {
		return Errorf(Required, field, "This is needed.")
	}
	if len([]rune(s)) > most {
		return Errorf(TooLong, field, "At most %d characters fit here.", most)
	}
	if !codeForm.MatchString(s) {
		return Errorf(Invalid, field, "%s is not a code: letters, digits, blanks and _ . / @ - may stand in one, a letter or digit first.", quoted(s))
	}
	return nil
}

func checkLabel(field, s string) *Error {
	if s == "" {
		return Errorf(Required, field, "This is needed.")
	}
	_, err := asText(field, s, 255)
	return err
}

func appendFault(faults Errors, err *Error) Errors {
	if err != nil {
		return append(faults, err)
	}
	return faults
}
