package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/store"
)

// What is wrong with the mail server's settings is said at the start, by the name of the setting, and without the password.
func TestMailSettingsAreHeldToAtTheStart(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("Zq7-canary\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for field, change := range map[string]func(c *Config){
		"smtp-address":       func(c *Config) { c.Mail.SMTPAddress = "mail.example.org" },
		"mail-from":          func(c *Config) { c.Mail.From = "nobody" },
		"smtp-tls":           func(c *Config) { c.Mail.SMTPTLS = "none" },
		"smtp-password-file": func(c *Config) { c.Mail.SMTPPasswordFile = file + "2" },
		"":                   func(*Config) {},
	} {
		c := Config{Config: settings(t, store.Options{})}
		c.Mail.SMTPAddress, c.Mail.SMTPUsername, c.Mail.SMTPPasswordFile, c.Mail.From = "mail.example.org:587", "muster", file, "a@example.org"
		change(&c)
		a, err := open(t, c.Config)
		if field == "" {
			if err != nil || a.mail == nil || a.invite == nil {
				t.Fatalf("good settings: %v", err)
			}
			if err := a.Close(); err != nil {
				t.Error(err)
			}
			continue
		}
		if err == nil {
			t.Errorf("%s: it starts", field)
			continue
		}
		if fault := muster.Faults(err)[0]; fault.Field != field || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", field, err)
		}
	}
}
