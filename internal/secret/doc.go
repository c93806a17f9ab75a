// Package secret seals what must be read again, and hashes what must only be recognised.
//
// One sealing key, kept outside the database, is the root of everything here: Key.Seal and Key.Open for target credentials and waiting
// passwords, Key.Derive for the tokens of mails. API keys and tokens need no key: they are random, and only their SHA-256 is stored. Redacted
// is the type for a secret that travels through structs, so that no log or answer shows it.
//
// It does not hash passwords (see internal/auth, which needs a slow hash), decides nothing about who may do what (internal/access), and stores
// nothing but the key file.
package secret
