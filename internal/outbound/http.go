package outbound

import (
	"crypto/tls"
	"io"
	"net/http"
	"time"

	"github.com/musterid/muster"
)

// maxHeader bounds the header of an answer, in bytes.
const maxHeader = 64 << 10

// HTTPClient makes a client whose connections are checked by g. A redirect is not followed: it is the answer. Certificates are verified, the
// header of an answer has at most 64 KiB, and timeout bounds the whole exchange, reading the body included; without one it is 30 seconds. Call
// CloseIdleConnections when the client is no longer used.
func HTTPClient(g Guard, timeout time.Duration) *http.Client {
	return &http.Client{
		Transport:     Transport(g, timeout),
		Timeout:       orDefault(timeout),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Transport is the transport of HTTPClient, for a caller that must add to it, such as a certificate authority of its own.
func Transport(g Guard, timeout time.Duration) *http.Transport {
	timeout = orDefault(timeout)
	return &http.Transport{
		Proxy:                  nil, // and none from the environment: a proxy would dial unchecked
		DialContext:            g.Dialer(timeout).DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    timeout,
		ResponseHeaderTimeout:  timeout,
		ExpectContinueTimeout:  time.Second,
		IdleConnTimeout:        90 * time.Second,
		MaxIdleConnsPerHost:    16,
		MaxResponseHeaderBytes: maxHeader,
		ForceAttemptHTTP2:      true, // with a dialer of our own it is not tried by itself
	}
}

// ReadBody reads body to its end, at most limit bytes of it: a longer one gives an error with code TooLong, and nothing else. It does not close.
func ReadBody(body io.Reader, limit int64) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(body, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(text)) > limit {
		return nil, muster.Errorf(muster.TooLong, "", "The answer is longer than %d bytes.", limit)
	}
	return text, nil
}
