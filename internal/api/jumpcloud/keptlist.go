package jumpcloud

import (
	"strconv"
	"time"

	"github.com/musterid/muster"
)

// The lists and objects here are known to this surface alone. They are kept among the person's flags as they are shown.

func plainNumber(v any) string {
	if n, ok := v.(float64); ok {
		return strconv.FormatFloat(n, 'f', -1, 64)
	}
	return strconv.FormatBool(v == true)
}

func readRelationships(r *reading, a *attribute, v any) {
	list, ok := r.list(a.name, v, mostEntries, "type", "value")
	whole := make([]any, 0, len(list))
	for i, o := range list {
		if o == nil {
			continue
		}
		one, well := r.texts(at(a.name, i), o, "type", "value")
		ok = ok && well
		whole = append(whole, map[string]any{"type": one["type"], "value": one["value"]})
	}
	if ok {
		r.setList(a.field, whole)
	}
}

// restrictable and restrictors are what a restricted field may name (contract §6.3).
var (
	restrictable = words("addresses", "company", "costCenter", "department", "description", "displayname", "email", "employeeIdentifier", "employeeType",
		"firstname", "jobTitle", "lastname", "location", "middlename", "password", "phoneNumbers", "sudo", "username")
	restrictors = words("active_directory", "federated_identity_provider", "scim")
)

func words(list ...string) map[string]bool {
	set := make(map[string]bool, len(list))
	for _, w := range list {
		set[w] = true
	}
	return set
}

// readRestricted takes a list of restricted fields, or one of them (contract §6.3).
func readRestricted(r *reading, a *attribute, v any) {
	if _, one := v.(map[string]any); one {
		v = []any{v}
	}
	list, ok := r.list(a.name, v, mostEntries, "field", "type")
	whole := make([]any, 0, len(list))
	for i, o := range list {
		if o == nil {
			continue
		}
		entry := map[string]any{}
		for _, m := range []struct {
			name    string
			allowed map[string]bool
		}{{"field", restrictable}, {"type", restrictors}, {"id", nil}} {
			s, well := r.plain(at(a.name, i)+"."+m.name, o[m.name], maxText, strict)
			if well && m.allowed != nil && !m.allowed[s] {
				r.fail(muster.Invalid, at(a.name, i)+"."+m.name, "%q is none of the values that are known here.", shortened(s))
				well = false
			}
			if ok = ok && well; s != "" {
				entry[m.name] = s
			}
		}
		whole = append(whole, entry)
	}
	if ok {
		r.setList(a.field, whole)
	}
}

// readKeys reads SSH keys. They are kept with the time at which each came.
func readKeys(r *reading, a *attribute, v any) {
	list, ok := r.list(a.name, v, mostEntries, "name", "public_key")
	known, _ := r.now.Profile.Flags["ssh_keys"].([]any)
	whole := make([]any, 0, len(list))
	for i, o := range list {
		if o == nil {
			continue
		}
		name, nameOK := r.plain(at(a.name, i)+".name", o["name"], maxText, strict)
		key, keyOK := r.plain(at(a.name, i)+".public_key", o["public_key"], 16*maxText, strict)
		ok = ok && nameOK && keyOK
		for member, value := range map[string]string{"name": name, "public_key": key} {
			if value == "" && nameOK && keyOK {
				r.fail(muster.Required, at(a.name, i)+"."+member, "A key needs a name and itself.")
				ok = false
			}
		}
		entry := map[string]any{"name": name, "public_key": key, "create_date": moment(r.mode.At)}
		for _, k := range known {
			if same(entry, k, ofOurs) {
				entry = k.(map[string]any)
			}
		}
		whole = append(whole, entry)
	}
	if ok {
		r.setList(a.field, whole)
	}
}

func showKeys(p *muster.Person) any {
	known, _ := p.Profile.Flags["ssh_keys"].([]any)
	list := make([]any, 0, len(known))
	for i, k := range known {
		entry, _ := k.(map[string]any)
		list = append(list, map[string]any{"_id": entryID(p, keyEntries, i), "name": entry["name"], "public_key": entry["public_key"], "create_date": entry["create_date"]})
	}
	return list
}

// moment is a time as answers have it: UTC with milliseconds (contract §4.2).
func moment(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

func readFactors(r *reading, a *attribute, v any) {
	o, ok := r.object(a.name, v, "configured", "exclusion", "exclusionDays", "exclusionUntil")
	if !ok {
		return
	}
	if o == nil {
		r.set(a.field, nil)
		return
	}
	kept := map[string]any{}
	before := len(r.faults)
	for _, name := range []string{"configured", "exclusion"} {
		if b, ok := r.boolean(a.name+"."+name, o[name]); ok && o[name] != nil {
			kept[name] = b
		}
	}
	if days := o["exclusionDays"]; days != nil {
		n, ok := days.(float64)
		if !ok || n < 1 || n != float64(int64(n)) || n > 100_000 {
			r.fail(muster.Invalid, a.name+".exclusionDays", "A whole number of at least 1 is expected here.")
		}
		kept["exclusionDays"] = n
	}
	if until, ok := r.plain(a.name+".exclusionUntil", o["exclusionUntil"], 64, strict); ok && until != "" {
		if _, err := time.Parse(time.RFC3339, until); err != nil {
			r.fail(muster.Invalid, a.name+".exclusionUntil", "A date and time of the form 2026-01-31T12:00:00Z is expected here.")
		}
		kept["exclusionUntil"] = until
	}
	if len(r.faults) == before {
		r.set(a.field, kept)
	}
}

// showFactors shows what is kept of second factors. Muster asks for none itself.
func showFactors(p *muster.Person) any {
	shown := map[string]any{"configured": false, "exclusion": false}
	kept, _ := p.Profile.Flags["mfa"].(map[string]any)
	for name, v := range kept {
		shown[name] = v
	}
	return shown
}

func readAuthority(r *reading, a *attribute, v any) {
	o, ok := r.object(a.name, v, "name")
	if !ok {
		return
	}
	if o == nil {
		r.set(a.field, nil)
		return
	}
	id, idOK := r.plain(a.name+".id", o["id"], maxText, strict)
	if o["name"] != "ActiveDirectory" {
		r.fail(muster.Invalid, a.name+".name", "%q is none of the values that are known here.", shortened(plainText(o["name"])))
		return
	}
	if idOK {
		r.set(a.field, map[string]any{"id": id, "name": "ActiveDirectory"})
	}
}

func plainText(v any) string { s, _ := v.(string); return s }

// readTags: tags are of 2019. They are kept, and nothing else is done with them.
func readTags(r *reading, a *attribute, v any) {
	elements, isList := v.([]any)
	if v != nil && !isList {
		r.fail(muster.Invalid, a.name, "A list of texts is expected here.")
		return
	}
	if len(elements) > mostEntries {
		r.fail(muster.TooLong, a.name, "At most %d entries fit here; this has %d.", mostEntries, len(elements))
		return
	}
	whole, ok := make([]any, 0, len(elements)), true
	for i, e := range elements {
		s, well := r.plain(at(a.name, i), e, maxText, strict)
		whole, ok = append(whole, s), ok && well
	}
	if !ok {
		return
	}
	if len(whole) > 0 {
		r.warn(muster.Unsupported, a.name, "Tags are kept, and nothing else is done with them.")
	}
	r.setList(a.field, whole)
}
