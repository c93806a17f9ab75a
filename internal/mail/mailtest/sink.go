// Package mailtest is a mail server for tests: it takes mails over real SMTP, keeps them, and refuses what it is told to refuse. It delivers
// nothing.
//
// Start gives a plain one, as a relay on the same machine is; options add STARTTLS, TLS and a login. Message (message.go) is what a test reads.
// Sending is internal/mail's.
package mailtest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// Stage is where in an exchange a mail stands.
type Stage string

const (
	AtConnect   Stage = "connect"   // nothing has been said yet
	AtLogin     Stage = "login"     // the address is the username
	AtSender    Stage = "sender"    // MAIL FROM
	AtRecipient Stage = "recipient" // RCPT TO
	AtContent   Stage = "content"   // the mail has been received, and not yet been accepted; the address is the first recipient's
)

// Option changes what a sink offers.
type Option func(*Sink)

// WithSTARTTLS offers encryption, with a certificate that Roots knows, for the name 127.0.0.1.
func WithSTARTTLS() Option { return func(s *Sink) { s.certify(); s.startTLS = true } }

// WithTLS speaks TLS from the first byte on.
func WithTLS() Option { return func(s *Sink) { s.certify(); s.implicit = true } }

// WithLogin demands a login before anything is taken.
func WithLogin(username, password string) Option {
	return func(s *Sink) { s.username, s.password = username, password }
}

// Sink is a mail server that keeps what it is given. It may be used from many goroutines.
type Sink struct {
	t                  testing.TB
	tls                *tls.Config
	roots              *x509.CertPool
	startTLS, implicit bool
	username, password string
	address            string

	mu       sync.Mutex
	server   *smtp.Server
	listener net.Listener
	served   chan error
	messages []Message
	logins   int
	sessions map[*smtp.Conn]bool // a connection begins anew when it is encrypted
	changed  chan struct{}       // closed, and made anew, when a mail comes in
	answer   func(stage Stage, address string) error
	accepted func(Message)
}

// Start runs a sink on a free port until the test ends.
func Start(t testing.TB, options ...Option) *Sink {
	t.Helper()
	s := &Sink{t: t, address: "127.0.0.1:0", changed: make(chan struct{}), sessions: map[*smtp.Conn]bool{}}
	for _, option := range options {
		option(s)
	}
	if err := s.run(); err != nil {
		t.Fatalf("mailtest: %v", err)
	}
	t.Cleanup(s.Stop)
	return s
}

// certify takes the certificate that the standard library keeps for tests.
func (s *Sink) certify() {
	if s.tls != nil {
		return
	}
	server := httptest.NewUnstartedServer(nil)
	server.StartTLS()
	defer server.Close()
	s.tls = &tls.Config{Certificates: slices.Clone(server.TLS.Certificates), MinVersion: tls.VersionTLS12}
	s.roots = x509.NewCertPool()
	s.roots.AddCert(server.Certificate())
}

func (s *Sink) run() error {
	listener, err := net.Listen("tcp", s.address)
	if err != nil {
		return err
	}
	s.address = listener.Addr().String()
	server := smtp.NewServer(smtp.BackendFunc(s.session))
	server.Domain, server.ReadTimeout, server.WriteTimeout = "sink.test", time.Minute, time.Minute
	server.AllowInsecureAuth, server.EnableSMTPUTF8 = s.tls == nil, true
	server.ErrorLog = log.New(io.Discard, "", 0)
	if s.startTLS {
		server.TLSConfig = s.tls
	}
	if s.implicit {
		listener = tls.NewListener(listener, s.tls)
	}
	served := make(chan error, 1)
	s.mu.Lock()
	s.server, s.listener, s.served = server, listener, served
	s.mu.Unlock()
	go func() { served <- server.Serve(listener) }()
	return nil
}

// Stop ends the server and its connections: from now on the address refuses connections. What was received stays readable.
func (s *Sink) Stop() {
	s.mu.Lock()
	server, listener, served := s.server, s.listener, s.served
	s.server = nil
	s.mu.Unlock()
	if server == nil {
		return
	}
	_ = server.Close()
	_ = listener.Close() // the server may not have begun with it
	<-served
}

// Restart runs a stopped sink again, on the same address.
func (s *Sink) Restart() {
	s.t.Helper()
	if err := s.run(); err != nil {
		s.t.Fatalf("mailtest: run again: %v", err)
	}
}

// Addr is host:port.
func (s *Sink) Addr() string { return s.address }

// Roots are the certificates by which a client trusts the sink; nil for a sink without TLS.
func (s *Sink) Roots() *x509.CertPool { return s.roots }

// Messages lists what was accepted, in order.
func (s *Sink) Messages() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.messages)
}

// Logins counts successful logins, and Sessions connections.
func (s *Sink) Logins() int   { s.mu.Lock(); defer s.mu.Unlock(); return s.logins }
func (s *Sink) Sessions() int { s.mu.Lock(); defer s.mu.Unlock(); return len(s.sessions) }

// Wait gives all mails once there are n of them, or an error when ctx ends first.
func (s *Sink) Wait(ctx context.Context, n int) ([]Message, error) {
	for {
		s.mu.Lock()
		list, changed := slices.Clone(s.messages), s.changed
		s.mu.Unlock()
		if len(list) >= n {
			return list, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return list, fmt.Errorf("mailtest: %d of %d mails came in: %w", len(list), n, ctx.Err())
		}
	}
}

// Refuse has f asked at every stage; what it gives that is not nil is the answer. Reply makes one. nil accepts everything again.
func (s *Sink) Refuse(f func(stage Stage, address string) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = f
}

// OnAccepted has f called for each mail after it was kept and before the sender is told so.
func (s *Sink) OnAccepted(f func(Message)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.accepted = f
}

// Reply is an answer of the server, such as Reply(550, "no such user"). 421 also ends the connection.
func Reply(code int, text string) error {
	return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{code / 100, 0, 0}, Message: text}
}

func (s *Sink) ask(stage Stage, address string) error {
	s.mu.Lock()
	answer := s.answer
	s.mu.Unlock()
	if answer == nil {
		return nil
	}
	return answer(stage, address)
}

// session is one connection's.
type session struct {
	sink *Sink
	conn *smtp.Conn
	in   bool // logged in
	mail Message
}

func (s *Sink) session(c *smtp.Conn) (smtp.Session, error) {
	if err := s.ask(AtConnect, ""); err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.sessions[c] = true
	s.mu.Unlock()
	return &session{sink: s, conn: c, in: s.username == ""}, nil
}

// AuthMechanisms implements smtp.AuthSession.
func (c *session) AuthMechanisms() []string {
	if c.sink.username == "" {
		return nil
	}
	return []string{sasl.Plain}
}

// Auth implements smtp.AuthSession.
func (c *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, username, password string) error {
		if err := c.sink.ask(AtLogin, username); err != nil {
			return err
		}
		if username != c.sink.username || password != c.sink.password {
			return smtp.ErrAuthFailed
		}
		c.in = true
		c.sink.mu.Lock()
		c.sink.logins++
		c.sink.mu.Unlock()
		return nil
	}), nil
}

// Mail implements smtp.Session.
func (c *session) Mail(from string, _ *smtp.MailOptions) error {
	if !c.in {
		return smtp.ErrAuthRequired
	}
	if err := c.sink.ask(AtSender, from); err != nil {
		return err
	}
	_, encrypted := c.conn.TLSConnectionState()
	c.mail = Message{From: from, Encrypted: encrypted}
	return nil
}

// Rcpt implements smtp.Session.
func (c *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if err := c.sink.ask(AtRecipient, to); err != nil {
		return err
	}
	c.mail.To = append(c.mail.To, to)
	return nil
}

// Data implements smtp.Session.
func (c *session) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if len(c.mail.To) == 0 {
		return errors.New("a mail to nobody")
	}
	if err := c.sink.ask(AtContent, c.mail.To[0]); err != nil {
		return err
	}
	c.mail.Raw = raw
	m := c.mail
	if err := m.read(); err != nil {
		return Reply(554, err.Error())
	}
	s := c.sink
	s.mu.Lock()
	s.messages = append(s.messages, m)
	close(s.changed)
	s.changed = make(chan struct{})
	accepted := s.accepted
	s.mu.Unlock()
	if accepted != nil {
		accepted(m)
	}
	return nil
}

// Reset implements smtp.Session.
func (c *session) Reset() { c.mail = Message{} }

// Logout implements smtp.Session.
func (c *session) Logout() error { return nil }
