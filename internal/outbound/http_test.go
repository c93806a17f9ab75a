package outbound

import (
	"compress/gzip"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/musterid/muster"
)

var here = Guard{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}}

func get(t *testing.T, g Guard, timeout time.Duration, url string) (*http.Response, error) {
	t.Helper()
	client := HTTPClient(g, timeout)
	t.Cleanup(client.CloseIdleConnections)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(request)
	if err == nil {
		t.Cleanup(func() { response.Body.Close() })
	}
	return response, err
}

func TestHTTPClientIsGuarded(t *testing.T) {
	// Not parallel: it sets the environment. A proxy named there must not be used, or it would make the call.
	calls := 0
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { calls++ }))
	defer server.Close()
	t.Setenv("HTTP_PROXY", server.URL)
	t.Setenv("http_proxy", server.URL)
	for _, url := range []string{server.URL, strings.Replace(server.URL, "127.0.0.1", "localhost", 1), "http://169.254.169.254/latest/meta-data/", "http://10.0.0.1/"} {
		if _, err := get(t, Guard{}, 5*time.Second, url); muster.CodeOf(err) != muster.Policy {
			t.Errorf("%s: %v, want a refusal", url, err)
		}
	}
	if calls != 0 {
		t.Errorf("%d calls were made", calls)
	}
	if response, err := get(t, here, 5*time.Second, server.URL); err != nil || response.StatusCode != 200 {
		t.Errorf("allowed: %v", err)
	}
}

func TestHTTPClientFollowsNoRedirect(t *testing.T) {
	t.Parallel()
	var paths []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		paths = append(paths, r.URL.Path)
		http.Redirect(w, r, "/secret", http.StatusFound)
	}))
	t.Cleanup(server.Close)
	response, err := get(t, here, 5*time.Second, server.URL+"/a")
	if err != nil || response.StatusCode != http.StatusFound || response.Header.Get("Location") != "/secret" || len(paths) != 1 {
		t.Errorf("%v, %v, paths %v", response, err, paths)
	}
}

func TestHTTPClientVerifiesCertificates(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Proto) }))
	server.Config.ErrorLog = nil
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	var unknown x509.UnknownAuthorityError
	if _, err := get(t, here, 5*time.Second, server.URL); !errors.As(err, &unknown) {
		t.Errorf("an unknown authority: %v", err)
	}

	transport := Transport(here, 5*time.Second)
	t.Cleanup(transport.CloseIdleConnections)
	transport.TLSClientConfig.RootCAs = x509.NewCertPool()
	transport.TLSClientConfig.RootCAs.AddCert(server.Certificate())
	client := HTTPClient(here, 5*time.Second)
	client.Transport = transport
	response, err := client.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if text, err := ReadBody(response.Body, 100); err != nil || string(text) != "HTTP/2.0" {
		t.Errorf("with the authority known: %q, %v", text, err)
	}
}

func TestHTTPClientBounds(t *testing.T) {
	t.Parallel()
	stop := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/header":
			w.Header().Set("X-Long", strings.Repeat("a", maxHeader+1))
		case "/silent":
			<-stop
		case "/slow":
			io.WriteString(w, "begin")
			w.(http.Flusher).Flush()
			<-stop
		case "/bomb":
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			zeros := make([]byte, 1<<20)
			for range 8 {
				z.Write(zeros)
			}
			z.Close()
		}
	}))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(stop) })

	if _, err := get(t, here, 5*time.Second, server.URL+"/header"); err == nil {
		t.Error("a header over the limit is accepted")
	}
	if _, err := get(t, here, 50*time.Millisecond, server.URL+"/silent"); err == nil {
		t.Error("a server that never answers is waited for")
	}
	response, err := get(t, here, 200*time.Millisecond, server.URL+"/slow")
	for patience := time.Second; err != nil && patience < time.Minute; patience *= 4 { // on a busy machine even the head takes longer
		response, err = get(t, here, patience, server.URL+"/slow")
	}
	if err != nil {
		t.Fatal(err)
	}
	if text, err := ReadBody(response.Body, 100); err == nil {
		t.Errorf("a body that never ends gives %q", text)
	}
	response, err = get(t, here, 5*time.Second, server.URL+"/bomb")
	if err != nil {
		t.Fatal(err)
	}
	if text, err := ReadBody(response.Body, 1<<20); muster.CodeOf(err) != muster.TooLong {
		t.Errorf("8 MiB behind gzip give %d bytes, %v", len(text), err)
	}
}

func TestReadBody(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text  string
		limit int64
		ok    bool
	}{{"", 0, true}, {"a", 0, false}, {"abc", 3, true}, {"abcd", 3, false}, {"abc", 100, true}} {
		text, err := ReadBody(iotest.OneByteReader(strings.NewReader(c.text)), c.limit)
		if c.ok && (err != nil || string(text) != c.text) || !c.ok && (muster.CodeOf(err) != muster.TooLong || text != nil) {
			t.Errorf("%q, limit %d: %q, %v", c.text, c.limit, text, err)
		}
	}
	broken := errors.New("broken")
	if _, err := ReadBody(iotest.ErrReader(broken), 10); !errors.Is(err, broken) {
		t.Errorf("a broken body: %v", err)
	}
}
