package ldap

import (
	"slices"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/connector"
)

// account reads an entry.
func (l *layout) account(e *ldap.Entry) connector.Account {
	a := connector.Account{
		ExternalID: l.externalID(e), Username: e.GetEqualFoldAttributeValue(l.UsernameAttribute), Marker: l.marker(e), Enabled: l.enabled(e),
		Attributes: connector.Mapped(l.mappings, func(attr string) []string { return e.GetEqualFoldAttributeValues(attr) }),
	}
	if l.stoodIn(a) {
		delete(a.Attributes, "last_name")
	}
	return a
}

// stoodIn says whether the surname looks like one that surname made up, rather than one that a person has.
func (l *layout) stoodIn(a connector.Account) bool {
	last := a.Attributes.Text("last_name")
	_, first := a.Attributes["first_name"]
	return l.surnamed && last != "" && !first && last == surname(muster.Record{"display_name": a.Attributes["display_name"]}, a.Username)
}

// surname gives the value of sn, which an entry of a person must have.
func surname(r muster.Record, username string) string {
	return firstOf(r.Text("last_name"), r.Text("display_name"), visible(username))
}

// commonName gives the value of cn, which an entry of a person must have.
func commonName(r muster.Record, username string) string {
	return firstOf(r.Text("display_name"), strings.TrimSpace(r.Text("first_name")+" "+r.Text("last_name")), visible(username))
}

// visible makes a username fit for people to read.
func visible(username string) string { return firstOf(strings.TrimSpace(username), "-") }

func firstOf(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

// markerLabel ends the value that marks an entry: a labeledURI is an address, a blank and a label.
const markerLabel = " muster"

func (l *layout) marker(e *ldap.Entry) string {
	if l.MarkerAttribute == "" {
		return ""
	}
	for _, v := range e.GetEqualFoldAttributeValues(l.MarkerAttribute) {
		if marker, ours := strings.CutSuffix(v, markerLabel); ours {
			return marker
		}
	}
	return ""
}

// marked gives the values of the marker attribute with ours set.
func marked(values []string, marker string) []string {
	kept := slices.DeleteFunc(slices.Clone(values), func(v string) bool { return strings.HasSuffix(v, markerLabel) })
	return append(kept, marker+markerLabel)
}

func (l *layout) enabled(e *ldap.Entry) bool {
	if l.disabled != nil {
		dn, err := ldap.ParseDN(e.DN)
		return err != nil || !l.disabled.AncestorOfFold(dn)
	}
	return l.flag == "" || !slices.ContainsFunc(e.GetEqualFoldAttributeValues(l.flag), func(v string) bool { return strings.EqualFold(v, l.off) })
}

// flagged gives the values of the attribute of disabled accounts when the account is to be enabled or not.
func (l *layout) flagged(values []string, enabled bool) []string {
	kept := slices.DeleteFunc(slices.Clone(values), func(v string) bool {
		return l.alone || strings.EqualFold(v, l.off) || l.on != "" && strings.EqualFold(v, l.on)
	})
	switch {
	case !enabled:
		return append(kept, l.off)
	case l.on != "":
		return append(kept, l.on)
	}
	return kept
}

// replaced gives what an attribute comes to hold. Where it holds several values, those that were never ours stay: only the values before give
// way to those after. A field that is cleared leaves nothing, and where none of the values is known, what is wanted stands alone.
func replaced(existing, before, after []string) []string {
	if len(existing) < 2 || len(after) == 0 {
		return after
	}
	known := slices.ContainsFunc(existing, func(v string) bool { return has(before, v) || has(after, v) })
	if !known {
		return after
	}
	result := slices.Clone(after)
	for _, v := range existing {
		if !has(before, v) && !has(after, v) {
			result = append(result, v)
		}
	}
	return result
}

func has(list []string, value string) bool {
	return slices.ContainsFunc(list, func(v string) bool { return strings.EqualFold(v, value) })
}
