package roster

import (
	"fmt"
	"unicode"
	"unicode/utf8"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/store"
)

// Join is what one row of an import wants of one person: to be in a unit, or in a group.
type Join struct {
	Person  int64   // seq. Somebody who is not written yet has a number of their own that is not positive; only for a dry run
	Unit    UnitRef // this, or Group
	Group   string  // a code
	Primary *bool
	Title   *string // what is nil stays
	Roles   []RoleGrant
	Bounds  *Bounds // of who wants it, the same for all joins of a call; nil when they may do anything
}

// Joined is what became of one Join. An empty Change says that it was so already.
type Joined struct {
	Change muster.Change // of the person: fields such as units.class:6A.primary and groups.staff
	Faults muster.Errors // why nothing was done; about unit or groups when there is none of this code
}

// JoinAll carries joins out in order, with a number of statements that does not grow with theirs but for one UPDATE for each membership that
// changes. Nothing is recorded and no job is enqueued: the item with its change is the record, and its batch brings the job. When dry, nothing is
// written either.
func JoinAll(tx *store.Tx, joins []Join, dry bool) ([]Joined, error) {
	var refs []UnitRef
	var codes []GroupRef
	for _, j := range joins {
		if j.Group != "" {
			codes = append(codes, GroupRef{Code: j.Group})
		} else {
			refs = append(refs, j.Unit)
		}
	}
	units, err := findUnits(tx, refs)
	if err != nil {
		return nil, err
	}
	groups, err := findGroups(tx, codes)
	if err != nil {
		return nil, err
	}
	if len(joins) > 0 {
		units.hideFrom(joins[0].Bounds)
	}
	links := make([]link, len(joins))
	for i, j := range joins {
		l := &links[i]
		l.person, l.bounds, l.want = j.Person, j.Bounds, want{primary: j.Primary, title: j.Title, roles: j.Roles}
		var fault *muster.Error
		if j.Group != "" {
			l.group, fault = groups.find("groups", GroupRef{Code: j.Group})
		} else {
			l.unit, fault = units.find("unit", j.Unit)
		}
		l.faults = append(appendFault(nil, fault), l.check()...)
		if j.Person <= 0 && !dry {
			return nil, fmt.Errorf("roster: join %d is of somebody who is not written yet", i)
		}
	}
	if err := applyLinks(tx, links, dry); err != nil {
		return nil, err
	}
	out := make([]Joined, len(joins))
	for i := range links {
		out[i] = Joined{Change: links[i].change, Faults: links[i].faults}
	}
	return out, nil
}

// The longest texts of a membership, in characters.
const (
	maxTitle = 255
	maxRole  = 64
	maxWords = 64 // cycles or subjects of one role
)

// check gives the faults of what is said about a membership.
func (w want) check() muster.Errors {
	var faults muster.Errors
	if w.title != nil {
		faults = appendFault(faults, checkLine("title", *w.title, maxTitle))
	}
	for i, g := range w.roles {
		at := fmt.Sprintf("roles[%d].", i)
		if g.Role == "" {
			faults = append(faults, muster.Errorf(muster.Required, at+"role", "This is needed."))
		}
		faults = appendFault(faults, checkLine(at+"role", g.Role, maxRole))
		faults = appendFault(faults, checkLine(at+"secondary", g.Secondary, maxRole))
		faults = append(faults, checkWords(at+"cycles", g.Cycles)...)
		faults = append(faults, checkWords(at+"subjects", g.Subjects)...)
	}
	return faults
}

func checkWords(field string, words []string) muster.Errors {
	var faults muster.Errors
	if len(words) > maxWords {
		faults = append(faults, muster.Errorf(muster.TooLong, field, "At most %d fit here.", maxWords))
	}
	for _, word := range words {
		faults = appendFault(faults, checkLine(field, word, maxRole))
	}
	return faults
}

// checkLine refuses a text that is too long or not one line of text.
func checkLine(field, s string, most int) *muster.Error {
	if !utf8.ValidString(s) {
		return muster.Errorf(muster.Invalid, field, "This is not text in UTF-8.")
	}
	n := 0
	for _, c := range s {
		if n++; unicode.IsControl(c) {
			return muster.Errorf(muster.Invalid, field, "Control characters such as line breaks cannot stand here.")
		}
	}
	if n > most {
		return muster.Errorf(muster.TooLong, field, "At most %d characters fit here.", most)
	}
	return nil
}
