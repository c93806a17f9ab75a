package connector

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/musterid/muster"
)

// Mapping keeps one field of a record, or one part of it, in one attribute of accounts. Kinds whose attributes are lists of texts read and write by it.
type Mapping struct {
	Field string // as in a muster.Record
	Part  string // of phones and addresses, such as work and work.street
	Attr  string

	Yes, No string // how a truth value is written; "" is true and false
}

// MapField gives the mapping of a field, which may have a part, to an attribute. ok is false for what cannot be kept in one.
func MapField(field, attr string) (m Mapping, ok bool) {
	if !muster.KnownField(field) || slices.Contains([]string{"username", "state", "attributes", "flags", "phones", "addresses"}, field) {
		return m, false
	}
	m = Mapping{Field: field, Attr: attr}
	if head, part, _ := strings.Cut(field, "."); head == "phones" || head == "addresses" {
		m.Field, m.Part = head, part
	}
	return m, true
}

// Name is the field with its part, such as phones.work.
func (m Mapping) Name() string { return strings.TrimSuffix(m.Field+"."+m.Part, ".") }

// Values gives the attribute's values for a value of the field, as it stands in memory or comes out of JSON. An empty text is no value.
func (m Mapping) Values(v any) []string {
	kind, part, _ := strings.Cut(m.Part, ".")
	var list []string
	switch x := v.(type) {
	case []muster.Phone:
		for _, p := range x {
			if p.Type == kind {
				list = append(list, p.Number)
			}
		}
	case []muster.Address:
		for _, a := range x {
			if a.Type == kind {
				list = append(list, addressPart(a, part))
			}
		}
	case []string:
		list = slices.Clone(x)
	case []any:
		for _, e := range x {
			list = append(list, m.element(e))
		}
	default:
		list = append(list, m.text(v))
	}
	return slices.DeleteFunc(list, func(s string) bool { return s == "" })
}

// Texts gives the texts of a field that is a list, such as groups.
func Texts(v any) []string { return Mapping{}.Values(v) }

// element reads a phone or address that has been through JSON, or a plain element of a list.
func (m Mapping) element(e any) string {
	object, ok := e.(map[string]any)
	if !ok {
		return m.text(e)
	}
	kind, part, _ := strings.Cut(m.Part, ".")
	if object["type"] != kind {
		return ""
	}
	return m.text(object[cmp.Or(part, "number")])
}

func (m Mapping) text(v any) string {
	switch x := v.(type) {
	case string:
		return x
	case bool:
		if x {
			return cmp.Or(m.Yes, "true")
		}
		return cmp.Or(m.No, "false")
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

// Mapped reads a record from an account's attributes. get gives the values of one.
func Mapped(mappings []Mapping, get func(attr string) []string) muster.Record {
	record := muster.Record{}
	addresses := map[string]map[string]any{}
	var phones, places []any
	for _, m := range mappings {
		values := get(m.Attr)
		kind, part, _ := strings.Cut(m.Part, ".")
		switch {
		case len(values) == 0:
		case m.Field == "phones":
			for _, number := range values {
				phones = append(phones, map[string]any{"type": kind, "number": number})
			}
		case m.Field == "addresses":
			if addresses[kind] == nil {
				addresses[kind] = map[string]any{"type": kind}
				places = append(places, addresses[kind])
			}
			addresses[kind][part] = values[0]
		case values[0] == cmp.Or(m.Yes, "true"):
			record[m.Field] = true
		case values[0] == cmp.Or(m.No, "false"):
			record[m.Field] = false
		default:
			record[m.Field] = values[0]
		}
	}
	if len(phones) > 0 {
		record["phones"] = phones
	}
	if len(places) > 0 {
		record["addresses"] = places
	}
	return record
}
