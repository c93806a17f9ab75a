package jumpcloud_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/musterid/muster/internal/api/apitest"
	"github.com/musterid/muster/internal/config"
)

// minimal is a body of n users.
func minimal(prefix string, n int) string {
	var b strings.Builder
	b.WriteByte('[')
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"email":"%s%d@example.org","username":"%s%d"}`, prefix, i, prefix, i)
	}
	b.WriteByte(']')
	return b.String()
}

func packed(t *testing.T, text string) string {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// noise is a body with a text that packing does not make smaller by much.
func noise(n int) string {
	random, text := rand.New(rand.NewPCG(1, 2)), make([]byte, n)
	for i := range text {
		text[i] = " !#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_`abcdefghijklmnopqrstuvwxyz{|}~"[random.IntN(93)]
	}
	return `[{"description":"` + string(text) + `"}]`
}

// Bodies over a limit are refused as a whole, packed or not, and leave nothing (contract §3.3).
func TestLimitsOfABody(t *testing.T) {
	apitest.Each(t, config.Config{JumpCloud: config.JumpCloud{Rows: 20, Body: 4000}}, func(t *testing.T, s *apitest.Server) {
		long := `[{"email":"a@example.org","username":"a","description":"` + strings.Repeat("x", 5000) + `"}]`
		for _, c := range []struct {
			name, body, reason string
			status             int
			headers            []string
		}{
			{"AtTheLimit", minimal("a", 20), "", 200, nil},
			{"Packed", packed(t, minimal("b", 20)), "", 200, []string{"Content-Encoding", "gzip"}},
			{"OneRowMore", minimal("c", 21), "too_many_rows", 413, nil},
			{"OneRowMorePacked", packed(t, minimal("c", 21)), "too_many_rows", 413, []string{"Content-Encoding", "gzip"}},
			{"TooManyBytes", long, "too_large", 413, nil},
			{"TooManyBytesPacked", packed(t, long), "too_large", 413, []string{"Content-Encoding", "gzip"}},
			{"PackedAndNoSmaller", packed(t, noise(5000)), "too_large", 413, []string{"Content-Encoding", "gzip"}},
			{"PackedAndCutOff", packed(t, minimal("d", 20))[:60], "invalid_json", 400, []string{"Content-Encoding", "gzip"}},
			{"PackedTwice", packed(t, packed(t, minimal("d", 2))), "invalid_utf8", 400, []string{"Content-Encoding", "gzip"}},
			{"PackedBadly", packed(t, minimal("d", 20))[:40] + strings.Repeat("\xff", 40), "invalid_json", 400, []string{"Content-Encoding", "gzip"}},
			{"BrokenUTF8", "[{\"email\":\"a@example.org\",\"username\":\"\xff\"}]", "invalid_utf8", 400, nil},
			{"Charset", minimal("e", 1), "", 200, []string{"Content-Type", "application/json; charset=utf-8"}},
			{"NoMediaType", minimal("f", 1), "", 200, []string{"Content-Type", ""}},
			{"OtherMediaType", minimal("g", 1), "", 415, []string{"Content-Type", "text/csv"}},
		} {
			t.Run(c.name, func(t *testing.T) {
				a := s.Must(c.status, http.MethodPost, "/api/v2/bulk/users", c.body, c.headers...)
				if c.status != 200 && !strings.HasPrefix(a.Header.Get("Content-Type"), "application/json") {
					t.Errorf("the refusal is %q", a.Header.Get("Content-Type"))
				}
				if !strings.Contains(string(a.Body), c.reason) {
					t.Errorf("the answer does not say %s: %s", c.reason, a.Body)
				}
			})
		}
		var batches struct{ Items []map[string]any }
		s.Must(200, http.MethodGet, "/v1/batches", "").Into(t, &batches)
		if len(batches.Items) != 4 {
			t.Errorf("%d batches are there, want the 4 that were accepted", len(batches.Items))
		}
	})
}

// Clients of jcapiv2 send the same header twice, and others send empty ones (contract §1.2).
func TestHeadersThatComeTwiceOrEmpty(t *testing.T) {
	t.Parallel()
	s := apitest.Serve(t, config.Config{})
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.App.URL()+"/api/v2/bulk/users", strings.NewReader(minimal("a", 2)))
	if err != nil {
		t.Fatal(err)
	}
	r.Header = http.Header{
		"X-Api-Key": {s.Key}, "X-Org-Id": {""}, "Content-Type": {"application/json", "application/json"}, "Accept": {"application/json", "application/json"},
		"Expect": {"100-continue"}, "Creation-Source": {""}, "Idempotency-Key": {""},
	}
	response, err := s.HTTP.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != 200 {
		t.Errorf("status %d", response.StatusCode)
	}
}

// A body that breaks off, or whose pieces are no pieces, is the client's fault, and leaves nothing (contract §3.3).
func TestBodiesThatBreakOff(t *testing.T) {
	t.Parallel()
	s := apitest.Serve(t, config.Config{})
	for name, rest := range map[string]string{
		"NoSuchChunk": "Transfer-Encoding: chunked\r\n\r\n1\r\n[\r\nzz\r\n",
		"LastChunk":   "Transfer-Encoding: chunked\r\n\r\n1\r\n[\r\n",
		"TooShort":    "Content-Length: 100\r\n\r\n[{}",
	} {
		t.Run(name, func(t *testing.T) {
			c, err := (&net.Dialer{Timeout: time.Minute}).DialContext(t.Context(), "tcp", strings.TrimPrefix(s.App.URL(), "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if err := c.SetDeadline(time.Now().Add(time.Minute)); err != nil {
				t.Fatal(err)
			}
			if _, err := fmt.Fprintf(c, "POST /api/v2/bulk/users HTTP/1.1\r\nHost: x\r\nx-api-key: %s\r\nIdempotency-Key: once\r\n%s", s.Key, rest); err != nil {
				t.Fatal(err)
			}
			if err := c.(*net.TCPConn).CloseWrite(); err != nil {
				t.Fatal(err)
			}
			response, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			if response.StatusCode != 400 {
				t.Errorf("status %d", response.StatusCode)
			}
		})
	}
	var batches struct{ Items []map[string]any }
	s.Must(200, http.MethodGet, "/v1/batches", "").Into(t, &batches)
	if len(batches.Items) != 0 {
		t.Errorf("%d batches are left", len(batches.Items))
	}
}
