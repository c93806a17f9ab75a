package jumpcloud

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/roster"
)

// filterField is what floor 2 knows of something that users are filtered, searched and sorted by.
type filterField struct {
	field    string
	kind     roster.Kind
	of       func(t *translator, f *filterField, name string, op roster.Comparison, values []any) (roster.Condition, error) // nil compares as it is
	sort     string                                                                                                         // another field to sort by
	unsorted bool
	// constant is what everybody has alike; nil when they do not. nothing stands for null.
	constant any
}

type nothing struct{}

var filterable = func() map[string]filterField {
	fields := map[string]filterField{
		"_id": {field: "seq", kind: roster.NumberKind, of: byID}, "id": {field: "seq", kind: roster.NumberKind, of: byID}, "manager": {field: "manager", kind: roster.NumberKind, of: byID},
		"created": {field: "created_at", kind: roster.TimeKind, of: byMoment},
		"state":   {field: "state", of: byState, sort: "standing"}, "suspended": {field: "state", of: bySuspended, unsorted: true}, "activated": {of: byActivated, unsorted: true},
		"creationSource": {field: "flags.creationSource", of: bySource}, "organization": {of: byOrganization, constant: nothing{}},
		"recoveryEmail": {field: "recovery_email"}, "recoveryEmail.address": {field: "recovery_email"},
		"mfa.configured": {field: "flags.mfa.configured", kind: roster.BoolKind}, "mfa.exclusion": {field: "flags.mfa.exclusion", kind: roster.BoolKind},
		"phoneNumbers.type": {field: "phones.type", unsorted: true}, "phoneNumbers.number": {field: "phones.number", unsorted: true}, "addresses.type": {field: "addresses.type", unsorted: true},
		"attributes.name": {field: "attribute_names", unsorted: true}, "attributes.value": {field: "attribute_values", unsorted: true},
		"unix_uid": {field: "flags.unix_uid", kind: roster.NumberKind}, "unix_guid": {field: "flags.unix_guid", kind: roster.NumberKind},
		"password_expired": {kind: roster.BoolKind, constant: false}, "totp_enabled": {kind: roster.BoolKind, constant: false}, "badLoginAttempts": {kind: roster.NumberKind, constant: int64(0)},
		"password_expiration_date": {constant: nothing{}}, "account_locked_date": {constant: nothing{}}, "mfaEnrollment": {constant: nothing{}}, "admin": {constant: nothing{}},
	}
	for _, m := range addressMembers {
		fields["addresses."+m.name] = filterField{field: "addresses." + m.part, unsorted: true}
	}
	for _, name := range []string{
		"email", "username", "firstname", "middlename", "lastname", "displayname", "alternateEmail", "managedAppleId", "description", "company", "costCenter", "department", "employeeType",
		"jobTitle", "location", "employeeIdentifier", "public_key", "external_dn", "external_source_type", "external_password_expiration_date",
	} {
		fields[name] = filterField{field: byName[name].field}
	}
	for _, name := range []string{
		"password_never_expires", "account_locked", "allow_public_key", "disableDeviceMaxLoginAttempts", "enable_managed_uid", "enable_user_portal_multifactor", "ldap_binding_user",
		"passwordless_sudo", "samba_service_user", "sudo", "externally_managed",
	} {
		fields[name] = filterField{field: byName[name].field, kind: roster.BoolKind}
	}
	return fields
}()

// comparisons are the operators there are (contract §7).
var comparisons = map[string]roster.Comparison{
	"$eq": roster.Is, "$in": roster.Is, "$ne": roster.IsNot, "$gt": roster.Above, "$gte": roster.AtLeast, "$lt": roster.Below, "$lte": roster.AtMost,
}

// translator turns filters into conditions. An unknown field or operator is refused, and never means everybody.
type translator struct {
	org    string                                               // the id of the organization
	people func(ids []string) (map[string]roster.Person, error) // whom ids lead to
}

func (s *surface) translator(q *request) *translator {
	return &translator{q.orgID(), func(ids []string) (map[string]roster.Person, error) { return s.peopleOf(q, ids) }}
}

func (t *translator) refuse(format string, args ...any) error {
	return badRequest("filter", "invalid", fmt.Sprintf(format, args...))
}

// expression reads field:$op:value.
func (t *translator) expression(text string) (roster.Condition, error) {
	parts := strings.SplitN(strings.TrimSpace(text), ":", 3)
	if len(parts) < 3 {
		return roster.Condition{}, t.refuse("A filter has the form field:$op:value, such as username:$eq:ann, not %q.", shortened(text))
	}
	if parts[1] != "$in" {
		return t.compare(parts[0], parts[1], []any{parts[2]})
	}
	var values []any
	if strings.HasPrefix(parts[2], "[") && json.Unmarshal([]byte(parts[2]), &values) == nil {
		return t.compare(parts[0], parts[1], values)
	}
	separator := ","
	if strings.Contains(parts[2], "|") {
		separator = "|"
	}
	for value := range strings.SplitSeq(parts[2], separator) {
		values = append(values, strings.TrimSpace(value))
	}
	return t.compare(parts[0], parts[1], values)
}

// compare is the condition that an attribute compares so with values as JSON has them.
func (t *translator) compare(name, operator string, given []any) (roster.Condition, error) {
	f, known := filterable[name]
	if !known {
		return roster.Condition{}, t.refuse("Users cannot be filtered by %q.", shortened(name))
	}
	op, known := comparisons[operator]
	if !known {
		return roster.Condition{}, t.refuse("There is no operator %q. There are $eq, $ne, $gt, $gte, $lt, $lte and $in.", shortened(operator))
	}
	if len(given) == 0 {
		return met(op == roster.IsNot), nil // nobody is in an empty list
	}
	if f.of != nil {
		return f.of(t, &f, name, op, given)
	}
	return t.plain(&f, name, op, given)
}

// met is the condition that everybody meets, or nobody.
func met(all bool) roster.Condition {
	if all {
		return roster.Condition{}
	}
	return roster.Condition{Any: []roster.Condition{}}
}

func (t *translator) plain(f *filterField, name string, op roster.Comparison, given []any) (roster.Condition, error) {
	values := make([]any, len(given))
	for i, v := range given {
		var ok bool
		if values[i], ok = valueOf(f.kind, v); !ok {
			return roster.Condition{}, t.refuse("%q cannot be compared with that value.", name)
		}
	}
	if f.kind == roster.BoolKind && op != roster.Is && op != roster.IsNot {
		return roster.Condition{}, t.refuse("%q is true or false: it is compared by $eq, $ne and $in only.", name)
	}
	if f.constant != nil {
		return constantly(f, op, values), nil
	}
	return roster.Condition{Field: f.field, Op: op, Values: values, Kind: f.kind}, nil
}

// constantly compares what everybody has alike.
func constantly(f *filterField, op roster.Comparison, values []any) roster.Condition {
	is := f.constant
	if is == (nothing{}) {
		is = nil
	}
	fits := slices.ContainsFunc(values, func(v any) bool { return v == is || is == nil && v == "" })
	if op == roster.Is || op == roster.IsNot {
		return met(fits == (op == roster.Is))
	}
	n, number := is.(int64)
	v, compared := values[0].(int64)
	if !number || !compared {
		return met(false)
	}
	return met(op == roster.Above && n > v || op == roster.AtLeast && n >= v || op == roster.Below && n < v || op == roster.AtMost && n <= v)
}

// valueOf takes a value as a field has it. In a query everything is text.
func valueOf(kind roster.Kind, v any) (any, bool) {
	text, isText := v.(string)
	switch {
	case v == nil || isText && text == "":
		return nil, true
	case kind == roster.BoolKind:
		switch {
		case v == true || strings.EqualFold(text, "true"):
			return true, true
		case v == false || strings.EqualFold(text, "false"):
			return false, true
		}
		return nil, false
	case kind == roster.NumberKind:
		if isText {
			n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
			return n, err == nil
		}
		n, ok := v.(float64)
		return int64(n), ok && n == math.Trunc(n) && math.Abs(n) < 1<<53
	}
	switch v.(type) {
	case string:
		return text, !strings.ContainsRune(text, 0)
	case float64, bool:
		return plainNumber(v), true
	}
	return nil, false
}

// byID compares ids of users. Only an id that leads to somebody equals any; above and below is said by the number in it, in whose order users came.
func byID(t *translator, f *filterField, name string, op roster.Comparison, given []any) (roster.Condition, error) {
	var ids []string
	var values []any
	for _, v := range given {
		text, isText := v.(string)
		if v != nil && !isText {
			return roster.Condition{}, t.refuse("%q is compared with ids.", name)
		}
		if text == "" {
			values = append(values, nil)
		}
		ids = append(ids, strings.ToLower(strings.TrimSpace(text)))
	}
	if op != roster.Is && op != roster.IsNot {
		number, _, ok := muster.ParseHexID(ids[0])
		if !ok {
			return roster.Condition{}, t.refuse("%q is compared with an id: 24 hexadecimal digits.", name)
		}
		return roster.Condition{Field: f.field, Op: op, Values: []any{number}}, nil
	}
	people, err := t.people(ids)
	if err != nil {
		return roster.Condition{}, err
	}
	for _, id := range ids {
		if p, known := people[id]; known {
			values = append(values, p.Seq)
		}
	}
	if len(values) == 0 {
		return met(op == roster.IsNot), nil
	}
	return roster.Condition{Field: f.field, Op: op, Values: values}, nil
}

// byState compares states. Somebody archived is SUSPENDED here.
func byState(t *translator, f *filterField, name string, op roster.Comparison, given []any) (roster.Condition, error) {
	if op != roster.Is && op != roster.IsNot {
		return roster.Condition{}, t.refuse("%q is compared by $eq, $ne and $in only.", name)
	}
	var values []any
	for _, v := range given {
		text, isText := v.(string)
		if v != nil && !isText {
			return roster.Condition{}, t.refuse("%q is STAGED, ACTIVATED or SUSPENDED.", name)
		}
		if state, known := stateWords[text]; known {
			values = append(values, string(state))
		}
		if text == suspendedState {
			values = append(values, string(muster.Archived))
		}
	}
	if len(values) == 0 {
		return met(op == roster.IsNot), nil
	}
	return roster.Condition{Field: f.field, Op: op, Values: values}, nil
}

// truths gives the truths that are asked for: yes, no or both.
func (t *translator) truths(name string, op roster.Comparison, given []any) (yes, no bool, err error) {
	c, err := t.plain(&filterField{kind: roster.BoolKind}, name, op, given)
	if err != nil {
		return false, false, err
	}
	for _, v := range c.Values {
		yes, no = yes || v == true, no || v != true
	}
	if op == roster.IsNot {
		yes, no = !yes, !no
	}
	return yes, no, nil
}

func bySuspended(t *translator, f *filterField, name string, op roster.Comparison, given []any) (roster.Condition, error) {
	yes, no, err := t.truths(name, op, given)
	if err != nil || yes == no {
		return met(yes), err
	}
	c := roster.Condition{Field: f.field, Op: roster.Is, Values: []any{string(muster.Suspended), string(muster.Archived)}}
	if no {
		c.Op = roster.IsNot
	}
	return c, nil
}

// byActivated: who is active and has a password is activated.
func byActivated(t *translator, _ *filterField, name string, op roster.Comparison, given []any) (roster.Condition, error) {
	yes, no, err := t.truths(name, op, given)
	if err != nil || yes == no {
		return met(yes), err
	}
	if yes {
		return roster.Condition{All: []roster.Condition{
			{Field: "state", Op: roster.Is, Values: []any{string(muster.Active)}}, {Field: "password", Op: roster.Is, Values: []any{true}},
		}}, nil
	}
	return roster.Condition{Any: []roster.Condition{
		{Field: "state", Op: roster.IsNot, Values: []any{string(muster.Active)}}, {Field: "password", Op: roster.Is, Values: []any{false}},
	}}, nil
}

// bySource: of whom nothing is known, who was made singly or elsewhere, jumpcloud:manual is shown.
func bySource(t *translator, f *filterField, name string, op roster.Comparison, given []any) (roster.Condition, error) {
	c, err := t.plain(f, name, op, given)
	if slices.Contains(c.Values, any(manualSource)) && (op == roster.Is || op == roster.IsNot) {
		c.Values = append(c.Values, nil)
	}
	return c, err
}

func byOrganization(t *translator, _ *filterField, name string, op roster.Comparison, given []any) (roster.Condition, error) {
	if op != roster.Is && op != roster.IsNot {
		return roster.Condition{}, t.refuse("%q is compared by $eq, $ne and $in only.", name)
	}
	own := slices.ContainsFunc(given, func(v any) bool {
		text, _ := v.(string)
		return strings.EqualFold(text, t.org)
	})
	return met(own == (op == roster.Is)), nil
}

// momentForms are the forms of a time in a filter. One without a zone is taken as UTC.
var momentForms = []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05", time.DateOnly}

func momentIn(v any) (time.Time, bool) {
	text, _ := v.(string)
	for _, form := range momentForms {
		if at, err := time.Parse(form, strings.TrimSpace(text)); err == nil {
			return at.UTC(), true
		}
	}
	return time.Time{}, false
}

// byMoment compares times as they are shown: to the millisecond.
func byMoment(t *translator, f *filterField, name string, op roster.Comparison, given []any) (roster.Condition, error) {
	var each []roster.Condition
	for _, v := range given {
		at, ok := momentIn(v)
		if !ok {
			return roster.Condition{}, t.refuse("%q is compared with a date and time of the form 2026-01-31T12:00:00Z.", name)
		}
		begin := at.Truncate(time.Millisecond)
		whole := begin.Equal(at) // a time between two that are shown equals none
		end := begin.Add(time.Millisecond)
		if !whole {
			begin = end
		}
		from, to := roster.Condition{Field: f.field, Op: roster.AtLeast, Values: []any{begin}}, roster.Condition{Field: f.field, Op: roster.Below, Values: []any{end}}
		after, before := roster.Condition{Field: f.field, Op: roster.AtLeast, Values: []any{end}}, roster.Condition{Field: f.field, Op: roster.Below, Values: []any{begin}}
		switch op {
		case roster.Above:
			return after, nil
		case roster.AtLeast:
			return from, nil
		case roster.Below:
			return before, nil
		case roster.AtMost:
			return to, nil
		case roster.IsNot:
			each = append(each, roster.Condition{Any: []roster.Condition{before, after}})
		default:
			each = append(each, roster.Condition{All: []roster.Condition{from, to}})
		}
	}
	if op == roster.IsNot {
		return roster.Condition{All: each}, nil
	}
	return roster.Condition{Any: each}, nil
}
