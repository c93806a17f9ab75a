package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The admin key of this machine is for servers of this machine.
func TestTheFoundKeyStaysOnTheMachine(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "admin.key"), []byte("muster_found\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ url, key, want string }{
		{"http://127.0.0.1:8080", "", "muster_found"},
		{"http://localhost:8080", "", "muster_found"},
		{"http://[::1]:8080", "", "muster_found"},
		{"http://127.0.0.1:8080", "muster_given", "muster_given"},
		{"https://muster.example.org", "", ""},
		{"http://127.0.0.1.example.org", "", ""},
		{"http://localhost@example.org", "", ""},
		{"https://muster.example.org", "muster_given", "muster_given"},
	} {
		s := newSession(t.Context(), nil, nil, nil)
		s.remote = remote{URL: test.url, Key: test.key, Data: dir}
		if got, err := s.findKey(); err != nil || got != test.want {
			t.Errorf("%s with --key %q: key %q (%v), want %q", test.url, test.key, got, err, test.want)
		}
	}
}

func TestConfirm(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]bool{"y\n": true, "YES\n": true, "oui": true, "n\n": false, "\n": false, "": false, "yep\n": false} {
		var out bytes.Buffer
		s := newSession(t.Context(), strings.NewReader(answer), &out, &out)
		if got := s.confirm("Carry it out?"); got != want {
			t.Errorf("%q is taken for %t", answer, got)
		}
	}
}

func TestExpiry(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"12h":                  now.Add(12 * time.Hour),
		"90d":                  now.AddDate(0, 0, 90),
		"2027-01-31":           time.Date(2027, 2, 1, 0, 0, 0, 0, time.Local),
		"2027-01-31T10:00:00Z": time.Date(2027, 1, 31, 10, 0, 0, 0, time.UTC),
	} {
		if got, err := expiry(text, now); err != nil || !got.Equal(want) {
			t.Errorf("%s: %s (%v), want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "soon", "-1h", "0d", "-3d", "d", "2027-02-31"} {
		if got, err := expiry(text, now); err == nil {
			t.Errorf("%q is taken for %s", text, got)
		}
	}
}

func TestAssignments(t *testing.T) {
	t.Parallel()
	s := newSession(t.Context(), nil, nil, nil)
	got, err := s.assignments([]string{"a=1", "b=", "c=x=y"})
	if err != nil || len(got) != 3 || got["a"] != "1" || got["b"] != nil || got["c"] != "x=y" {
		t.Errorf("got %v (%v)", got, err)
	}
	for _, bad := range []string{"a", "=1", ""} {
		if _, err := s.assignments([]string{bad}); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}
