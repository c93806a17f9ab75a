package store

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/musterid/muster"
)

// Condition is what a person has to meet to be found: all of All, at least one of Any, or that a field compares so. The zero Condition is met by
// everybody.
type Condition struct {
	All, Any []Condition

	Field  string // see Findable
	Op     Op
	Values []any // text, bool, int64 or time.Time, as the field is; nil and "" are what is not known
	Kind   Kind  // of what a flag holds; other fields know theirs
}

// Op is how a field is compared with values. Of several values it is enough that one fits, but for IsNot, where none may.
type Op string

// What is not known is neither below nor above anything, and has nothing in it. Usernames and e-mail addresses are compared as they are kept apart,
// whatever their case; so are parts of texts. Where a person has several of a field, such as telephone numbers, one that fits is enough.
const (
	Is      Op = "is"
	IsNot   Op = "is not"
	Below   Op = "below"
	AtMost  Op = "at most"
	Above   Op = "above"
	AtLeast Op = "at least"
	Has     Op = "has"
	Begins  Op = "begins"
	Ends    Op = "ends"
)

// Kind is what values a field has.
type Kind int

// The kinds. A flag that holds something of another kind than is asked for is taken as not known, or as false.
const (
	TextKind Kind = iota
	BoolKind
	NumberKind
	TimeKind
)

// Order is one key to sort people by. Who has nothing there comes last either way, and who is equal in everything comes in the order of seq.
type Order struct {
	Field string
	Down  bool
	Kind  Kind // of what a flag holds
}

// Bounds of what can be asked for at once.
const (
	MaxConditions      = 200
	MaxConditionValues = 1000
	MaxOrders          = 8
)

// empty says whether everybody meets a condition. One of no alternatives is met by nobody, and so is not empty.
func (c Condition) empty() bool {
	return c.Field == "" && c.Any == nil && !slices.ContainsFunc(c.All, func(one Condition) bool { return !one.empty() })
}

// Findable says of what kind a field is that people can be found and sorted by: a field of a Draft, or seq, created_at, updated_at, standing (the state, where
// who is archived counts as suspended), password (there is one, or there soon will be), attribute_names, attribute_values, phones.type, phones.number, addresses.PART, attributes.NAME or flags.NAME, where NAME
// may lead into an object with further dots. A field of lists cannot be sorted by.
func Findable(field string) (kind Kind, list, known bool) {
	if f, ok := personFields[field]; ok {
		return f.kind, f.list != "", true
	}
	head, rest, _ := strings.Cut(field, ".")
	return TextKind, false, head == "attributes" && rest != "" || head == "flags" && flagPath.MatchString(rest)
}

var flagPath = regexp.MustCompile(`^[A-Za-z0-9_]+(\.[A-Za-z0-9_]+){0,3}$`)

// Check refuses a condition that is not well formed or too large.
func (c Condition) Check() error {
	var conditions, values int
	return c.check(&conditions, &values)
}

func (c Condition) check(conditions, values *int) error {
	if *conditions++; *conditions > MaxConditions {
		return muster.Errorf(muster.TooLong, "filter", "At most %d conditions can be asked for at once.", MaxConditions)
	}
	if *values += len(c.Values); *values > MaxConditionValues {
		return muster.Errorf(muster.TooLong, "filter", "At most %d values can be compared with at once.", MaxConditionValues)
	}
	for _, list := range [][]Condition{c.All, c.Any} {
		for _, one := range list {
			if err := one.check(conditions, values); err != nil {
				return err
			}
		}
	}
	if c.Field == "" {
		return nil
	}
	kind, _, known := Findable(c.Field)
	if !known {
		return muster.Errorf(muster.Invalid, "filter", "People cannot be found by %q.", c.Field)
	}
	return c.checkValues(c.kindOr(kind))
}

func (c Condition) checkValues(kind Kind) error {
	several := slices.Contains([]Op{Is, IsNot, Has, Begins, Ends}, c.Op)
	if len(c.Values) == 0 || !several && (len(c.Values) > 1 || !slices.Contains([]Op{Below, AtMost, Above, AtLeast}, c.Op)) {
		return fmt.Errorf("store: %q %q cannot be compared with %d values", c.Field, c.Op, len(c.Values))
	}
	for _, v := range c.Values {
		fits := v == nil
		switch v.(type) {
		case string:
			fits = kind == TextKind
		case bool:
			fits = kind == BoolKind
		case int64:
			fits = kind == NumberKind
		case time.Time:
			fits = kind == TimeKind
		}
		if !fits || kind != TextKind && slices.Contains([]Op{Has, Begins, Ends}, c.Op) {
			return fmt.Errorf("store: %q %q cannot be compared with %T", c.Field, c.Op, v)
		}
	}
	return nil
}

// kindOr is the kind of a field, which a flag is told.
func (c Condition) kindOr(own Kind) Kind {
	if strings.HasPrefix(c.Field, "flags.") {
		return c.Kind
	}
	return own
}

// personField is how a field is read in SQL.
type personField struct {
	kind   Kind
	column string // of person, as t
	json   string // a text of the profile
	list   string // the list in the profile it is a part of; attributes is an object
	part   string // of each entry of list
}

var personFields = func() map[string]personField {
	fields := map[string]personField{
		"seq": {kind: NumberKind, column: "t.seq"}, "manager": {kind: NumberKind, column: "t.manager"}, "username": {column: "t.username_key"}, "email": {column: emailKey},
		"standing":   {column: standing},
		"created_at": {kind: TimeKind, column: "t.created_at"}, "updated_at": {kind: TimeKind, column: "t.updated_at"},
		"absent": {kind: BoolKind, column: "t.absent"}, "email_verified": {kind: BoolKind, column: "t.email_verified"},
		"password": {kind: BoolKind, column: hasPassword}, "phones.type": {list: "phones", part: "type"}, "phones.number": {list: "phones", part: "number"},
		"addresses.type": {list: "addresses", part: "type"}, "attribute_names": {list: "attributes", part: "key"}, "attribute_values": {list: "attributes", part: "value"},
	}
	for _, name := range []string{"first_name", "last_name", "display_name", "employee_id", "code", "source", "source_id", "state", "reason", "mode", "locale"} {
		fields[name] = personField{column: "t." + name}
	}
	for _, name := range []string{
		"middle_name", "initials", "nickname", "suffix", "birth_date", "gender", "company", "cost_center", "department", "employee_type", "job_title", "location", "description",
		"hire_date", "alternate_email", "recovery_email",
	} {
		fields[name] = personField{json: name}
	}
	for _, part := range []string{"po_box", "extended", "street", "locality", "region", "postal_code", "country"} {
		fields["addresses."+part] = personField{list: "addresses", part: part}
	}
	return fields
}()

const standing = "CASE t.state WHEN 'archived' THEN 'suspended' ELSE t.state END"

// hasPassword is 1 for whom a password is stored, also when it waits to be hashed.
const hasPassword = `CASE WHEN EXISTS (SELECT 1 FROM credential c WHERE c.person = t.seq)
 OR EXISTS (SELECT 1 FROM sealed_password s WHERE s.person > 0 AND s.person = t.seq) THEN 1 ELSE 0 END`
