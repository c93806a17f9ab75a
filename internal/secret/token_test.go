package secret

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

var alphanumeric = regexp.MustCompile(`^[0-9A-Za-z]{43}$`)

func TestDeriveJoinsUnambiguously(t *testing.T) {
	t.Parallel()
	key := NewKey()
	texts := rapid.SliceOfN(rapid.StringOfN(rapid.RuneFrom([]rune("ab\x00\x01")), 0, 3, -1), 1, 4)
	rapid.Check(t, func(t *rapid.T) {
		a, b := texts.Draw(t, "a"), texts.Draw(t, "b")
		ta, tb := key.Derive(a[0], a[1:]...), key.Derive(b[0], b[1:]...)
		if (ta == tb) != slices.Equal(a, b) {
			t.Fatalf("%q gives %s, %q gives %s", a, ta, b, tb)
		}
		if !alphanumeric.MatchString(ta) {
			t.Fatalf("token %q", ta)
		}
	})
}

func TestDeriveNeedsTheKey(t *testing.T) {
	t.Parallel()
	one, other := NewKey(), NewKey()
	if one.Derive("ticket", "1") == other.Derive("ticket", "1") {
		t.Error("two keys derive the same token")
	}
}

func TestBase62KeepsItsWidth(t *testing.T) {
	t.Parallel()
	small, large := make([]byte, 32), bytes.Repeat([]byte{0xff}, 32)
	if got, want := base62(small, tokenLength), strings.Repeat("0", 43); got != want {
		t.Errorf("zeros give %q", got)
	}
	if got := base62(large, tokenLength); !alphanumeric.MatchString(got) {
		t.Errorf("ones give %q", got)
	}
}

func TestAPIKey(t *testing.T) {
	t.Parallel()
	plain, hash, prefix := NewAPIKey()
	if !regexp.MustCompile(`^muster_[0-9A-Za-z]{49}$`).MatchString(plain) {
		t.Errorf("plain is %q", plain)
	}
	if sum := sha256.Sum256([]byte(plain)); !Equal(hash, sum[:]) {
		t.Error("the hash is not the SHA-256 of the key")
	}
	if !strings.HasPrefix(plain, prefix) || len(prefix) != len("muster_")+6 {
		t.Errorf("prefix is %q", prefix)
	}
	got, ok := HashAPIKey(plain)
	if !ok || !Equal(got, hash) {
		t.Errorf("HashAPIKey gives %x, %v", got, ok)
	}
	if second, _, _ := NewAPIKey(); second == plain {
		t.Error("two keys are the same")
	}
	for name, wrong := range map[string]string{
		"empty":         "",
		"space":         plain + " ",
		"line end":      plain + "\n",
		"cut":           plain[:len(plain)-1],
		"no start":      plain[len("muster_"):],
		"other start":   "Muster_" + plain[len("muster_"):],
		"twice":         plain + plain,
		"lower case":    strings.ToLower(plain[:len(plain)-6]) + plain[len(plain)-6:],
		"a token alone": NewToken(),
	} {
		if _, ok := HashAPIKey(wrong); ok {
			t.Errorf("%s is taken for a key", name)
		}
	}
}

func TestAPIKeyMistyped(t *testing.T) {
	t.Parallel()
	plain, _, _ := NewAPIKey()
	const digits = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	for i := range plain {
		for _, d := range []byte(digits) {
			wrong := []byte(plain)
			wrong[i] = d
			if _, ok := HashAPIKey(string(wrong)); ok != (string(wrong) == plain) {
				t.Errorf("character %d as %c: accepted %v", i, d, ok)
			}
		}
		if i == 0 || plain[i] == plain[i-1] {
			continue
		}
		swapped := []byte(plain)
		swapped[i], swapped[i-1] = swapped[i-1], swapped[i]
		if _, ok := HashAPIKey(string(swapped)); ok {
			t.Errorf("characters %d and %d swapped: accepted", i-1, i)
		}
	}
}

func TestEqual(t *testing.T) {
	t.Parallel()
	a := HashToken("a")
	if !Equal(a, HashToken("a")) || Equal(a, HashToken("b")) || Equal(a, a[:31]) || Equal(a, nil) {
		t.Error("Equal does not compare")
	}
}

func TestRedacted(t *testing.T) {
	t.Parallel()
	const canary = "hunter2"
	type config struct {
		Password Redacted            `json:"password"`
		Pointer  *Redacted           `json:"pointer"`
		Values   map[string]Redacted `json:"values"`
	}
	secret := Redacted(canary)
	c := config{Password: secret, Pointer: &secret, Values: map[string]Redacted{"x": secret}}
	shown := map[string]string{"String": secret.String(), "concatenated": "p=" + secret.String()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%10s"} {
		shown[verb] = fmt.Sprintf(verb, secret)
		shown[verb+" in a struct"] = fmt.Sprintf(verb, c)
		shown[verb+" in a slice"] = fmt.Sprintf(verb, []Redacted{secret})
	}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "a", secret)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "a", secret, "c", c)
	shown["log"] = log.String()
	encoded, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	shown["JSON"] = string(encoded)
	for name, text := range shown {
		if strings.Contains(text, canary) || strings.Contains(strings.ToLower(text), fmt.Sprintf("%x", canary)) {
			t.Errorf("%s shows the secret: %s", name, text)
		}
		if !strings.Contains(text, Mask) {
			t.Errorf("%s does not say that something is left out: %s", name, text)
		}
	}
	var back config
	if err := json.Unmarshal([]byte(`{"password":"hunter2"}`), &back); err != nil || back.Password.Reveal() != canary {
		t.Errorf("decoded %q, %v", back.Password.Reveal(), err)
	}
}

func BenchmarkDerive(b *testing.B) {
	key := NewKey()
	for b.Loop() {
		key.Derive("ticket", "123456", "2")
	}
}
