package intake

import (
	"github.com/musterid/muster/internal/sheet"
	"github.com/musterid/muster/internal/store"
)

// What callers of this package give and get, under names they may use: surfaces know neither the store nor sheets.
type (
	// Tx is the transaction that makes an upload visible.
	Tx = store.Tx
	// Limits bound what an upload may cost.
	Limits = sheet.Limits
	// Format is how a file was written.
	Format = sheet.Format
)
