package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/musterid/muster"
)

// serve gives a Client of a handler.
func serve(t *testing.T, o Options, handler http.HandlerFunc) *Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	o.URL = server.URL
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestCallSendsWhoIsAsking(t *testing.T) {
	t.Parallel()
	c := serve(t, Options{Key: "k1", Tenant: "lycee", Name: "muster/7"}, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, `{"seen":%q}`, strings.Join([]string{
			r.Method, r.URL.RequestURI(), r.Header.Get("Authorization"), r.Header.Get("Muster-Tenant"), r.Header.Get("User-Agent"), r.Header.Get("Content-Type"), string(body),
		}, " "))
	})
	got, err := Call[struct{ Seen string }](t.Context(), c, http.MethodPost, "/v1/a%2Fb", url.Values{"q": {"1"}}, map[string]int{"n": 1})
	if err != nil {
		t.Fatal(err)
	}
	if want := `POST /v1/a%2Fb?q=1 Bearer k1 lycee muster/7 application/json {"n":1}`; got.Seen != want {
		t.Errorf("sent %s\nwant %s", got.Seen, want)
	}
}

func TestNewRefusesWhatIsNoAddress(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "localhost:8080", "ftp://example.org", "http://", "://"} {
		if _, err := New(Options{URL: bad}); err == nil {
			t.Errorf("%q is taken for the address of a server", bad)
		}
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, kind, body string
		status           int
		detail           string
		faults           int
	}{
		{"problem", "application/problem+json", `{"title":"Conflict","status":409,"detail":"Ana has it.","errors":[{"code":"conflict","field":"email","message":"Ana has it."}]}`, 409, "Ana has it.", 1},
		{"title only", "application/problem+json", `{"title":"Not Found"}`, 404, "Not Found", 0},
		{"plain text", "text/plain; charset=utf-8", "go away", 403, "go away", 0},
		{"a web page", "text/html", "<html>…", 502, "The server answered 502 Bad Gateway.", 0},
		{"nothing", "", "", 503, "The server answered 503 Service Unavailable.", 0},
		{"a redirect", "text/html", "", 307, "The server answered 307 Temporary Redirect.", 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := serve(t, Options{Key: "secret"}, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", test.kind)
				w.Header().Set("Location", "http://127.0.0.1:1/elsewhere")
				w.WriteHeader(test.status)
				_, _ = io.WriteString(w, test.body)
			})
			_, err := Get[json.RawMessage](t.Context(), c, "/v1/people", nil)
			var refused *Refused
			if !errors.As(err, &refused) {
				t.Fatalf("error %v, want a refusal", err)
			}
			if refused.Status != test.status || refused.Detail != test.detail || len(refused.Faults) != test.faults {
				t.Errorf("got %d %q with %d faults", refused.Status, refused.Detail, len(refused.Faults))
			}
			if test.faults > 0 && muster.CodeOf(err) != muster.Conflict {
				t.Errorf("the code is %q", muster.CodeOf(err))
			}
		})
	}
}

func TestNobodyAnswers(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(nil)
	server.Close()
	c, err := New(Options{URL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	_, err = Get[json.RawMessage](t.Context(), c, "/v1/me", nil)
	var unreachable *Unreachable
	if !errors.As(err, &unreachable) || unreachable.Server != server.URL {
		t.Errorf("error %v, want one that names %s", err, server.URL)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err = Get[json.RawMessage](ctx, c, "/v1/me", nil); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v after the caller gave up", err)
	}
}

func TestAnswersOfOtherPrograms(t *testing.T) {
	t.Parallel()
	c := serve(t, Options{}, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>router login</html>") })
	if _, err := Get[struct{}](t.Context(), c, "/v1/me", nil); err == nil || !strings.Contains(err.Error(), "right address") {
		t.Errorf("error %v, want one that doubts the address", err)
	}
}

// pages serves the numbers below n in pages.
func pages(n int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		from, limit := 0, 3
		_, _ = fmt.Sscan(r.URL.Query().Get("cursor"), &from)
		_, _ = fmt.Sscan(r.URL.Query().Get("limit"), &limit)
		limit = min(limit, 3) // a server may give less than was asked for
		var items []string
		for i := from; i < min(from+limit, n); i++ {
			items = append(items, fmt.Sprint(i))
		}
		cursor := "null"
		if from+limit < n {
			cursor = fmt.Sprintf(`"%d"`, from+limit)
		}
		fmt.Fprintf(w, `{"items":[%s],"next_cursor":%s}`, strings.Join(items, ","), cursor)
	}
}

func TestEach(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name      string
		there     int
		most      int
		want      int
		wantsMore bool
	}{
		{"all of several pages", 8, 0, 8, false},
		{"an empty list", 0, 0, 0, false},
		{"a full last page", 6, 0, 6, false},
		{"cut within a page", 8, 4, 4, true},
		{"cut at the end of a page", 8, 3, 3, true},
		{"exactly as many as there are", 8, 8, 8, false},
		{"fewer than asked for", 2, 50, 2, false},
		{"not in pages", 3, Whole, 3, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := serve(t, Options{}, pages(test.there))
			var got []string
			more, err := c.Each(t.Context(), "/v1/numbers", nil, test.most, func(raw json.RawMessage) error {
				got = append(got, string(raw))
				return nil
			})
			if err != nil || len(got) != test.want || more != test.wantsMore {
				t.Errorf("saw %v, more %t, error %v", got, more, err)
			}
		})
	}
}

func TestEachStopsAtAnError(t *testing.T) {
	t.Parallel()
	c := serve(t, Options{}, pages(8))
	stop := errors.New("enough")
	seen := 0
	if _, err := c.Each(t.Context(), "/v1/numbers", nil, 0, func(json.RawMessage) error { seen++; return stop }); !errors.Is(err, stop) || seen != 1 {
		t.Errorf("error %v after %d elements", err, seen)
	}
}

func TestUploadIsRefusedBeforeItIsSent(t *testing.T) {
	t.Parallel()
	c := serve(t, Options{}, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, `{"detail":"Send an API key."}`)
	})
	content := &endless{}
	_, err := Upload[json.RawMessage](t.Context(), c, "/v1/batches", nil, "text/csv", content)
	if err == nil || err.Error() != "Send an API key." {
		t.Errorf("error %v, want the server's sentence", err)
	}
	if content.read {
		t.Error("the content was sent although nobody wanted it")
	}
}

type endless struct{ read bool }

func (e *endless) Read(p []byte) (int, error) { e.read = true; return len(p), nil }

func TestDownload(t *testing.T) {
	t.Parallel()
	c := serve(t, Options{}, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, strings.Repeat("x", 100_000)) })
	var got strings.Builder
	if n, err := c.Download(t.Context(), "/v1/batches/1/result", nil, &got); err != nil || n != 100_000 || got.Len() != 100_000 {
		t.Errorf("%d bytes, error %v", n, err)
	}
}

func TestEvents(t *testing.T) {
	t.Parallel()
	const stream = ": hello\n\nevent: batch\nid: 1\ndata: {\"n\":1}\n\ndata: {\"n\":\ndata: 2}\r\n\r\n: still there\n\ndata:{\"n\":3}\n\ndata: {\"never\":"
	c := serve(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept") != "text/event-stream" {
			t.Errorf("asked for %q", r.Header.Get("Accept"))
		}
		fmt.Fprint(w, stream)
	})
	var got []string
	err := c.Events(t.Context(), "/v1/batches/1/events", func(raw json.RawMessage) error {
		var v struct{ N int }
		if err := json.Unmarshal(raw, &v); err != nil {
			return err
		}
		got = append(got, fmt.Sprint(v.N))
		return nil
	})
	if err != nil || strings.Join(got, " ") != "1 2 3" {
		t.Errorf("saw %v, error %v", got, err)
	}
}

func TestEventsStopAtAnError(t *testing.T) {
	t.Parallel()
	stop := errors.New("enough")
	if err := readEvents(strings.NewReader("data: 1\n\ndata: 2\n\n"), func(json.RawMessage) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("error %v", err)
	}
}

func FuzzReadEvents(f *testing.F) {
	f.Add("data: {\"n\":1}\n\ndata: 2\r\n\r\n: x\n\n")
	f.Fuzz(func(t *testing.T, stream string) {
		_ = readEvents(strings.NewReader(stream), func(raw json.RawMessage) error {
			if len(raw) == 0 {
				t.Error("an event without data was given")
			}
			return nil
		})
	})
}
