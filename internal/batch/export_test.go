package batch

// DropOldInput is what the queue has done every hour.
var DropOldInput = (*Engine).dropOldInput
