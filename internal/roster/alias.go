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
	// Catalogue is which roles, secondary roles, cycles and subjects there are.
	Catalogue = muster.Catalogue
)
