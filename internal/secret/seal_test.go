package secret

import (
	"bytes"
	"errors"
	"testing"

	"pgregory.net/rapid"
)

func TestSealOpen(t *testing.T) {
	t.Parallel()
	key, other := NewKey(), NewKey()
	rapid.Check(t, func(t *rapid.T) {
		purpose := rapid.String().Draw(t, "purpose")
		plain := rapid.SliceOf(rapid.Byte()).Draw(t, "plain")
		sealed := key.Seal(purpose, plain)
		if len(sealed) != len(plain)+Overhead {
			t.Fatalf("%d bytes sealed in %d", len(plain), len(sealed))
		}
		opened, err := key.Open(purpose, sealed)
		if err != nil || !bytes.Equal(opened, plain) {
			t.Fatalf("opened %x, %v", opened, err)
		}
		if _, err := key.Open(purpose+rapid.StringN(1, 4, -1).Draw(t, "more"), sealed); !errors.Is(err, ErrOpen) {
			t.Fatalf("another purpose: %v", err)
		}
		if _, err := other.Open(purpose, sealed); !errors.Is(err, ErrOpen) {
			t.Fatalf("another key: %v", err)
		}
		bit := rapid.IntRange(0, len(sealed)*8-1).Draw(t, "bit")
		sealed[bit/8] ^= 1 << (bit % 8)
		if _, err := key.Open(purpose, sealed); !errors.Is(err, ErrOpen) {
			t.Fatalf("bit %d turned: %v", bit, err)
		}
	})
}

func TestOpenRefusesEveryCut(t *testing.T) {
	t.Parallel()
	key := NewKey()
	sealed := key.Seal("p", []byte("a password"))
	for n := range sealed {
		if _, err := key.Open("p", sealed[:n]); !errors.Is(err, ErrOpen) {
			t.Errorf("cut to %d bytes: %v", n, err)
		}
	}
	if _, err := key.Open("p", append(sealed, 0)); !errors.Is(err, ErrOpen) {
		t.Errorf("one byte more: %v", err)
	}
	if _, err := key.Open("p", nil); !errors.Is(err, ErrOpen) {
		t.Errorf("nil: %v", err)
	}
}

func TestSealIsNeverTheSameTwice(t *testing.T) {
	t.Parallel()
	key := NewKey()
	plain := []byte("the same password in many rows")
	seen := map[string]bool{}
	for range 1000 {
		sealed := key.Seal("p", plain)
		if bytes.Contains(sealed, plain[:8]) {
			t.Fatal("the plaintext shows")
		}
		seen[string(sealed)] = true
	}
	if len(seen) != 1000 {
		t.Errorf("%d different results of 1000", len(seen))
	}
}

func FuzzOpen(f *testing.F) {
	key := mustKey(f, sample)
	f.Add("p", NewKey().Seal("p", []byte("x")))
	f.Add("", []byte{1})
	f.Fuzz(func(t *testing.T, purpose string, sealed []byte) {
		if plain, err := key.Open(purpose, sealed); err == nil {
			t.Fatalf("opened what was never sealed: %q", plain)
		}
	})
}

func BenchmarkSeal(b *testing.B) {
	key := NewKey()
	plain := make([]byte, 32)
	for b.Loop() {
		key.Seal("sealed_password/1/2", plain)
	}
}
