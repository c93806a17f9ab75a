package secret

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"math/big"
	"strings"
)

// tokenLength is how many base62 digits hold 256 bits. Letters and digits only: mail programs that turn text into links drop a last "-".
const tokenLength = 43

// Derive computes a token from the key, a purpose and parts: always the same for the same arguments, in the same order, and unguessable without
// the key. The parts are joined unambiguously: ("a", "bc") and ("ab", "c") differ. It is 43 letters and digits, and case matters.
func (k Key) Derive(purpose string, parts ...string) string {
	mac := hmac.New(sha256.New, k.use().derive)
	// Each text goes in behind its length, so no text can pretend to be two.
	write := func(text string) {
		mac.Write(binary.BigEndian.AppendUint64(nil, uint64(len(text))))
		mac.Write([]byte(text))
	}
	write(purpose)
	for _, part := range parts {
		write(part)
	}
	return base62(mac.Sum(nil), tokenLength)
}

// NewToken makes a random token of 256 bits: 43 letters and digits.
func NewToken() string {
	raw := make([]byte, 32)
	rand.Read(raw)
	return base62(raw, tokenLength)
}

// HashToken is the SHA-256 of a token, which is all that is stored of it. It is only for random tokens: a password can be guessed from it.
func HashToken(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// Equal compares two hashes or tokens in a time that does not depend on where they differ.
func Equal(a, b []byte) bool { return subtle.ConstantTimeCompare(a, b) == 1 }

// base62 writes raw as a number of exactly width digits.
func base62(raw []byte, width int) string {
	text := new(big.Int).SetBytes(raw).Text(62)
	return strings.Repeat("0", width-len(text)) + text
}
