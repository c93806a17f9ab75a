package roster

import (
	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/store"
)

// What callers of this package get and give, under names they may use: surfaces do not know the store.
type (
	// Person is somebody as stored.
	Person = store.PersonRow
	// Query is which people to list.
	Query = store.PeopleQuery
	// Sort is an order in which people can be listed.
	Sort = store.PeopleSort
	// Filter is which people to find by any of their fields.
	Filter = store.PeopleFilter
	// Condition is what people have to meet to be found.
	Condition = store.Condition
	// Order is one key to sort people by.
	Order = store.Order
	// Comparison is how a field of a Condition is compared.
	Comparison = store.Op
	// Kind is what values a field has.
	Kind = store.Kind
	// Catalogue is which roles, secondary roles, cycles and subjects there are.
	Catalogue = muster.Catalogue
)

// How fields are compared, and what they hold.
const (
	Is, IsNot      = store.Is, store.IsNot
	Below, AtMost  = store.Below, store.AtMost
	Above, AtLeast = store.Above, store.AtLeast
	Has            = store.Has
	Begins, Ends   = store.Begins, store.Ends
	TextKind       = store.TextKind
	BoolKind       = store.BoolKind
	NumberKind     = store.NumberKind
	TimeKind       = store.TimeKind
)

// Findable says of what kind a field is that people can be found by, whether it is one of lists, and whether there is such a field.
func Findable(field string) (kind Kind, list, known bool) { return store.Findable(field) }
