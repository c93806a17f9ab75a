package mail_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/mail"
	"github.com/musterid/muster/internal/mail/mailtest"
	"github.com/musterid/muster/internal/secret"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const password = "Zq7-canary-mail"

func server(t *testing.T, sink *mailtest.Sink, o mail.Options) *mail.Server {
	t.Helper()
	o.Address, o.Roots = sink.Addr(), sink.Roots()
	if o.From == "" {
		o.From = "Lycée Hugo <accounts@hugo.example>"
	}
	s, err := mail.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func letter() mail.Message {
	return mail.Message{
		ID: "0199-1@hugo.example", Name: "Éloïse Dupré", Address: "eloise@example.org", Subject: "Activez votre compte", Date: time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC),
		Text: "Bonjour Éloïse,\n\nhttps://muster.example/ticket/abc\n", HTML: "<p>Bonjour Éloïse</p>",
	}
}

func send(t *testing.T, s *mail.Server, list ...mail.Message) error {
	t.Helper()
	c, err := s.Connect(t.Context())
	if err != nil {
		return err
	}
	defer c.Close()
	for _, m := range list {
		if err := c.Send(t.Context(), m); err != nil {
			return err
		}
	}
	return nil
}

func TestMailsGoOverEveryKindOfWay(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name      string
		sink      []mailtest.Option
		options   mail.Options
		encrypted bool
		logins    int
	}{
		{"clear", nil, mail.Options{TLS: mail.NoTLS}, false, 0},
		{"starttls", []mailtest.Option{mailtest.WithSTARTTLS()}, mail.Options{}, true, 0},
		{
			"starttls and login",
			[]mailtest.Option{mailtest.WithSTARTTLS(), mailtest.WithLogin("muster", password)},
			mail.Options{Username: "muster", Password: password},
			true, 1,
		},
		{
			"tls and login",
			[]mailtest.Option{mailtest.WithTLS(), mailtest.WithLogin("muster", password)},
			mail.Options{TLS: mail.DirectTLS, Username: "muster", Password: password},
			true, 1,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			sink := mailtest.Start(t, c.sink...)
			c.options.ReplyTo = "help@hugo.example"
			if err := send(t, server(t, sink, c.options), letter(), letter()); err != nil {
				t.Fatal(err)
			}
			got := sink.Messages()
			if len(got) != 2 || sink.Logins() != c.logins || sink.Sessions() != 1 {
				t.Fatalf("%d mails, %d logins, %d sessions", len(got), sink.Logins(), sink.Sessions())
			}
			m, want := got[1], letter()
			if m.Encrypted != c.encrypted {
				t.Errorf("encrypted: %v", m.Encrypted)
			}
			if m.From != "accounts@hugo.example" || len(m.To) != 1 || m.To[0] != want.Address {
				t.Errorf("envelope %q to %q", m.From, m.To)
			}
			if m.Subject != want.Subject || strings.TrimSpace(m.Text) != strings.TrimSpace(want.Text) || !strings.Contains(m.HTML, "Éloïse") {
				t.Errorf("subject %q, text %q, html %q", m.Subject, m.Text, m.HTML)
			}
			if to, err := m.Header.AddressList("To"); err != nil || to[0].Name != want.Name || to[0].Address != want.Address {
				t.Errorf("to %v, %v", to, err)
			}
			if date, err := m.Header.Date(); err != nil || !date.Equal(want.Date) {
				t.Errorf("date %v, %v", date, err)
			}
			for name, value := range map[string]string{"Message-ID": "<0199-1@hugo.example>", "Reply-To": "<help@hugo.example>", "Auto-Submitted": "auto-generated"} {
				if m.Header.Get(name) != value {
					t.Errorf("%s: %q", name, m.Header.Get(name))
				}
			}
			if strings.Contains(string(m.Raw), password) {
				t.Error("the password is in the mail")
			}
		})
	}
}

func TestVerdicts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		at     mailtest.Stage
		code   int
		want   mail.Verdict
		saying string
	}{
		{"no such address", mailtest.AtRecipient, 550, mail.Permanent, "no such user"},
		{"mailbox full", mailtest.AtRecipient, 452, mail.Again, "no such user"},
		{"greylisted", mailtest.AtRecipient, 450, mail.Again, "not take this mail yet"},
		{"refused as spam", mailtest.AtContent, 554, mail.Permanent, "no such user"},
		{"content put off", mailtest.AtContent, 451, mail.Again, "no such user"},
		{"busy", mailtest.AtRecipient, 421, mail.Down, "no such user"},
		{"sender refused", mailtest.AtSender, 550, mail.Down, "from our sender"},
		{"login refused", mailtest.AtLogin, 535, mail.Down, "refuses our login"},
		{"not at home", mailtest.AtConnect, 554, mail.Down, "cannot be used"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			sink := mailtest.Start(t, mailtest.WithSTARTTLS(), mailtest.WithLogin("muster", password))
			sink.Refuse(func(stage mailtest.Stage, _ string) error {
				if stage == c.at {
					return mailtest.Reply(c.code, "no such user")
				}
				return nil
			})
			s := server(t, sink, mail.Options{Username: "muster", Password: password})
			err := send(t, s, letter())
			var f *mail.Failure
			if !errors.As(err, &f) || f.Verdict != c.want || !strings.Contains(f.Reason.Message, c.saying) {
				t.Fatalf("got %v (%+v), want %s that says %q", err, f, c.want, c.saying)
			}
			if f.Unsure {
				t.Error("it is unsure of a plain answer")
			}
			if strings.Contains(err.Error(), password) {
				t.Errorf("the password is in %q", err)
			}
			sink.Refuse(nil)
			if err := send(t, s, letter()); err != nil || len(sink.Messages()) != 1 {
				t.Errorf("afterwards: %v, %d mails", err, len(sink.Messages()))
			}
		})
	}
}

func TestAServerThatIsAwayIsDown(t *testing.T) {
	t.Parallel()
	sink := mailtest.Start(t)
	s := server(t, sink, mail.Options{TLS: mail.NoTLS})
	sink.Stop()
	var f *mail.Failure
	if err := send(t, s, letter()); !errors.As(err, &f) || f.Verdict != mail.Down {
		t.Errorf("a closed port: %v", err)
	}
	sink.Restart()
	if err := send(t, s, letter()); err != nil {
		t.Errorf("after it came back: %v", err)
	}
}

func TestAServerThatSaysNothingIsGivenUp(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	s, err := mail.New(mail.Options{Address: listener.Addr().String(), From: "a@hugo.example", TLS: mail.NoTLS, Timeout: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	var f *mail.Failure
	if err := send(t, s, letter()); !errors.As(err, &f) || f.Verdict != mail.Down {
		t.Errorf("got %v", err)
	}
}

func TestEncryptionIsNotGivenUp(t *testing.T) {
	t.Parallel()
	plain := mailtest.Start(t)
	var f *mail.Failure
	if err := send(t, server(t, plain, mail.Options{}), letter()); !errors.As(err, &f) || f.Verdict != mail.Down || !strings.Contains(f.Reason.Message, "STARTTLS") {
		t.Errorf("a server without STARTTLS: %v", err)
	}
	stranger := mailtest.Start(t, mailtest.WithSTARTTLS())
	s, err := mail.New(mail.Options{Address: stranger.Addr(), From: "a@hugo.example"}) // the system does not know its certificate
	if err != nil {
		t.Fatal(err)
	}
	if err := send(t, s, letter()); !errors.As(err, &f) || f.Verdict != mail.Down {
		t.Errorf("a certificate of nobody's: %v", err)
	}
	if len(plain.Messages())+len(stranger.Messages()) != 0 {
		t.Error("a mail went out in clear")
	}
}

// The answer to a whole mail may get lost: then nobody knows whether it was taken.
func TestALostAnswerIsUnsure(t *testing.T) {
	t.Parallel()
	sink := mailtest.Start(t)
	ctx, cancel := context.WithCancel(t.Context())
	sink.OnAccepted(func(mailtest.Message) { cancel(); <-time.After(time.Millisecond) })
	c, err := server(t, sink, mail.Options{TLS: mail.NoTLS}).Connect(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	err = c.Send(ctx, letter())
	var f *mail.Failure
	if err != nil && (!errors.As(err, &f) || f.Verdict != mail.Down || !f.Unsure) {
		t.Errorf("got %v (%+v)", err, f)
	}
	if err != nil && c.Usable() {
		t.Error("the connection passes for usable")
	}
}

func TestNobodyAddsALineToTheHead(t *testing.T) {
	t.Parallel()
	sink := mailtest.Start(t)
	s := server(t, sink, mail.Options{TLS: mail.NoTLS})
	m := letter()
	m.Name = "Ana\r\nBcc: victim@example.org\r\n\r\n<script>"
	m.Subject = "Hello\r\nX-Evil: yes\n\nbody"
	if err := send(t, s, m); err != nil {
		t.Fatal(err)
	}
	got := sink.Messages()[0]
	if got.Header.Get("Bcc") != "" || got.Header.Get("X-Evil") != "" || len(got.To) != 1 {
		t.Errorf("head %v, to %v", got.Header, got.To)
	}
	if got.Subject != "Hello X-Evil: yes body" {
		t.Errorf("subject %q", got.Subject)
	}
	for _, address := range []string{
		"a@example.org\r\nRCPT TO:<victim@example.org>", "a@example.org\r\n", "Ana <a@example.org>", "a@example.org, b@example.org", "<a@example.org>", "nobody", "",
		"a@example.org\x00", strings.Repeat("a", 250) + "@example.org",
	} {
		m := letter()
		m.Address = address
		err := send(t, s, m)
		var f *mail.Failure
		if !errors.As(err, &f) || f.Verdict != mail.Permanent {
			t.Errorf("%q: %v", address, err)
		}
		if e := mail.CheckAddress(address); e == nil || e.Code != muster.Invalid || e.Field != "email" {
			t.Errorf("%q passes for an address", address)
		}
	}
	if n := len(sink.Messages()); n != 1 {
		t.Errorf("%d mails", n)
	}
}

func TestOptionsAreChecked(t *testing.T) {
	t.Parallel()
	good := mail.Options{Address: "mail.example.org:587", From: "accounts@example.org"}
	if s, err := mail.New(good); err != nil || s.NewID("7") != "7@example.org" {
		t.Errorf("good options: %v", err)
	}
	for _, c := range []struct {
		field string
		spoil func(*mail.Options)
	}{
		{"smtp-address", func(o *mail.Options) { o.Address = "mail.example.org" }},
		{"smtp-address", func(o *mail.Options) { o.Address = ":587" }},
		{"smtp-address", func(o *mail.Options) { o.Address = "mail.example.org:smtp" }},
		{"smtp-tls", func(o *mail.Options) { o.TLS = "ssl" }},
		{"smtp-tls", func(o *mail.Options) { o.TLS, o.Username = mail.NoTLS, "muster" }},
		{"mail-from", func(o *mail.Options) { o.From = "" }},
		{"mail-from", func(o *mail.Options) { o.From = "accounts@example.org\r\nBcc: b@example.org" }},
		{"mail-reply-to", func(o *mail.Options) { o.ReplyTo = "nobody" }},
	} {
		o := good
		o.Password = secret.Redacted(password)
		c.spoil(&o)
		_, err := mail.New(o)
		if faults := muster.Faults(err); err == nil || len(faults) != 1 || faults[0].Field != c.field || strings.Contains(err.Error(), password) {
			t.Errorf("%s %+v: %v", c.field, o.TLS, err)
		}
	}
}
