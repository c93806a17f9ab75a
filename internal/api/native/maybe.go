package native

import (
	"encoding/json"
	"reflect"

	"github.com/danielgtaylor/huma/v2"
)

// Maybe is a member of a merge patch: absent, null, or a value.
type Maybe[T any] struct {
	Given bool
	Null  bool
	Value T
}

// UnmarshalJSON is called only when the member is there.
func (m *Maybe[T]) UnmarshalJSON(text []byte) error {
	m.Given = true
	if string(text) == "null" {
		m.Null = true
		return nil
	}
	return json.Unmarshal(text, &m.Value)
}

// Schema implements huma.SchemaProvider.
func (Maybe[T]) Schema(r huma.Registry) *huma.Schema {
	s := *r.Schema(reflect.TypeFor[T](), true, "")
	s.Nullable = true
	return &s
}

// pointer is the value where one is given. Null is the zero value, which is how floor 2 clears.
func (m Maybe[T]) pointer() *T {
	if !m.Given {
		return nil
	}
	return &m.Value
}
