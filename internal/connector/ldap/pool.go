package ldap

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/connector"
	"github.com/musterid/muster/internal/outbound"
)

// A connection that nobody used for this long is asked whether it still works before it is trusted with a change.
const restLimit = 20 * time.Second

// session is a connection that is bound. raw is the socket below it: closing that ends whatever waits on the connection.
type session struct {
	*ldap.Conn
	raw  net.Conn
	used time.Time
	dead bool // raw was closed
}

func (s *session) drop() {
	_ = s.raw.Close() // the connection's own Close waits for a writer that may hang
	_ = s.Conn.Close()
}

// pool lends at most so many connections at once, and keeps those that work.
type pool struct {
	slots   chan struct{}
	timeout time.Duration // of one call
	dial    func(context.Context) (*session, error)

	mu     sync.Mutex
	idle   []*session
	closed bool
}

func newPool(size int, timeout time.Duration, dial func(context.Context) (*session, error)) *pool {
	return &pool{slots: make(chan struct{}, size), timeout: timeout, dial: dial}
}

var errClosed = errors.New("ldap: the target is closed")

// do lends a connection to one piece of work, which ends when the context does: its connection is closed under it.
func (p *pool) do(ctx context.Context, work func(*ldap.Conn) error) error {
	return p.hold(ctx, func(do func(func(*ldap.Conn) error) error) error { return do(work) })
}

// hold lends a connection to several pieces of work. The timeout of a call is for each of them, with the wait for a connection before the first.
func (p *pool) hold(ctx context.Context, use func(do func(work func(*ldap.Conn) error) error) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	first, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	select {
	case p.slots <- struct{}{}:
		defer func() { <-p.slots }()
	case <-first.Done():
		return first.Err()
	}
	s, err := p.take(first)
	if err != nil {
		return err
	}
	var last error
	defer func() { p.give(s, last) }()
	within := first
	return use(func(work func(*ldap.Conn) error) error {
		if within == nil {
			var cancel context.CancelFunc
			within, cancel = context.WithTimeout(ctx, p.timeout)
			defer cancel()
		}
		last = s.during(within, work)
		within = nil
		return last
	})
}

// during runs work on the connection. When the context ended first, its error is what counts.
func (s *session) during(ctx context.Context, work func(*ldap.Conn) error) error {
	stop := context.AfterFunc(ctx, func() { _ = s.raw.Close() })
	err := work(s.Conn)
	if stop() {
		return err
	}
	s.dead = true
	_ = s.raw.Close()
	if err != nil && broken(err) {
		return ctx.Err()
	}
	return err
}

func (p *pool) take(ctx context.Context) (*session, error) {
	for {
		p.mu.Lock()
		if p.closed {
			p.mu.Unlock()
			return nil, errClosed
		}
		n := len(p.idle)
		if n == 0 {
			p.mu.Unlock()
			return p.dial(ctx)
		}
		s := p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		if s.works(ctx) {
			return s, nil
		}
		s.drop()
	}
}

// works finds out whether a rested connection still leads anywhere: a firewall may have forgotten it without telling.
func (s *session) works(ctx context.Context) bool {
	if s.dead || s.IsClosing() {
		return false
	}
	if time.Since(s.used) < restLimit {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	return s.during(ctx, func(c *ldap.Conn) error {
		_, err := c.Search(ldap.NewSearchRequest("", ldap.ScopeBaseObject, ldap.NeverDerefAliases, 1, 0, false, "(objectClass=*)", []string{"1.1"}, nil))
		return err
	}) == nil
}

func (p *pool) give(s *session, err error) {
	s.used = time.Now()
	p.mu.Lock()
	keep := !p.closed && !s.dead && !s.IsClosing() && !broken(err)
	if keep {
		p.idle = append(p.idle, s)
	}
	p.mu.Unlock()
	if !keep {
		s.drop()
	}
}

func (p *pool) close() {
	p.mu.Lock()
	idle := p.idle
	p.idle, p.closed = nil, true
	p.mu.Unlock()
	for _, s := range idle {
		s.drop()
	}
}

// broken says whether an error leaves the connection in a state nobody knows. An answer of the directory, even a refusal, does not, nor does
// what this package concluded from one.
func broken(err error) bool {
	var answer *ldap.Error
	var told *muster.Error
	switch {
	case err == nil, errors.Is(err, connector.ErrNotFound), errors.Is(err, connector.ErrExists):
		return false
	case errors.As(err, &answer):
		return answer.ResultCode >= ldap.ErrorNetwork || answer.ResultCode == ldap.LDAPResultUnavailable
	case errors.As(err, &told):
		return connector.Verdict(err).Down
	}
	return true
}

// dialer makes bound connections.
type dialer struct {
	*layout
	guard   outbound.Guard
	timeout time.Duration
}

func (d *dialer) dial(ctx context.Context) (*session, error) {
	host, port := d.address.Hostname(), d.address.Port()
	secure := d.address.Scheme == "ldaps"
	if port == "" {
		if port = ldap.DefaultLdapPort; secure {
			port = ldap.DefaultLdapsPort
		}
	}
	raw, err := d.guard.Dialer(d.timeout).DialContext(ctx, "tcp", net.JoinHostPort(host, port))
	if err != nil {
		return nil, unreachable(ctx, err)
	}
	config := &tls.Config{ServerName: host, RootCAs: d.authorities, MinVersion: tls.VersionTLS12}
	stream := raw
	if secure {
		wrapped := tls.Client(raw, config)
		if err := wrapped.HandshakeContext(ctx); err != nil {
			_ = raw.Close()
			return nil, unreachable(ctx, err)
		}
		stream = wrapped
	}
	s := &session{Conn: ldap.NewConn(stream, secure), raw: raw}
	s.Start()
	if err := s.during(ctx, func(c *ldap.Conn) error { return d.greet(c, secure, config) }); err != nil {
		s.drop()
		return nil, refusedEntry(ctx, err)
	}
	return s, nil
}

func (d *dialer) greet(c *ldap.Conn, secure bool, config *tls.Config) error {
	if !secure && d.StartTLS == "required" {
		if err := c.StartTLS(config); err != nil {
			return err
		}
	}
	if d.BindDN == "" {
		return nil
	}
	return c.Bind(d.BindDN, d.BindPassword)
}
