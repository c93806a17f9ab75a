package provision

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/outbound"
)

// mergePolicy lays given fields over a policy, and checks the result. A null sets a field back to its default.
func mergePolicy(policy muster.TargetPolicy, given json.RawMessage) (muster.TargetPolicy, error) {
	if len(given) == 0 {
		return policy, nil
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(given, &fields); err != nil {
		return policy, muster.Errorf(muster.Invalid, "policy", "The policy of a target is a JSON object.")
	}
	policy.Allow, policy.States = slices.Clone(policy.Allow), slices.Clone(policy.States) // JSON is read into what is there
	names, index := policyFields()
	into, preset := reflect.ValueOf(&policy).Elem(), reflect.ValueOf(muster.DefaultTargetPolicy())
	var faults muster.Errors
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		i, known := index[name]
		if !known {
			faults = append(faults, muster.Errorf(muster.Unsupported, "policy."+name, "The policy of a target has no field %s. It has: %s.", name, strings.Join(names, ", ")))
			continue
		}
		field := into.Field(i)
		if string(fields[name]) == "null" {
			field.Set(preset.Field(i))
			continue
		}
		if err := json.Unmarshal(fields[name], field.Addr().Interface()); err != nil {
			faults = append(faults, muster.Errorf(muster.Invalid, "policy."+name, "%s is expected.", expected(field.Kind())))
			field.Set(preset.Field(i)) // what was read of it is no second fault
		}
	}
	faults = append(faults, policy.Validate()...)
	if _, err := outbound.ParseAllow(policy.Allow); err != nil {
		for _, fault := range muster.Faults(err) {
			fault.Field = "policy." + fault.Field
			faults = append(faults, fault)
		}
	}
	return policy, faults.Or()
}

// policyFields gives the names of a policy's fields, in their order, and where each stands in the struct.
func policyFields() (names []string, index map[string]int) {
	index = map[string]int{}
	for i, f := range reflect.VisibleFields(reflect.TypeFor[muster.TargetPolicy]()) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		names, index[name] = append(names, name), i
	}
	return names, index
}

// expected says what is to stand in a field.
func expected(kind reflect.Kind) string {
	switch kind {
	case reflect.Int:
		return "A whole number"
	case reflect.Float64:
		return "A number"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice:
		return "A list of texts"
	}
	return "A text"
}
