package jumpcloud

import (
	"strings"

	"github.com/google/uuid"

	"github.com/musterid/muster"
)

// attribute is one attribute of a system user (contract §6): how it is read, and how it is shown. Every attribute of the contract stands in the table
// below, and nowhere else: whatever is not there is unknown.
type attribute struct {
	name string
	// field is what it is called on floor 0; a list or object stands for everything below it, too. "" is not stored.
	field string
	// read takes what is given into the draft, or finds fault with it. nil: it is not the caller's to set. What is given is never what is shown now:
	// people resend what they have read, and that changes nothing, whatever rules would refuse it today.
	read func(r *reading, a *attribute, v any)
	// show is the value in an answer, as JSON would decode it. nil: the view makes it, because it is not the person's own (view.go).
	show func(p *muster.Person) any
	// updateOnly is ignored, with a warning, where somebody is created.
	updateOnly bool
	// ownIDs says that the ids in it are the client's, and not added by us.
	ownIDs bool

	place int // in the table
}

const (
	maxText = 1024
	maxID   = 256 // of employee identifiers
)

var attributes = []attribute{
	{name: "email", field: "email", read: readEmail, show: func(p *muster.Person) any { return strings.ToLower(p.Email) }},
	{name: "username", field: "username", read: readUsername, show: func(p *muster.Person) any { return p.Username }},
	named("firstname", "first_name", func(p *muster.Person) string { return p.FirstName }),
	named("middlename", "middle_name", func(p *muster.Person) string { return p.Profile.MiddleName }),
	named("lastname", "last_name", func(p *muster.Person) string { return p.LastName }),
	named("displayname", "display_name", func(p *muster.Person) string { return p.DisplayName }),
	{name: "alternateEmail", field: "alternate_email", read: readAddress, show: func(p *muster.Person) any { return p.Profile.AlternateEmail }},
	flagText("managedAppleId"),
	{name: "recoveryEmail", field: "recovery_email", read: readRecovery, show: showRecovery},
	text("description", "description", func(p *muster.Person) string { return p.Profile.Description }),
	{name: "manager", field: "manager", read: readManager, show: showManager},

	text("company", "company", func(p *muster.Person) string { return p.Profile.Company }),
	text("costCenter", "cost_center", func(p *muster.Person) string { return p.Profile.CostCenter }),
	text("department", "department", func(p *muster.Person) string { return p.Profile.Department }),
	text("employeeType", "employee_type", func(p *muster.Person) string { return p.Profile.EmployeeType }),
	text("jobTitle", "job_title", func(p *muster.Person) string { return p.Profile.JobTitle }),
	text("location", "location", func(p *muster.Person) string { return p.Profile.Location }),
	{name: "employeeIdentifier", field: "employee_id", read: readEmployee, show: func(p *muster.Person) any { return orNull(p.EmployeeID) }},

	{name: "addresses", field: "addresses", read: readAddresses, show: showAddresses},
	{name: "phoneNumbers", field: "phones", read: readPhones, show: showPhones},
	{name: "attributes", field: "attributes", read: readAttributes, show: showAttributes},
	{name: "relationships", field: "flags.relationships", read: readRelationships, show: listOf("relationships")},
	{name: "ssh_keys", field: "flags.ssh_keys", read: readKeys, show: showKeys, updateOnly: true},
	{name: "restrictedFields", field: "flags.restrictedFields", read: readRestricted, show: listOf("restrictedFields"), ownIDs: true},
	{name: "mfa", field: "flags.mfa", read: readFactors, show: showFactors},
	{name: "delegatedAuthority", field: "flags.delegatedAuthority", read: readAuthority, show: flagOf("delegatedAuthority"), ownIDs: true},
	{name: "tags", field: "flags.tags", read: readTags, show: listOf("tags")},

	{name: "state", field: "state", read: readState, show: func(p *muster.Person) any { return stateOf(p) }},
	{name: "suspended", field: "state", read: readSuspended, show: func(p *muster.Person) any { return stateOf(p) == suspendedState }},
	{name: "password", field: "password"}, // cut out of the object before anybody reads it
	flag("password_never_expires"), flag("account_locked"), flag("allow_public_key"), flag("disableDeviceMaxLoginAttempts"), flag("enable_managed_uid"),
	flag("enable_user_portal_multifactor"), flag("ldap_binding_user"), flag("passwordless_sudo"), flag("samba_service_user"), flag("sudo"),
	flag("externally_managed"),
	flagText("public_key"), flagText("external_dn"), flagText("external_source_type"),
	{name: "external_password_expiration_date", field: "flags.external_password_expiration_date", read: readMoment, show: flagOf("external_password_expiration_date")},
	number("unix_uid"), number("unix_guid"),
	{name: "organization", read: readOrganization, updateOnly: true},
	{name: "activated", read: readActivated},

	// Only shown.
	{name: "_id"},
	{name: "id"},
	{name: "created"},
	{name: "creationSource", field: "flags.creationSource", show: showSource},
	{name: "password_date"},
	constant("password_expired", false), constant("password_expiration_date", nil), constant("totp_enabled", false), constant("account_locked_date", nil),
	constant("badLoginAttempts", float64(0)), constant("mfaEnrollment", nil), constant("admin", nil),
}

var byName = func() map[string]*attribute {
	index := make(map[string]*attribute, len(attributes))
	for i := range attributes {
		attributes[i].place = i
		index[attributes[i].name] = &attributes[i]
	}
	return index
}()

// byField leads from a field of floor 0 to the attribute that stands for it.
var byField = func() map[string]string {
	index := map[string]string{}
	for _, a := range attributes {
		if _, first := index[a.field]; a.field != "" && !first {
			index[a.field] = a.name
		}
	}
	return index
}()

// attributeOf is what this surface calls a field of floor 0. A field that has no attribute keeps its name.
func attributeOf(field string) string {
	if list, _, entry := strings.Cut(field, "["); entry && byName[list] != nil {
		return field // a path in this surface's own words
	}
	for at := field; at != ""; {
		if name, known := byField[at]; known {
			return name
		}
		cut := strings.LastIndexAny(at, ".[")
		if cut < 0 {
			break
		}
		at = at[:cut]
	}
	return field
}

// placeOf is where in a user's object a fault is: a path such as attributes[1].name, of which this surface's own stay as they are.
func placeOf(field string) string {
	if root, _, within := strings.Cut(field, "["); within {
		if _, ours := byName[root]; ours {
			return field
		}
	}
	return attributeOf(field)
}

// changedOf lists the attributes that a change is about.
func changedOf(c muster.Change) []string {
	names, seen := []string{}, map[string]bool{}
	for _, f := range c.Fields {
		name := attributeOf(f.Field)
		if _, known := byName[name]; known && !seen[name] {
			names, seen[name] = append(names, name), true
		}
	}
	return names
}

func text(name, field string, of func(*muster.Person) string) attribute {
	read := func(r *reading, a *attribute, v any) { r.text(a.name, a.field, v, maxText, loose) }
	return attribute{name: name, field: field, read: read, show: func(p *muster.Person) any { return of(p) }}
}

// named is a text in which no control characters may stand.
func named(name, field string, of func(*muster.Person) string) attribute {
	read := func(r *reading, a *attribute, v any) { r.text(a.name, a.field, v, maxText, strict) }
	return attribute{name: name, field: field, read: read, show: func(p *muster.Person) any { return of(p) }}
}

// flagText is a text that only this surface knows. It is kept among the person's flags, under its own name.
func flagText(name string) attribute {
	read := func(r *reading, a *attribute, v any) { r.text(a.name, a.field, v, maxText, loose) }
	show := func(p *muster.Person) any {
		s, _ := p.Profile.Flags[name].(string)
		return s
	}
	return attribute{name: name, field: "flags." + name, read: read, show: show}
}

func flag(name string) attribute {
	read := func(r *reading, a *attribute, v any) {
		if b, ok := r.boolean(a.name, v); ok {
			r.set(a.field, orNothing(b))
		}
	}
	show := func(p *muster.Person) any {
		b, _ := p.Profile.Flags[name].(bool)
		return b
	}
	return attribute{name: name, field: "flags." + name, read: read, show: show}
}

// orNothing keeps of a boolean only that it is true: what is not known is false.
func orNothing(b bool) any {
	if b {
		return true
	}
	return nil
}

func number(name string) attribute {
	read := func(r *reading, a *attribute, v any) {
		n, ok := v.(float64)
		switch {
		case v == nil:
			r.set(a.field, nil)
		case !ok || n != float64(int64(n)):
			r.fail(muster.Invalid, a.name, "A whole number is expected here.")
		case n < 1 || n > 1<<32-1:
			r.fail(muster.Invalid, a.name, "The number must be between %d and %d.", 1, int64(1<<32-1))
		default:
			r.set(a.field, n)
		}
	}
	return attribute{name: name, field: "flags." + name, read: read, show: flagOf(name)}
}

// flagOf shows what is kept under a name; null when nothing is.
func flagOf(name string) func(*muster.Person) any {
	return func(p *muster.Person) any { return p.Profile.Flags[name] }
}

// listOf shows a list that is kept under a name; an empty one when none is.
func listOf(name string) func(*muster.Person) any {
	return func(p *muster.Person) any {
		if list, ok := p.Profile.Flags[name].([]any); ok {
			return list
		}
		return []any{}
	}
}

// constant is an attribute of what Muster has no notion of (contract §7).
func constant(name string, value any) attribute {
	return attribute{name: name, show: func(*muster.Person) any { return value }}
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func showManager(p *muster.Person) any {
	if p.Manager == uuid.Nil {
		return nil
	}
	return userID(p.Manager)
}

func showRecovery(p *muster.Person) any {
	if p.Profile.RecoveryEmail == "" {
		return nil
	}
	return map[string]any{"address": p.Profile.RecoveryEmail, "verified": false, "verifiedAt": nil}
}

// manualSource is what is shown of who was made singly, or elsewhere.
const manualSource = "jumpcloud:manual"

func showSource(p *muster.Person) any {
	if s, ok := p.Profile.Flags["creationSource"].(string); ok {
		return s
	}
	return manualSource
}
