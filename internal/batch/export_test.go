package batch

import "github.com/musterid/muster/internal/store"

// DropOldInput is what the queue has done every hour.
var DropOldInput = (*Engine).dropOldInput

// RowsOf is what a chunk's RowsOf asks.
var RowsOf = (*Engine).rowsOf

// KeepInMind is what is done when a chunk is stored.
var KeepInMind = (*Engine).keepInMind

// InMind says whether the people of the rows of a batch before an index are in mind.
func (e *Engine) InMind(b *store.BatchRow, end int) bool { return e.seen.take(b.Seq, end) != nil }
