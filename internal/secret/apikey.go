package secret

import (
	"encoding/binary"
	"hash/crc32"
	"strings"
)

const (
	apiKeyStart    = "muster_" // lets secret scanners, and people, recognise a key
	apiKeyChecksum = 6         // base62 digits that hold 32 bits
	apiKeyLength   = len(apiKeyStart) + tokenLength + apiKeyChecksum
	apiKeyShown    = len(apiKeyStart) + 6
)

// NewAPIKey makes an API key. plain is shown once, to its owner: "muster_", 43 random letters and digits, and a checksum of 6. hash is what is
// stored, and prefix, the beginning of plain, is what lists show so that people can tell keys apart.
func NewAPIKey() (plain string, hash []byte, prefix string) {
	plain = apiKeyStart + NewToken()
	plain += checksum(plain)
	return plain, HashToken(plain), plain[:apiKeyShown]
}

// HashAPIKey gives the hash under which a key is stored, or false for a text that is no key: mistyped, cut off, or something else. So most wrong
// keys are refused without asking the database. Spaces around it are not forgiven.
func HashAPIKey(plain string) ([]byte, bool) {
	if len(plain) != apiKeyLength || !strings.HasPrefix(plain, apiKeyStart) {
		return nil, false
	}
	// The checksum is no secret, so an ordinary comparison is enough.
	body, sum := plain[:apiKeyLength-apiKeyChecksum], plain[apiKeyLength-apiKeyChecksum:]
	if sum != checksum(body) {
		return nil, false
	}
	return HashToken(plain), true
}

func checksum(text string) string {
	return base62(binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE([]byte(text))), apiKeyChecksum)
}
