package native

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/roster"
)

// PersonInput is what a caller says of a person: fields by name. The directory checks them; here they are only spread out.
type PersonInput map[string]any

// Schema implements huma.SchemaProvider: the fields of a person, each of which may be null.
func (PersonInput) Schema(r huma.Registry) *huma.Schema {
	ref := r.Schema(reflect.TypeFor[PersonFields](), true, "")
	s := *r.SchemaFromRef(ref.Ref)
	s.Properties = maps.Clone(s.Properties)
	for name, property := range s.Properties {
		p := *property
		p.Nullable = p.Ref == ""
		s.Properties[name] = &p
	}
	s.Properties["password"] = &huma.Schema{
		Type: huma.TypeString, WriteOnly: true, Description: "To sign in here with. It is stored as a hash, and is in no answer. Setting it takes the right to change all of the person.",
	}
	s.AdditionalProperties = true
	s.Description = "Fields of a person. Besides those listed: attributes.NAME, phones.TYPE, addresses.TYPE.PART and flags.NAME, each as a field of its own."
	s.Examples = []any{map[string]any{"first_name": "Ana", "last_name": "Souza", "email": "ana@example.org", "attributes": map[string]any{"class": "6A"}}}
	return &s
}

// readOnly are the members of a Person that callers do not set. Sent back as they were read they are no fault.
var readOnly = []string{"id", "seq", "generated", "email_shared", "created_at", "updated_at"}

// draft gives the fields to set. With merge, the members of attributes and flags are laid over what there is, and null removes one; otherwise they
// are all there is.
func (in PersonInput) draft(merge bool) muster.Draft {
	d := make(muster.Draft, len(in))
	for name, value := range in {
		members, isObject := value.(map[string]any)
		if merge && isObject && (name == "attributes" || name == "flags") {
			for member, v := range members {
				d[name+"."+member] = v
			}
			continue
		}
		d[name] = value
	}
	return d
}

// new gives the draft of somebody new.
func (in PersonInput) new() (muster.Draft, error) {
	var faults muster.Errors
	for _, name := range append([]string{"version"}, readOnly...) {
		if _, given := in[name]; given {
			faults = append(faults, muster.Errorf(muster.ReadOnly, name, "This is made by Muster. Leave it out."))
		}
	}
	return in.draft(false), faults.Or()
}

// patch gives the draft of a change, and the version it is guarded by. Members that callers do not set must be as p has them.
func (in PersonInput) patch(p *roster.Person, version int64) (muster.Draft, int64, error) {
	d := in.draft(true)
	if given, ok := d["version"]; ok {
		delete(d, "version")
		if given != float64(p.Version) {
			return nil, 0, muster.Errorf(muster.Stale, "version", "%s was changed meanwhile (version %d, not %v). Read it again.", p.Shown(), p.Version, given)
		}
		version = p.Version
	}
	var faults muster.Errors
	var has map[string]any
	for _, name := range readOnly {
		given, ok := d[name]
		if !ok {
			continue
		}
		if has == nil {
			var err error
			if has, err = asRead(p); err != nil {
				return nil, 0, err
			}
		}
		if delete(d, name); given != has[name] {
			faults = append(faults, muster.Errorf(muster.ReadOnly, name, "This cannot be set. Leave it out, or send it as it was read."))
		}
	}
	return d, version, faults.Or()
}

// asRead gives a person as JSON shows them.
func asRead(p *roster.Person) (map[string]any, error) {
	text, err := json.Marshal(personView(p))
	if err != nil {
		return nil, fmt.Errorf("native: show person %d: %w", p.Seq, err)
	}
	var members map[string]any
	if err := json.Unmarshal(text, &members); err != nil {
		return nil, fmt.Errorf("native: show person %d: %w", p.Seq, err)
	}
	return members, nil
}

// touchesReadOnly says whether the person must be read before the change can be judged.
func (in PersonInput) touchesReadOnly() bool {
	return slices.ContainsFunc(append([]string{"version"}, readOnly...), func(name string) bool { _, given := in[name]; return given })
}
