package native

import (
	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/api"
)

// Change is what differs, field by field.
type Change struct {
	Action muster.Action `json:"action" enum:"nothing,create,update,delete"`
	Fields []FieldChange `json:"fields"`
}

// FieldChange is one difference. Before is absent when the field was not known, After when it is cleared.
type FieldChange struct {
	Field    string `json:"field" example:"email"`
	Before   any    `json:"before,omitempty"`
	After    any    `json:"after,omitempty"`
	Forecast bool   `json:"forecast,omitempty" doc:"After is what it would be now, such as a username that is not reserved yet."`
}

func changeView(c muster.Change) Change {
	v := Change{Action: c.Action, Fields: make([]FieldChange, len(c.Fields))}
	if v.Action == "" {
		v.Action = muster.Nothing
	}
	for i, f := range c.Fields {
		v.Fields[i] = FieldChange(f)
	}
	return v
}

// Fault is something that is wrong with a field, a row or a file.
type Fault = api.Fault

func faultViews(list muster.Errors) []Fault {
	views := make([]Fault, len(list))
	for i, f := range list {
		views[i] = Fault{Code: string(f.Code), Field: f.Field, Column: f.Column, Message: f.Message}
	}
	return views
}
