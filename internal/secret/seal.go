package secret

import (
	"crypto/cipher"
	"crypto/rand"
	"errors"

	"golang.org/x/crypto/chacha20poly1305"
)

// ErrOpen says that sealed bytes cannot be opened: another key, another purpose, or not what was sealed. Which of these cannot be told.
var ErrOpen = errors.New("secret: cannot open: sealed with another key or for another purpose, or damaged")

// sealVersion is the first byte of everything sealed, so that a later algorithm can stand beside this one.
const sealVersion = 1

// Overhead is by how many bytes the sealed form is longer.
const Overhead = 1 + chacha20poly1305.NonceSizeX + chacha20poly1305.Overhead

// Seal encrypts plaintext. The same purpose must be given to Open: let it name the table, the row and the column ("target/42/config"), then a
// sealed value that somebody copies to another place does not open there. Sealing the same bytes twice gives different results.
func (k Key) Seal(purpose string, plaintext []byte) []byte {
	aead := k.aead()
	out := make([]byte, 1+aead.NonceSize(), Overhead+len(plaintext))
	out[0] = sealVersion
	nonce := out[1:]
	rand.Read(nonce)
	return aead.Seal(out, nonce, plaintext, sealContext(purpose))
}

// Open gives what was sealed with this key for this purpose, or ErrOpen.
func (k Key) Open(purpose string, sealed []byte) ([]byte, error) {
	aead := k.aead()
	if len(sealed) < Overhead || sealed[0] != sealVersion {
		return nil, ErrOpen
	}
	body := sealed[1:]
	plain, err := aead.Open(nil, body[:aead.NonceSize()], body[aead.NonceSize():], sealContext(purpose))
	if err != nil {
		return nil, ErrOpen
	}
	return plain, nil
}

func (k Key) aead() cipher.AEAD {
	aead, err := chacha20poly1305.NewX(k.use().seal)
	if err != nil {
		panic("secret: " + err.Error()) // only for a key of another length
	}
	return aead
}

func sealContext(purpose string) []byte { return append([]byte{sealVersion}, purpose...) }
