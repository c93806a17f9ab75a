package config

import (
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/musterid/muster"
)

func TestDefaultsPassTheCheck(t *testing.T) {
	t.Parallel()
	if err := (Config{}).WithDefaults().Check(); err != nil {
		t.Errorf("the defaults are refused: %v", err)
	}
}

// The tags are what the command line shows and uses, WithDefaults is what everybody else gets.
func TestTagsAndDefaultsAgree(t *testing.T) {
	t.Parallel()
	var walk func(v reflect.Value)
	walk = func(v reflect.Value) {
		for i := range v.NumField() {
			field := v.Type().Field(i)
			if field.Type.Kind() == reflect.Struct {
				walk(v.Field(i))
				continue
			}
			name, env := field.Tag.Get("name"), field.Tag.Get("env")
			if want := "MUSTER_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_")); env != want {
				t.Errorf("%s: environment variable %s, want %s", field.Name, env, want)
			}
			got := ""
			switch f := v.Field(i); {
			case f.CanInt():
				got = strconv.FormatInt(f.Int(), 10)
			case f.Kind() == reflect.String:
				got = f.String()
			case !f.IsZero():
				t.Errorf("%s: this test knows no defaults of type %s", field.Name, f.Type())
			}
			if tag := field.Tag.Get("default"); tag != got {
				t.Errorf("%s: default %q in the tag, %q in WithDefaults", field.Name, tag, got)
			}
			if field.Tag.Get("help") == "" {
				t.Errorf("%s has no help", field.Name)
			}
		}
	}
	walk(reflect.ValueOf(Config{}.WithDefaults()))
}

func TestCheckNamesEveryFault(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		change func(*Config)
		field  string
	}{
		{"address without a port", func(c *Config) { c.Listen = "localhost" }, "listen"},
		{"another database", func(c *Config) { c.Database = "mysql://x" }, "database"},
		{"key given twice", func(c *Config) { c.SealingKey, c.SealingKeyFile = "a", "b" }, "sealing-key-file"},
		{"unknown level", func(c *Config) { c.LogLevel = "loud" }, "log-level"},
		{"unknown format", func(c *Config) { c.LogFormat = "xml" }, "log-format"},
		{"too many workers", func(c *Config) { c.Workers = 1001 }, "workers"},
		{"a public address that is none", func(c *Config) { c.Mail.PublicURL = "accounts.example.org" }, "public-url"},
		{"a public address with a login", func(c *Config) { c.Mail.PublicURL = "https://a:b@example.org" }, "public-url"},
		{"mails whose links lead nowhere", func(c *Config) { c.Mail.SMTPAddress, c.Listen = "mail.example.org:587", ":8080" }, "public-url"},
		{"a login for no mail server", func(c *Config) { c.Mail.SMTPUsername = "muster" }, "smtp-address"},
		{"mail password given twice", func(c *Config) { c.Mail.SMTPAddress, c.Mail.SMTPPassword, c.Mail.SMTPPasswordFile = "m:25", "a", "b" }, "smtp-password-file"},
		{"unknown language", func(c *Config) { c.Mail.Locale = "de" }, "mail-locale"},
		{"short passwords", func(c *Config) { c.Mail.PasswordMin = 6 }, "password-min"},
		{"negative limit", func(c *Config) { c.Limits.Upload = -1 }, "upload-bytes"},
		{"more rows than a batch holds", func(c *Config) { c.Limits.Rows = muster.MaxItems + 1 }, "rows"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := Config{}.WithDefaults()
			test.change(&c)
			faults := muster.Faults(c.Check())
			if len(faults) != 1 || faults[0].Field != test.field || faults[0].Code != muster.Invalid {
				t.Errorf("faults %v, want one of %s", faults, test.field)
			}
		})
	}
}
