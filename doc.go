// Package muster holds the nouns of the product as plain types, and the rules that need nothing but their arguments: validation, names and
// usernames, and Diff, the one way in which two states of a person are compared.
//
// It is floor 0 of the house (see ARCHITECTURE.md): no I/O, no SQL, no HTTP, no clock. Storage is in internal/store, the rules that need the
// directory are in internal/roster, batches in internal/batch.
package muster
