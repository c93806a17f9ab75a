// Package mail hands mails to a mail server over SMTP and says what became of each: taken, refused for good, or to be tried again.
//
// It speaks to one configured server, which delivers; it knows no outside world beyond that one, keeps nothing, and retries nothing: what is sent to
// whom, in which words and how often is internal/invite's. Begin with New; failure.go is what the answers of a server mean. internal/mail/mailtest
// is a server for tests.
package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/mail"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	gomail "github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/secret"
)

// TLS says how the way to the mail server is encrypted.
type TLS string

const (
	StartTLS  TLS = "starttls" // begins in clear and must then encrypt; a server that cannot is not used
	DirectTLS TLS = "tls"      // encrypted from the first byte on, usually port 465
	NoTLS     TLS = "none"     // in clear; for a relay on the same machine
)

// Options say which mail server to use, and in whose name.
type Options struct {
	Address  string // host:port
	Username string // "" does not log in
	Password secret.Redacted
	TLS      TLS            // default: StartTLS
	From     string         // such as "Lycée Hugo <accounts@hugo.example>"
	ReplyTo  string         // "" is the same as From
	Roots    *x509.CertPool // who vouches for the server's certificate; default: the system's
	Timeout  time.Duration  // for a connection, and then for each mail; default: a minute
}

// Server is a mail server that takes our mails. It may be used from many goroutines, each with connections of its own.
type Server struct {
	options       Options
	host          string
	port          int
	from, replyTo *mail.Address
}

// New checks the options. It connects to nothing. What is wrong is named as the setting is called (internal/config).
func New(o Options) (*Server, error) {
	if o.TLS == "" {
		o.TLS = StartTLS
	}
	if o.Timeout == 0 {
		o.Timeout = time.Minute
	}
	s := &Server{options: o}
	var faults muster.Errors
	host, port, err := net.SplitHostPort(o.Address)
	number, notNumber := strconv.Atoi(port)
	if err != nil || notNumber != nil || host == "" || number < 1 || number > 65535 {
		faults = append(faults, muster.Errorf(muster.Invalid, "smtp-address", "%q is no address of a mail server. It needs the form mail.example.org:587.", o.Address))
	}
	s.host, s.port = host, number
	switch o.TLS {
	case StartTLS, DirectTLS:
	case NoTLS:
		if o.Username != "" {
			faults = append(faults, muster.Errorf(muster.Policy, "smtp-tls", "A password is not sent in clear: log in over starttls or tls, or leave smtp-username out."))
		}
	default:
		faults = append(faults, muster.Errorf(muster.Invalid, "smtp-tls", "%q is none of starttls, tls, none.", string(o.TLS)))
	}
	if s.from, err = mail.ParseAddress(o.From); err != nil {
		faults = append(faults, muster.Errorf(muster.Invalid, "mail-from", "%q is no sender. It needs the form accounts@example.org, or Name <accounts@example.org>.", o.From))
	}
	if o.ReplyTo != "" {
		if s.replyTo, err = mail.ParseAddress(o.ReplyTo); err != nil {
			faults = append(faults, muster.Errorf(muster.Invalid, "mail-reply-to", "%q is no address for answers. It needs the form help@example.org.", o.ReplyTo))
		}
	}
	if err := faults.Or(); err != nil {
		return nil, err
	}
	return s, nil
}

// Message is one mail to one person.
type Message struct {
	ID      string // the Message-ID without brackets: the same for every attempt, so that a receiver knows a repeat (see NewID)
	Name    string // of the receiver; may be empty
	Address string
	Subject string
	Text    string
	HTML    string
	Date    time.Time
}

// NewID makes the Message-ID of a mail from a text that is unique, such as a UUID.
func (s *Server) NewID(unique string) string {
	return unique + s.from.Address[strings.LastIndexByte(s.from.Address, '@'):]
}

// CheckAddress says why mail cannot be sent to an address, in an error with the field email; nil when it can be tried.
func CheckAddress(address string) *muster.Error {
	parsed, err := mail.ParseAddress(address)
	if err != nil || parsed.Name != "" || parsed.Address != address || strings.ContainsFunc(address, unicode.IsControl) || len(address) > 254 {
		return muster.Errorf(muster.Invalid, "email", "%s is not an e-mail address that mail can be sent to.", oneLine(address, 100))
	}
	return nil
}

// Connection is an open way to the server, for one mail after the other. It belongs to one goroutine.
type Connection struct {
	server *Server
	client *gomail.Client
	smtp   *smtp.Client
	raw    net.Conn
	broken bool
}

// Connect opens a connection and logs in. Its failure is always Down: it says nothing about any mail.
func (s *Server) Connect(ctx context.Context) (*Connection, error) {
	ctx, cancel := context.WithTimeout(ctx, s.options.Timeout)
	defer cancel()
	c := &Connection{server: s}
	stop := func() {}
	defer func() { stop() }()
	dial := func(dialing context.Context, network, address string) (net.Conn, error) {
		conn, err := c.dial(dialing, network, address)
		if err == nil {
			stop = c.endWith(ctx) // not before there is one to end; dialing is over when the library has its connection
		}
		return conn, err
	}
	options := []gomail.Option{
		gomail.WithPort(s.port), gomail.WithTimeout(s.options.Timeout), gomail.WithDialContextFunc(dial), gomail.WithoutNoop(),
		gomail.WithTLSConfig(s.tls()), gomail.WithTLSPolicy(gomail.NoTLS),
	}
	if s.options.TLS == StartTLS {
		options = append(options, gomail.WithTLSPolicy(gomail.TLSMandatory))
	}
	if s.options.Username != "" {
		options = append(options, gomail.WithUsername(s.options.Username), gomail.WithPassword(s.options.Password.Reveal()),
			gomail.WithOpportunisticSMTPAuth(gomail.SMTPAuthSCRAMSHA256, gomail.SMTPAuthSCRAMSHA1, gomail.SMTPAuthPlain, gomail.SMTPAuthLogin))
	}
	var err error
	if c.client, err = gomail.NewClient(s.host, options...); err != nil {
		return nil, down(err)
	}
	if c.smtp, err = c.client.DialToSMTPClientWithContext(ctx); err != nil {
		c.broken = true
		c.Close()
		return nil, down(err)
	}
	return c, nil
}

func (s *Server) tls() *tls.Config {
	return &tls.Config{ServerName: s.host, RootCAs: s.options.Roots, MinVersion: tls.VersionTLS12}
}

// dial keeps the connection, because the library leaves one open on which a login fails.
func (c *Connection) dial(ctx context.Context, network, address string) (net.Conn, error) {
	raw, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	c.raw = raw
	if c.server.options.TLS != DirectTLS {
		return raw, nil
	}
	encrypted := tls.Client(raw, c.server.tls())
	return encrypted, encrypted.HandshakeContext(ctx)
}

// endWith has the connection that is there end when ctx does, until what it gives is called.
func (c *Connection) endWith(ctx context.Context) func() {
	raw := c.raw
	stop := context.AfterFunc(ctx, func() { _ = raw.Close() })
	return func() { stop() }
}

// Send hands over one mail. Without error the server has taken it and answers for it; otherwise the error is a *Failure. After a failure the
// connection is used no more.
func (c *Connection) Send(ctx context.Context, m Message) error {
	msg, err := c.server.compose(m)
	if err != nil {
		return err
	}
	if c.broken {
		return &Failure{Verdict: Down, Reason: muster.Errorf(muster.Unavailable, "", "The connection to the mail server is gone.")}
	}
	ctx, cancel := context.WithTimeout(ctx, c.server.options.Timeout)
	defer cancel()
	defer c.endWith(ctx)()
	err = c.client.SendWithSMTPClient(c.smtp, msg)
	c.broken = err != nil
	if err == nil || msg.IsDelivered() { // it is, also when the server is gone before it was asked for the next
		return nil
	}
	return verdict(err)
}

// Usable says whether another mail can be sent.
func (c *Connection) Usable() bool { return !c.broken }

// Close ends the connection, politely where it still works.
func (c *Connection) Close() {
	if !c.broken && c.smtp != nil {
		_ = c.smtp.UpdateDeadline(5 * time.Second)
		_ = c.client.CloseWithSMTPClient(c.smtp)
	}
	if c.raw != nil {
		_ = c.raw.Close()
	}
	c.broken = true
}

// compose makes the mail. Nothing that people chose can begin a new line of its head.
func (s *Server) compose(m Message) (*gomail.Msg, error) {
	if err := CheckAddress(m.Address); err != nil {
		return nil, &Failure{Verdict: Permanent, Reason: err, cause: err}
	}
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	msg.SetAddrHeaderFromMailAddress(gomail.HeaderFrom, s.from)
	if s.replyTo != nil {
		msg.SetAddrHeaderFromMailAddress(gomail.HeaderReplyTo, s.replyTo)
	}
	msg.SetAddrHeaderFromMailAddress(gomail.HeaderTo, &mail.Address{Name: oneLine(m.Name, 100), Address: m.Address})
	msg.Subject(oneLine(m.Subject, 200))
	msg.SetMessageIDWithValue(oneLine(m.ID, 200))
	msg.SetDateWithValue(m.Date)
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // nobody's holiday answer is wanted
	msg.SetBodyString(gomail.TypeTextPlain, m.Text)
	if m.HTML != "" {
		msg.AddAlternativeString(gomail.TypeTextHTML, m.HTML)
	}
	return msg, nil
}

// oneLine makes a text fit for a line of a mail's head: line ends and other control characters become spaces, and it has at most n characters.
func oneLine(text string, n int) string {
	text = strings.ToValidUTF8(text, "")
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) }), " ")
	if utf8.RuneCountInString(text) > n {
		text = string([]rune(text)[:n-1]) + "…"
	}
	return text
}
