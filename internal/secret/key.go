package secret

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"log/slog"
	"strings"

	"github.com/musterid/muster"
)

const keySize = 32

// Key is the sealing key. The zero Key holds nothing and panics when used. It is safe for concurrent use and never prints what it holds.
type Key struct {
	// A function, because fmt does not call the methods of values in unexported fields: it would print the bytes, behind a pointer too, but
	// looks into no function.
	held func() *subkeys
}

// subkeys are drawn from the key, one for each use, so that no two algorithms ever work with the same bytes.
type subkeys struct {
	seal        []byte
	derive      []byte
	fingerprint string
}

// NewKey makes a random key that is kept nowhere, for tests and scratch directories.
func NewKey() Key {
	raw := make([]byte, keySize)
	rand.Read(raw) // never fails: crypto/rand ends the process instead
	return newKey(raw)
}

func newKey(raw []byte) Key {
	held := &subkeys{
		seal:        subkey(raw, "muster/seal/1", keySize),
		derive:      subkey(raw, "muster/derive/1", keySize),
		fingerprint: hex.EncodeToString(subkey(raw, "muster/fingerprint/1", 8)),
	}
	return Key{held: func() *subkeys { return held }}
}

func subkey(raw []byte, use string, size int) []byte {
	out, err := hkdf.Key(sha256.New, raw, nil, use, size)
	if err != nil {
		panic("secret: " + err.Error()) // only for lengths that are not used here
	}
	return out
}

// ParseKey reads a key from text: the base64 of 32 bytes, in either alphabet, with or without padding, as in a key file. The error never repeats
// the text.
func ParseKey(text string) (Key, error) {
	plain := strings.TrimRight(strings.TrimSpace(text), "=")
	plain = strings.NewReplacer("-", "+", "_", "/").Replace(plain)
	raw, err := base64.RawStdEncoding.Strict().DecodeString(plain)
	if err != nil || strings.ContainsAny(plain, "\r\n") { // the decoder skips line ends; a key is one line
		return Key{}, muster.Errorf(muster.Invalid, "key", "The sealing key is not base64. It is one line, made by Muster in its key file.")
	}
	if len(raw) != keySize {
		return Key{}, muster.Errorf(muster.Invalid, "key", "The sealing key must hold %d bytes, this one holds %d.", keySize, len(raw))
	}
	return newKey(raw), nil
}

// IsZero tells whether k holds no key.
func (k Key) IsZero() bool { return k.held == nil }

// Fingerprint names the key: 16 hex digits that say nothing about it and may be stored and shown.
func (k Key) Fingerprint() string { return k.use().fingerprint }

func (k Key) use() *subkeys {
	if k.held == nil {
		panic("secret: the zero Key was used")
	}
	return k.held()
}

// Format implements fmt.Formatter for every verb.
func (k Key) Format(s fmt.State, _ rune) { fmt.Fprint(s, Mask) }

// LogValue implements slog.LogValuer.
func (k Key) LogValue() slog.Value { return slog.StringValue(Mask) }

// MarshalText keeps the key out of every encoding.
func (k Key) MarshalText() ([]byte, error) { return []byte(Mask), nil }
