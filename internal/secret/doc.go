// Package secret seals what must be read again, and hashes what must only be recognised.
//
// One sealing key, kept outside the database, is the root of what is sealed and derived: Key.Seal and Key.Open (seal.go) for the settings of
// targets, Key.Derive (token.go) for tokens that must come out the same each time. API keys (apikey.go) and other tokens need no key: they are
// random, and only their SHA-256 is stored. Passwords of people are hashed slowly, and few at a time (password.go). Redacted is the type for a
// secret that travels through structs, so that no log or answer shows it.
//
// It decides nothing about who may do what (internal/access), and stores nothing but the key file.
package secret
