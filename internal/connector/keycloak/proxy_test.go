package keycloak_test

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// proxy stands in front of the real server: it counts, and answers in its place where a test says so.
type proxy struct {
	*httptest.Server
	writes atomic.Int64
	tokens atomic.Int64

	mu      sync.Mutex
	instead func(w http.ResponseWriter, r *http.Request, pass func()) // nil: everything passes
}

// say has the proxy see to requests itself; pass sends one on. Requests for tokens pass unless all is true.
func (p *proxy) say(instead func(w http.ResponseWriter, r *http.Request, pass func())) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.instead = instead
}

func handler(t testing.TB, p *proxy, address string) http.Handler {
	t.Helper()
	to, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{DisableKeepAlives: true}
	onward := &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(to); r.Out.Host = r.In.Host },
		Transport: transport,
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) {
			w.WriteHeader(http.StatusBadGateway)
		},
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token := strings.HasSuffix(r.URL.Path, "/token")
		if token {
			p.tokens.Add(1)
		} else if r.Method != http.MethodGet {
			p.writes.Add(1)
		}
		p.mu.Lock()
		instead := p.instead
		p.mu.Unlock()
		if instead == nil {
			onward.ServeHTTP(w, r)
			return
		}
		instead(w, r, func() { onward.ServeHTTP(w, r) })
	})
}

// watched puts a proxy in front of a server.
func watched(t testing.TB, address string) *proxy {
	t.Helper()
	p := &proxy{}
	p.Server = httptest.NewServer(handler(t, p, address))
	t.Cleanup(p.Close)
	return p
}

// watchedTLS puts one there that speaks TLS, with a certificate that nobody knows.
func watchedTLS(t testing.TB, address string) *proxy {
	t.Helper()
	p := &proxy{}
	p.Server = httptest.NewUnstartedServer(handler(t, p, address))
	p.Config.ErrorLog = quiet
	p.StartTLS()
	t.Cleanup(p.Close)
	return p
}

// quiet takes what the proxy says of clients that do not trust it, as they should not.
var quiet = log.New(io.Discard, "", 0)
