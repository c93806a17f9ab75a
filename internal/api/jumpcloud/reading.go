package jumpcloud

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/musterid/muster"
)

// reading is an object of attributes being read for one person.
type reading struct {
	mode *mode
	now  *muster.Person // as they are; for somebody new, nobody yet
	org  string         // the id of the organization

	given    map[string]any
	draft    muster.Draft
	manager  string // whom the object names
	faults   muster.Errors
	warnings muster.Errors
	untold   int // warnings beyond mostWarnings
}

// mostWarnings is how many warnings of one object are told one by one. More is no user: every custom attribute may have one.
const mostWarnings = 2 * muster.MaxAttributes

// mode is how the objects of a request are meant.
type mode struct {
	Operation string       `json:"operation"` // create or update
	Merge     bool         `json:"merge,omitempty"`
	State     muster.State `json:"state,omitempty"`          // of somebody new who comes without one
	Source    string       `json:"creationSource,omitempty"` // of somebody new
	Org       string       `json:"organization"`
	Admin     string       `json:"adminId,omitempty"` // who submitted it
	At        time.Time    `json:"at"`
	Lenient   bool         `json:"-"` // the state that is shown may be sent back where it may not be set
}

const (
	createMode = "create"
	updateMode = "update"
)

func (m *mode) creates() bool { return m.Operation == createMode }

// read reads every attribute of an object. The order is the table's, whatever the object's, so that two readings tell the same.
func read(m *mode, given map[string]any, now *muster.Person) *reading {
	r := &reading{mode: m, now: now, org: m.Org, given: given, draft: make(muster.Draft, len(given)+1)}
	known := make([]*attribute, 0, len(given))
	for name := range given {
		if a := byName[name]; a != nil {
			known = append(known, a)
		}
	}
	slices.SortFunc(known, func(a, b *attribute) int { return a.place - b.place })
	for _, a := range known {
		v := given[a.name]
		switch {
		case a.name == "password":
		case a.name == "id" || a.name == "_id":
			if m.creates() {
				r.warn(muster.ReadOnly, a.name, "This cannot be set. It was ignored.")
			}
		case a.show != nil && a.read != nil && same(v, a.show(now), a.ours()) && !r.mustRead(a.name, v):
		case a.read == nil || a.updateOnly && m.creates():
			r.warn(muster.ReadOnly, a.name, "This cannot be set. It was ignored.")
		default:
			a.read(r, a, v)
		}
	}
	if len(known) < len(given) {
		r.unknown()
	}
	if m.creates() {
		r.complete()
	}
	if r.untold > 0 {
		r.warnings = append(r.warnings, muster.Errorf(muster.Unsupported, "", "%d more values were ignored or changed, which are too many to be told.", r.untold))
	}
	return r
}

// unknown warns of attributes that nobody knows: nothing is dropped without a word (contract §6.5).
func (r *reading) unknown() {
	for _, name := range slices.Sorted(maps.Keys(r.given)) {
		if byName[name] == nil {
			r.warn(muster.Unsupported, shortened(name), "There is no attribute %q here. It was ignored.", shortened(name))
		}
	}
}

// mustRead says of a value that is the one shown whether it is read all the same: the contract has more to say of it.
func (r *reading) mustRead(name string, v any) bool {
	_, state := r.given["state"]
	if r.now.Seq == 0 && !r.mode.creates() && (name == "email" || name == "username") {
		return true // of nobody nothing is shown
	}
	return name == "suspended" && state || name == "state" && v == stagedState && !r.mode.Lenient && !r.mode.creates()
}

// complete demands what somebody new must have, and adds what nobody said.
func (r *reading) complete() {
	for _, name := range []string{"email", "username"} {
		_, given := r.draft[name]
		if !given && !slices.ContainsFunc(r.faults, func(e *muster.Error) bool { return e.Field == name }) {
			r.fail(muster.Required, name, "A new user needs this.")
		}
	}
	_, said := r.given["state"]
	_, follows := r.draft["state"]
	if !said && !follows && r.mode.State != "" && r.mode.State != r.now.State {
		r.draft["state"] = string(r.mode.State)
	}
	if r.mode.Source != "" {
		r.draft["flags.creationSource"] = r.mode.Source
	}
}

func (r *reading) fail(code muster.Code, field, format string, args ...any) {
	r.faults = append(r.faults, muster.Errorf(code, field, format, args...))
}

func (r *reading) warn(code muster.Code, field, format string, args ...any) {
	if len(r.warnings) == mostWarnings {
		r.untold++
		return
	}
	r.warnings = append(r.warnings, muster.Errorf(code, field, format, args...))
}

// set puts a value into the draft. For somebody new there is nothing to clear.
func (r *reading) set(field string, v any) {
	if v == nil && r.mode.creates() {
		return
	}
	r.draft[field] = v
}

// strictness is which control characters a text may have.
type strictness bool

const (
	strict strictness = true  // none
	loose  strictness = false // line ends and tabs
)

// text reads a text into a field.
func (r *reading) text(name, field string, v any, most int, how strictness) {
	if s, ok := r.plain(name, v, most, how); ok {
		r.set(field, orNull(s))
	}
}

// plain gives a text, "" for null, or finds fault with it.
func (r *reading) plain(name string, v any, most int, how strictness) (string, bool) {
	if v == nil {
		return "", true
	}
	s, ok := v.(string)
	if !ok {
		r.fail(muster.Invalid, name, "A text is expected here.")
		return "", false
	}
	for _, c := range s {
		if unicode.IsControl(c) && (how == strict || c != '\n' && c != '\t' && c != '\r') {
			r.fail(muster.Invalid, name, "There is a control character (U+%04X) in it.", c)
			return "", false
		}
	}
	bare := strings.TrimSpace(s)
	if n := utf8.RuneCountInString(bare); n > most {
		r.fail(muster.TooLong, name, "At most %d characters fit here; this has %d.", most, n)
		return "", false
	}
	if bare != s {
		r.warn(muster.Invalid, name, "The spaces around it were left out.")
	}
	return bare, true
}

// boolean gives a boolean; the texts true and false count with a warning, because clients that were born in a spreadsheet send them.
func (r *reading) boolean(name string, v any) (b, ok bool) {
	switch x := v.(type) {
	case nil:
		return false, true
	case bool:
		return x, true
	case string:
		if s := strings.ToLower(strings.TrimSpace(x)); s == "true" || s == "false" {
			r.warn(muster.Invalid, name, "The text %q was taken for true or false.", shortened(x))
			return s == "true", true
		}
	}
	r.fail(muster.Invalid, name, "true or false is expected here.")
	return false, false
}

func readEmail(r *reading, a *attribute, v any) {
	s, ok := r.plain(a.name, v, maxText, strict)
	switch {
	case !ok:
	case s == "":
		r.fail(muster.Required, a.name, "An e-mail address is needed. It can be changed and not be taken away.")
	default:
		if err := muster.ValidateEmail(a.name, s); err != nil {
			r.faults = append(r.faults, err)
			return
		}
		lower := strings.ToLower(s)
		if lower != s {
			r.warn(muster.Policy, a.name, "E-mail addresses are kept in lower case.")
		}
		r.draft["email"] = lower
	}
}

// username is what may be given as one (contract §6.1).
var username = regexp.MustCompile(`^\p{L}[\p{L}\p{M}\p{N}._-]*$`)

const (
	unixName    = 30 // characters that every system takes
	windowsName = 20
)

func readUsername(r *reading, a *attribute, v any) {
	s, ok := r.plain(a.name, v, maxText, strict)
	n := utf8.RuneCountInString(s)
	switch {
	case !ok:
	case s == "":
		r.fail(muster.Required, a.name, "A username is needed. It can be changed and not be taken away.")
	case !username.MatchString(s):
		r.fail(muster.Invalid, a.name, "A username begins with a letter and has letters, digits, dots, hyphens and underscores only.")
	default:
		r.draft["username"] = s
		if n > windowsName {
			where := "Windows"
			if n > unixName {
				where = "Windows and Unix"
			}
			r.warn(muster.Policy, a.name, "This username has %d characters, which is more than every system takes (%s).", n, where)
		}
	}
}

func readAddress(r *reading, a *attribute, v any) { r.address(a.name, a.field, v) }

// address reads an e-mail address that is not the person's own.
func (r *reading) address(name, field string, v any) {
	s, ok := r.plain(name, v, maxText, strict)
	if !ok {
		return
	}
	if s != "" {
		if err := muster.ValidateEmail(name, s); err != nil {
			r.faults = append(r.faults, err)
			return
		}
	}
	r.set(field, orNull(s))
}

func readRecovery(r *reading, a *attribute, v any) {
	o, ok := r.object(a.name, v, "address", "verified", "verifiedAt")
	if ok {
		r.address(a.name+".address", a.field, o["address"])
	}
}

func readEmployee(r *reading, a *attribute, v any) { r.text(a.name, a.field, v, maxID, strict) }

func readManager(r *reading, a *attribute, v any) {
	s, ok := r.plain(a.name, v, maxText, strict)
	switch {
	case !ok:
	case s == "":
		r.set(a.field, nil)
	case !isID(s):
		r.fail(muster.NotFound, a.name, "The manager is named by id, and there is no user of the id %q.", shortened(s))
	default:
		r.manager = strings.ToLower(s)
	}
}

func readMoment(r *reading, a *attribute, v any) { r.moment(a.name, a.field, v) }

func (r *reading) moment(name, field string, v any) {
	s, ok := r.plain(name, v, 64, strict)
	if !ok {
		return
	}
	if s != "" {
		if _, err := time.Parse(time.RFC3339, s); err != nil {
			r.fail(muster.Invalid, name, "A date and time of the form 2026-01-31T12:00:00Z is expected here.")
			return
		}
	}
	r.set(field, orNull(s))
}

func readOrganization(r *reading, a *attribute, v any) {
	if s, ok := v.(string); !ok || !strings.EqualFold(strings.TrimSpace(s), r.org) {
		r.fail(muster.Invalid, a.name, "A user stays in the organization, which is %s.", r.org)
	}
}

// readActivated: whether somebody is activated follows from state and password. What is given is kept as a hint.
func readActivated(r *reading, a *attribute, v any) {
	if !r.mode.creates() {
		r.warn(muster.ReadOnly, a.name, "This cannot be set. It was ignored.")
		return
	}
	b, ok := r.boolean(a.name, v)
	if !ok {
		return
	}
	r.set("flags.activated", b)
	if _, password := r.given["password"]; b != (password && r.asked() == activatedState) {
		r.warn(muster.ReadOnly, a.name, "A user is activated when the state is ACTIVATED and there is a password. What was given is kept as a note.")
	}
}

// shortened is a text for a message.
func shortened(s string) string {
	if utf8.RuneCountInString(s) > 60 {
		return string([]rune(s)[:60]) + "…"
	}
	return s
}
