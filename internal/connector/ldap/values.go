package ldap

import (
	"slices"
	"strconv"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/connector"
)

// values gives the attribute's values for a value of the field, as it stands in memory or comes out of JSON. An empty text is no value: a
// directory does not keep one.
func (m mapping) values(v any) []string {
	var list []string
	switch x := v.(type) {
	case []muster.Phone:
		for _, p := range x {
			if p.Type == m.part {
				list = append(list, p.Number)
			}
		}
	case []muster.Address:
		kind, part, _ := strings.Cut(m.part, ".")
		for _, a := range x {
			if a.Type == kind {
				list = append(list, addressPart(a, part))
			}
		}
	case []string:
		list = slices.Clone(x)
	case []any:
		for _, e := range x {
			list = append(list, m.element(e)...)
		}
	default:
		list = append(list, text(v))
	}
	return slices.DeleteFunc(list, func(s string) bool { return s == "" })
}

// element reads a phone or address that has been through JSON, or a plain element of a list.
func (m mapping) element(e any) []string {
	object, ok := e.(map[string]any)
	if !ok {
		return []string{text(e)}
	}
	kind, part, _ := strings.Cut(m.part, ".")
	if part == "" {
		part = "number"
	}
	if object["type"] != kind {
		return nil
	}
	return []string{text(object[part])}
}

func text(v any) string {
	switch x := v.(type) {
	case string:
		return x
	case bool:
		return strings.ToUpper(strconv.FormatBool(x))
	case float64:
		return strconv.FormatFloat(x, 'f', -1, 64)
	case int:
		return strconv.Itoa(x)
	case int64:
		return strconv.FormatInt(x, 10)
	}
	return ""
}

func addressPart(a muster.Address, part string) string {
	parts := map[string]string{
		"po_box": a.POBox, "extended": a.Extended, "street": a.Street, "locality": a.Locality, "region": a.Region,
		"postal_code": a.PostalCode, "country": a.Country,
	}
	return parts[part]
}

// account reads an entry.
func (l *layout) account(e *ldap.Entry) connector.Account {
	a := connector.Account{
		ExternalID: l.externalID(e), Username: e.GetEqualFoldAttributeValue(l.UsernameAttribute), Marker: l.marker(e), Enabled: l.enabled(e),
		Attributes: make(muster.Record),
	}
	addresses := map[string]map[string]any{}
	var phones, places []any
	for _, m := range l.mappings {
		values := e.GetEqualFoldAttributeValues(m.attr)
		kind, part, _ := strings.Cut(m.part, ".")
		switch {
		case len(values) == 0:
		case m.field == "phones":
			for _, number := range values {
				phones = append(phones, map[string]any{"type": kind, "number": number})
			}
		case m.field == "addresses":
			if addresses[kind] == nil {
				addresses[kind] = map[string]any{"type": kind}
				places = append(places, addresses[kind])
			}
			addresses[kind][part] = values[0]
		case values[0] == "TRUE" || values[0] == "FALSE":
			a.Attributes[m.field] = values[0] == "TRUE"
		default:
			a.Attributes[m.field] = values[0]
		}
	}
	if len(phones) > 0 {
		a.Attributes["phones"] = phones
	}
	if len(places) > 0 {
		a.Attributes["addresses"] = places
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
