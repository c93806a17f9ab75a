package jumpcloud

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/musterid/muster"
)

// Bounds of what is kept among flags.
const (
	mostEntries = 64
	mostName    = 64 // characters of the name of a custom attribute
)

// same says whether a value that was sent is the one that is shown. Texts that are empty are not there. Members named in ours are nobody's to set.
func same(given, shown any, ours map[string]bool) bool {
	switch s := shown.(type) {
	case string:
		g, ok := given.(string)
		return ok && strings.TrimSpace(g) == s || given == nil && s == ""
	case []any:
		g, ok := given.([]any)
		if !ok || len(g) != len(s) {
			return given == nil && len(s) == 0
		}
		for i := range s {
			if !same(g[i], s[i], ours) {
				return false
			}
		}
		return true
	case map[string]any:
		g, ok := given.(map[string]any)
		if !ok {
			return false
		}
		for name := range s {
			if _, there := g[name]; !there && !ours[name] && s[name] != "" && s[name] != nil {
				return false
			}
		}
		for name, v := range g {
			if !ours[name] && !same(v, s[name], ours) {
				return false
			}
		}
		return true
	case nil:
		return given == nil || given == ""
	}
	return given == shown
}

// ours are the members of an attribute's entries that we add to what is shown.
func (a *attribute) ours() map[string]bool {
	if a.ownIDs {
		return nil
	}
	return ofOurs
}

var ofOurs = map[string]bool{"id": true, "_id": true, "create_date": true, "verified": true, "verifiedAt": true}

// list gives the elements of a list, each an object with at most the named members. ok is false when fault was found; an element that is no object
// is nil then, so that the others can be looked at.
func (r *reading) list(name string, v any, most int, members ...string) (list []map[string]any, ok bool) {
	if v == nil {
		return nil, true
	}
	elements, isList := v.([]any)
	if !isList {
		r.fail(muster.Invalid, name, "A list is expected here.")
		return nil, false
	}
	if len(elements) > most {
		r.fail(muster.TooLong, name, "At most %d entries fit here; this has %d.", most, len(elements))
		return nil, false
	}
	list, ok = make([]map[string]any, 0, len(elements)), true
	for i, e := range elements {
		o, well := r.object(at(name, i), e, members...)
		if e == nil && well {
			r.fail(muster.Invalid, at(name, i), "An object is expected here.")
			well = false
		}
		list, ok = append(list, o), ok && well
	}
	return list, ok
}

func at(name string, i int) string { return fmt.Sprintf("%s[%d]", name, i) }

// object gives an object with at most the named members; others are warned of.
func (r *reading) object(name string, v any, members ...string) (map[string]any, bool) {
	if v == nil {
		return nil, true
	}
	o, ok := v.(map[string]any)
	if !ok {
		r.fail(muster.Invalid, name, "An object is expected here.")
		return nil, false
	}
	for _, member := range slices.Sorted(maps.Keys(o)) {
		if !slices.Contains(members, member) && !ofOurs[member] {
			r.warn(muster.Unsupported, name+"."+shortened(member), "There is no attribute %q here. It was ignored.", shortened(member))
		}
	}
	return o, true
}

// texts gives the named members of an object as texts, "" for those that are not there.
func (r *reading) texts(name string, o map[string]any, members ...string) (map[string]string, bool) {
	list, ok := make(map[string]string, len(members)), true
	for _, member := range members {
		s, well := r.plain(name+"."+member, o[member], maxText, loose)
		list[member], ok = s, ok && well
	}
	return list, ok
}

func readPhones(r *reading, a *attribute, v any) {
	list, ok := r.list(a.name, v, muster.MaxPhones, "type", "number")
	whole, seen := make([]any, 0, len(list)), map[string]bool{}
	for i, o := range list {
		if o == nil {
			continue
		}
		one, well := r.texts(at(a.name, i), o, "type", "number")
		switch {
		case !well:
			ok = false
		case r.mode.Merge && one["type"] == "":
			r.fail(muster.Required, at(a.name, i)+".type", "An entry is merged by its type, which is missing.")
			ok = false
		case r.mode.Merge && !r.first(seen, at(a.name, i), one["type"]):
			ok = false
		case r.mode.Merge:
			r.draft["phones."+one["type"]] = orNull(one["number"])
		case one["number"] == "":
			r.warn(muster.Unsupported, at(a.name, i), "An entry without a number is not kept.")
		default:
			whole = append(whole, map[string]any{"type": one["type"], "number": one["number"]})
		}
	}
	if ok && !r.mode.Merge {
		r.setList(a.field, whole)
	}
}

// first says whether a type stands in a list for the first time, and finds fault with one that does not: it is not known which entry is meant.
func (r *reading) first(seen map[string]bool, path, kind string) bool {
	if seen[kind] {
		r.fail(muster.Invalid, path+".type", "Entries are merged by their types, and the type %q stands here twice.", shortened(kind))
		return false
	}
	seen[kind] = true
	return true
}

// setList puts a list into the draft; an empty one clears.
func (r *reading) setList(field string, list []any) {
	if len(list) == 0 {
		r.set(field, nil)
		return
	}
	r.set(field, list)
}

func showPhones(p *muster.Person) any {
	list := make([]any, len(p.Profile.Phones))
	for i, one := range p.Profile.Phones {
		list[i] = map[string]any{"id": entryID(p, phoneEntries, i), "type": one.Type, "number": one.Number}
	}
	return list
}

// addressMembers leads from the members of an address here to those on floor 0.
var addressMembers = []struct {
	name, part string
	of         func(*muster.Address) string
}{
	{"poBox", "po_box", func(a *muster.Address) string { return a.POBox }},
	{"extendedAddress", "extended", func(a *muster.Address) string { return a.Extended }},
	{"streetAddress", "street", func(a *muster.Address) string { return a.Street }},
	{"locality", "locality", func(a *muster.Address) string { return a.Locality }},
	{"region", "region", func(a *muster.Address) string { return a.Region }},
	{"postalCode", "postal_code", func(a *muster.Address) string { return a.PostalCode }},
	{"country", "country", func(a *muster.Address) string { return a.Country }},
}

var addressNames = []string{"type", "poBox", "extendedAddress", "streetAddress", "locality", "region", "postalCode", "country"}

func readAddresses(r *reading, a *attribute, v any) {
	list, ok := r.list(a.name, v, muster.MaxAddresses, addressNames...)
	whole, seen := make([]any, 0, len(list)), map[string]bool{}
	for i, o := range list {
		if o == nil {
			continue
		}
		one, well := r.texts(at(a.name, i), o, addressNames...)
		switch {
		case !well:
			ok = false
		case r.mode.Merge && (one["type"] == "" || strings.Contains(one["type"], ".")):
			r.fail(muster.Required, at(a.name, i)+".type", "An entry is merged by its type, which is missing or has a dot in it.")
			ok = false
		case r.mode.Merge && !r.first(seen, at(a.name, i), one["type"]):
			ok = false
		default:
			address := map[string]any{"type": one["type"]}
			for _, m := range addressMembers {
				if r.mode.Merge {
					r.draft["addresses."+one["type"]+"."+m.part] = orNull(one[m.name])
				}
				address[m.part] = one[m.name]
			}
			whole = append(whole, address)
		}
	}
	if ok && !r.mode.Merge {
		r.setList(a.field, whole)
	}
}

func showAddresses(p *muster.Person) any {
	list := make([]any, len(p.Profile.Addresses))
	for i := range p.Profile.Addresses {
		one := &p.Profile.Addresses[i]
		entry := map[string]any{"id": entryID(p, addressEntries, i), "type": one.Type}
		for _, m := range addressMembers {
			entry[m.name] = m.of(one)
		}
		list[i] = entry
	}
	return list
}

// readAttributes reads custom attributes. Their names are letters and digits, and unique whatever their case; names that are there already are not
// refused, because other surfaces allow more.
func readAttributes(r *reading, a *attribute, v any) {
	list, ok := r.list(a.name, v, muster.MaxAttributes, "name", "value")
	whole, seen := make(map[string]any, len(list)), map[string]bool{}
	for i, o := range list {
		if o == nil {
			continue
		}
		name, value, keep := r.custom(at(a.name, i), o)
		if !keep {
			continue
		}
		if fold := strings.ToLower(name); seen[fold] {
			r.fail(muster.Invalid, at(a.name, i)+".name", "The name %q stands here twice.", shortened(name))
			continue
		} else {
			seen[fold] = true
		}
		r.mergeAttribute(name, value)
		if value != nil {
			whole[name] = value
		}
	}
	switch {
	case r.mode.Merge || !ok:
	case len(whole) == 0:
		r.set(a.field, nil)
	default:
		r.set(a.field, whole)
	}
}

// mergeAttribute sets one custom attribute, also one that is written in another case so far.
func (r *reading) mergeAttribute(name string, value any) {
	if !r.mode.Merge {
		return
	}
	for known := range r.now.Profile.Attributes {
		if known != name && strings.EqualFold(known, name) {
			r.draft["attributes."+known] = nil
		}
	}
	r.draft["attributes."+name] = value
}

// custom reads one custom attribute. value is nil for one that is to go.
func (r *reading) custom(path string, o map[string]any) (name string, value any, keep bool) {
	told, untold := len(r.warnings), r.untold
	name, nameOK := r.plain(path+".name", o["name"], maxText, strict)
	text, textOK := r.customValue(path+".value", o["value"])
	if nameOK && !textOK {
		if err := r.customName(path+".name", name); err != nil {
			r.faults = append(r.faults, err)
		}
	}
	if !nameOK || !textOK {
		return "", nil, false
	}
	if name == "" && text == "" {
		r.warnings, r.untold = r.warnings[:told], untold
		return "", nil, false // a column of a spreadsheet that was empty (contract R6)
	}
	if err := r.customName(path+".name", name); err != nil {
		r.faults = append(r.faults, err)
		return "", nil, false
	}
	if text == "" && o["value"] != nil {
		r.warn(muster.Unsupported, path+".value", "An attribute without a value is not kept.")
	}
	return name, orNull(text), true
}

func (r *reading) customName(path, name string) *muster.Error {
	if _, known := r.now.Profile.Attributes[name]; known {
		return nil
	}
	switch {
	case name == "":
		return muster.Errorf(muster.Required, path, "A custom attribute needs a name.")
	case utf8.RuneCountInString(name) > mostName:
		return muster.Errorf(muster.TooLong, path, "At most %d characters fit here; this has %d.", mostName, utf8.RuneCountInString(name))
	case strings.ContainsFunc(name, func(c rune) bool { return !unicode.IsLetter(c) && !unicode.IsDigit(c) }):
		return muster.Errorf(muster.Invalid, path, "The name of a custom attribute has letters and digits only.")
	}
	return nil
}

// customValue gives the value of a custom attribute as text.
func (r *reading) customValue(path string, v any) (string, bool) {
	switch v.(type) {
	case float64, bool:
		r.warn(muster.Invalid, path, "A text is expected here. The value was kept as text.")
		return plainNumber(v), true
	}
	return r.plain(path, v, maxText, loose)
}

func showAttributes(p *muster.Person) any {
	list := make([]any, 0, len(p.Profile.Attributes))
	for _, name := range slices.Sorted(maps.Keys(p.Profile.Attributes)) {
		list = append(list, map[string]any{"name": name, "value": p.Profile.Attributes[name]})
	}
	return list
}
