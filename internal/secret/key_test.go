package secret

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/musterid/muster"
)

// sample is a fixed key, so that values made from it can be pinned.
const sample = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

func mustKey(t testing.TB, text string) Key {
	t.Helper()
	key, err := ParseKey(text)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestParseKey(t *testing.T) {
	t.Parallel()
	raw := make([]byte, 32)
	for i := range raw {
		raw[i] = byte(0xff - i) // gives + and / in base64
	}
	std := base64.StdEncoding.EncodeToString(raw)
	want := mustKey(t, std).Fingerprint()
	for name, text := range map[string]string{
		"line end":         std + "\n",
		"windows line end": " " + std + "\r\n",
		"without padding":  strings.TrimRight(std, "="),
		"url alphabet":     base64.URLEncoding.EncodeToString(raw),
		"raw url":          base64.RawURLEncoding.EncodeToString(raw),
	} {
		if key, err := ParseKey(text); err != nil || key.Fingerprint() != want {
			t.Errorf("%s: another key, or %v", name, err)
		}
	}
	for name, text := range map[string]string{
		"empty":            "",
		"31 bytes":         base64.StdEncoding.EncodeToString(raw[1:]),
		"33 bytes":         base64.StdEncoding.EncodeToString(append(raw, 1)),
		"hex":              strings.Repeat("ab", 32),
		"two lines":        std[:20] + "\n" + std[20:],
		"not base64":       "correct horse battery staple",
		"loose last digit": strings.TrimRight(std, "=")[:42] + "B",
	} {
		key, err := ParseKey(text)
		if muster.CodeOf(err) != muster.Invalid || !key.IsZero() {
			t.Errorf("%s: got %v, want an Invalid error", name, err)
		}
		if err != nil && len(text) > 8 && strings.Contains(err.Error(), text[:8]) {
			t.Errorf("%s: the error repeats the text: %v", name, err)
		}
	}
}

func TestKeyPinned(t *testing.T) {
	t.Parallel()
	// Sealed values and mailed links outlive a release: these may never change.
	key := mustKey(t, sample)
	if got, want := key.Fingerprint(), "0e8c1e98bd661941"; got != want {
		t.Errorf("Fingerprint() = %s, want %s", got, want)
	}
	if got, want := key.Derive("ticket", "42", "1"), "ANOYf4SujtaaetleHWUSVSIUppG8eHnw9XeH9IBMy4c"; got != want {
		t.Errorf("Derive() = %s, want %s", got, want)
	}
	sealed, err := base64.StdEncoding.DecodeString("AU7J+mERlaCfo7jgDCqpcO99/upDxqDcy06ZFxUtdNSuA84TipYd7eTt3nsf8+c=")
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := key.Open("target/42/config", sealed); err != nil || string(plain) != "s3cret" {
		t.Errorf("Open() = %q, %v", plain, err)
	}
}

func TestKeyShowsNothing(t *testing.T) {
	t.Parallel()
	key := mustKey(t, sample)
	type holder struct {
		Key Key
		key Key
	}
	encoded, err := json.Marshal(holder{Key: key, key: key})
	if err != nil {
		t.Fatal(err)
	}
	shown := []string{string(encoded), key.LogValue().String()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q", "%d"} {
		shown = append(shown, fmt.Sprintf(verb, key), fmt.Sprintf(verb, &key), fmt.Sprintf(verb, holder{key, key}))
	}
	for _, text := range shown {
		for _, leak := range []string{sample[:10], "00010203", "0 1 2 3", "0x0, 0x1", fmt.Sprintf("%x", key.use().seal[:4]), fmt.Sprint(key.use().seal[:4])[1:8]} {
			if strings.Contains(text, leak) {
				t.Errorf("%q shows %q of the key", text, leak)
			}
		}
	}
}

func TestLoadOrCreateKey(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "seal.key")
	first, created, err := LoadOrCreateKey(path)
	if err != nil || !created {
		t.Fatalf("first start: created %v, %v", created, err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode() != 0o600 {
		t.Fatalf("mode %v, %v; want -rw-------", info.Mode(), err)
	}
	before, _ := os.ReadFile(path)
	again, created, err := LoadOrCreateKey(path)
	if err != nil || created || again.Fingerprint() != first.Fingerprint() {
		t.Fatalf("second start: created %v, %v, fingerprints %s and %s", created, err, first.Fingerprint(), again.Fingerprint())
	}
	if after, _ := os.ReadFile(path); string(after) != string(before) {
		t.Error("the second start changed the file")
	}
	if got := mustKey(t, string(before)); got.Fingerprint() != first.Fingerprint() {
		t.Error("the text of the file is another key")
	}
	if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 1 {
		t.Errorf("files left behind: %v", left)
	}
}

func TestLoadOrCreateKeyTogether(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "seal.key")
	var (
		wg     sync.WaitGroup
		prints [16]string
		makers [16]bool
	)
	for i := range prints {
		wg.Go(func() {
			key, created, err := LoadOrCreateKey(path)
			if err != nil {
				t.Error(err)
				return
			}
			prints[i], makers[i] = key.Fingerprint(), created
		})
	}
	wg.Wait()
	count := 0
	for i := range prints {
		if prints[i] != prints[0] {
			t.Errorf("starter %d has key %s, starter 0 has %s", i, prints[i], prints[0])
		}
		if makers[i] {
			count++
		}
	}
	if count != 1 {
		t.Errorf("%d starters say they created the key, want 1", count)
	}
}

func TestLoadOrCreateKeyRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		text string
		mode fs.FileMode
		code muster.Code
	}{
		{"group may read", sample, 0o640, muster.Policy},
		{"others may read", sample, 0o604, muster.Policy},
		{"group may write", sample, 0o620, muster.Policy},
		{"empty", "", 0o600, muster.Invalid},
		{"cut short", sample[:30], 0o600, muster.Invalid},
		{"not a key", "hello\n", 0o600, muster.Invalid},
	} {
		path := filepath.Join(t.TempDir(), "seal.key")
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, c.mode); err != nil {
			t.Fatal(err)
		}
		key, created, err := LoadOrCreateKey(path)
		if muster.CodeOf(err) != c.code || created || !key.IsZero() {
			t.Errorf("%s: created %v, %v; want code %s", c.name, created, err, c.code)
		}
		if text, _ := os.ReadFile(path); string(text) != c.text {
			t.Errorf("%s: the file was changed to %q", c.name, text)
		}
	}
	if _, _, err := LoadOrCreateKey(t.TempDir()); muster.CodeOf(err) != muster.Invalid {
		t.Errorf("a folder: %v", err)
	}
	if _, _, err := LoadOrCreateKey(filepath.Join(t.TempDir(), "absent", "seal.key")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an absent folder: %v", err)
	}
}

func TestZeroKeyPanics(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("the zero Key sealed something")
		}
	}()
	Key{}.Seal("x", nil)
}
