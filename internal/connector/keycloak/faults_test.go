package keycloak_test

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/connector"
	"github.com/musterid/muster/internal/connector/keycloak/keycloaktest"
	"github.com/musterid/muster/internal/outbound"
)

// answering has the proxy answer every request but those for tokens.
func answering(p *proxy, status int, header map[string]string, body string) {
	p.say(func(w http.ResponseWriter, r *http.Request, pass func()) {
		if strings.HasSuffix(r.URL.Path, "/token") {
			pass()
			return
		}
		for name, value := range header {
			w.Header().Set(name, value)
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	})
}

// Each answer leads to what the caller does about it: wait for the target, wait as long as it says, give up, or try again.
func TestAnswers(t *testing.T) {
	t.Parallel()
	r := keycloaktest.Start(t).Realm(t, keycloaktest.Options{})
	p := watched(t, r.Server.URL)
	c := open(t, r.Settings(settings{"url": p.URL}))
	made := create(t, c, "ana", nil)
	for _, test := range []struct {
		name   string
		status int
		header map[string]string
		body   string
		is     error
		want   connector.Failure
		field  string
	}{
		{name: "401 again and again", status: 401, body: `{"error":"HTTP 401 Unauthorized"}`, want: connector.Failure{Down: true}, field: "config.client_id"},
		{name: "403", status: 403, body: `{"error":"HTTP 403 Forbidden"}`, want: connector.Failure{Permanent: true}},
		{name: "404 by Keycloak", status: 404, body: `{"error":"User not found"}`, is: connector.ErrNotFound},
		{name: "404 of a realm", status: 404, body: `{"error":"Realm not found."}`, want: connector.Failure{Down: true}, field: "config.realm"},
		{name: "404 by a proxy", status: 404, body: `<h1>Not Found</h1>`, want: connector.Failure{Down: true}, field: "config.url"},
		{name: "404 of an address past it", status: 404, body: `{"error":"HTTP 404 Not Found"}`, want: connector.Failure{Down: true}, field: "config.url"},
		{name: "429", status: 429, header: map[string]string{"Retry-After": "7"}, want: connector.Failure{After: 7 * time.Second}},
		{name: "429 that does not say", status: 429, want: connector.Failure{After: 10 * time.Second}},
		{name: "503 that says when", status: 503, header: map[string]string{"Retry-After": "30"}, want: connector.Failure{After: 30 * time.Second}},
		{name: "503", status: 503, want: connector.Failure{Down: true}},
		{name: "502", status: 502, body: "<html>", want: connector.Failure{Down: true}},
		{name: "504", status: 504, want: connector.Failure{Down: true}},
		{name: "500", status: 500, body: `{"error":"unknown_error"}`, want: connector.Failure{}},
		{name: "302", status: 302, header: map[string]string{"Location": "https://elsewhere.example/"}, want: connector.Failure{Down: true}, field: "config.url"},
		{name: "success that is no JSON", status: 200, body: "<html>Welcome", want: connector.Failure{Down: true}, field: "config.url"},
		{name: "another user", status: 200, body: `{"id":"11111111-1111-1111-1111-111111111111","username":"ana"}`, is: connector.ErrNotFound},
	} {
		t.Run(test.name, func(t *testing.T) {
			answering(p, test.status, test.header, test.body)
			defer p.say(nil)
			_, err := c.Find(t.Context(), connector.Query{ExternalID: made.ExternalID})
			if test.is != nil {
				if !errors.Is(err, test.is) {
					t.Errorf("Find gives %v, want %v", err, test.is)
				}
				return
			}
			v := connector.Verdict(err)
			if err == nil || errors.Is(err, connector.ErrNotFound) || v.Down != test.want.Down || v.Permanent != test.want.Permanent || v.After != test.want.After {
				t.Errorf("Find gives %v, marked %+v; want %+v", err, v, test.want)
			}
			if test.field != "" && muster.Faults(err)[0].Field != test.field {
				t.Errorf("the fault %v does not name %s", err, test.field)
			}
		})
	}
	if _, err := c.Find(t.Context(), connector.Query{ExternalID: made.ExternalID}); err != nil {
		t.Errorf("after all that: %v", err)
	}
}

// A token is asked for once for many calls, again when its time is over, and again when it is refused before.
func TestTokens(t *testing.T) {
	t.Parallel()
	r := keycloaktest.Start(t).Realm(t, keycloaktest.Options{Realm: settings{"accessTokenLifespan": 2}})
	p := watched(t, r.Server.URL)
	c := open(t, r.Settings(settings{"url": p.URL}))
	made := create(t, c, "ana", nil)
	find := func() {
		t.Helper()
		if _, err := c.Find(t.Context(), connector.Query{ExternalID: made.ExternalID}); err != nil {
			t.Fatalf("Find: %v", err)
		}
	}
	deadline := time.Now().Add(3 * time.Second) // longer than a token lives: only time can end it
	for time.Now().Before(deadline) || p.tokens.Load() < 2 && time.Now().Before(deadline.Add(time.Minute)) {
		find()
	}
	if n := p.tokens.Load(); n < 2 || n > 8 {
		t.Errorf("%d tokens were asked for in the time that 2 or 3 of them live", n)
	}
	refused, writes := 0, p.writes.Load()
	p.say(func(w http.ResponseWriter, r *http.Request, pass func()) {
		if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/users") && refused == 0 {
			refused++
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		pass()
	})
	create(t, c, "bea", nil)
	if n := p.writes.Load() - writes; n != 2 || refused != 1 {
		t.Errorf("a create whose token was refused made %d requests, want 2", n)
	}
}

func TestNotLetIn(t *testing.T) {
	t.Parallel()
	r := keycloaktest.Start(t).Realm(t, keycloaktest.Options{})
	for _, test := range []struct {
		name  string
		more  settings
		field string
	}{
		{"wrong secret", settings{"client_secret": "canary-wrong"}, "config.client_secret"},
		{"unknown client", settings{"client_id": "nobody"}, "config.client_secret"},
		{"client without a service account", settings{"client_id": keycloaktest.AppID}, "config.client_secret"},
		{"unknown realm", settings{"realm": "nowhere"}, "config.realm"},
		{"unknown realm of the client", settings{"client_realm": "nowhere"}, "config.realm"},
		{"a path too many", settings{"url": r.Server.URL + "/auth"}, "config.url"},
		{"nobody there", settings{"url": "http://127.0.0.1:9"}, "config.url"},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := open(t, r.Settings(test.more)).Check(t.Context())
			if !connector.Verdict(err).Down || muster.Faults(err)[0].Field != test.field {
				t.Errorf("Check gives %v; want Down, and the field %s", err, test.field)
			}
			if err != nil && strings.Contains(fmt.Sprintf("%+v", err), "canary") {
				t.Errorf("the error contains the secret: %v", err)
			}
		})
	}
}

func TestTooSlow(t *testing.T) {
	t.Parallel()
	r := keycloaktest.Start(t).Realm(t, keycloaktest.Options{})
	p := watched(t, r.Server.URL)
	hasty := env
	hasty.Timeout = 200 * time.Millisecond
	end := make(chan struct{})
	t.Cleanup(func() { close(end) })
	p.say(func(http.ResponseWriter, *http.Request, func()) { <-end })
	c, err := connectorOf(t, r.Settings(settings{"url": p.URL}), hasty)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Check(t.Context()); !connector.Verdict(err).Down {
		t.Errorf("no answer within the time given: %v; want Down", err)
	}
}

func connectorOf(t testing.TB, set settings, env connector.Environment) (connector.Connector, error) {
	t.Helper()
	c, err := kind.Open(t.Context(), decode(t, set), env)
	if err == nil {
		t.Cleanup(func() { c.Close() })
	}
	return c, err
}

// Nothing is said to a server whose certificate is not known, and an address that is not allowed is not called.
func TestWhoIsSpokenTo(t *testing.T) {
	t.Parallel()
	r := keycloaktest.Start(t).Realm(t, keycloaktest.Options{})
	p := watchedTLS(t, r.Server.URL)
	if err := open(t, r.Settings(settings{"url": p.URL, "allow_http": false})).Check(t.Context()); !connector.Verdict(err).Down || p.tokens.Load() != 0 {
		t.Errorf("a certificate of nobody: %v, after %d requests for tokens; want Down, and none", err, p.tokens.Load())
	}
	ca := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.Certificate().Raw}))
	if err := open(t, r.Settings(settings{"url": p.URL, "allow_http": false, "ca": ca})).Check(t.Context()); err != nil {
		t.Errorf("with its authority: %v", err)
	}
	strict := env
	strict.Guard = outbound.Guard{}
	c, err := connectorOf(t, r.Settings(), strict)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Check(t.Context()); !connector.Verdict(err).Down || muster.CodeOf(err) != muster.Policy {
		t.Errorf("an address that is not allowed: %v; want Down, and a fault of the policy", err)
	}
}

// A Keycloak that stops is down, and what was made is found when it is back.
func TestStopAndStart(t *testing.T) {
	t.Parallel()
	server := keycloaktest.Own(t)
	r := server.Realm(t, keycloaktest.Options{})
	c := open(t, r.Settings())
	made := create(t, c, "ana", nil)
	server.Stop()
	for name, call := range map[string]func() error{
		"Find":  func() error { _, err := c.Find(t.Context(), connector.Query{ExternalID: made.ExternalID}); return err },
		"Apply": func() error { _, err := c.Apply(t.Context(), creation("bea", nil)); return err },
		"Activations": func() error {
			return c.(connector.Activator).Activations(t.Context(), []string{made.ExternalID}, func(string, connector.Progress) error { return nil })
		},
	} {
		if err := call(); !connector.Verdict(err).Down {
			t.Errorf("%s of a server that is stopped gives %v; want Down", name, err)
		}
	}
	server.Restart(t)
	found, err := c.Find(t.Context(), connector.Query{Marker: "marker-ana"})
	if err != nil || found.ExternalID != made.ExternalID {
		t.Errorf("after the start Find gives %+v and %v", found, err)
	}
	create(t, c, "bea", nil)
}

// Whoever waits for a token of somebody else can give up.
func TestWaitingForAToken(t *testing.T) {
	t.Parallel()
	r := keycloaktest.Start(t).Realm(t, keycloaktest.Options{})
	p := watched(t, r.Server.URL)
	asked, release := make(chan struct{}), make(chan struct{})
	p.say(func(_ http.ResponseWriter, _ *http.Request, pass func()) {
		close(asked)
		<-release
		p.say(nil)
		pass()
	})
	c := open(t, r.Settings(settings{"url": p.URL}))
	first := make(chan error, 1)
	go func() { first <- c.Check(context.WithoutCancel(t.Context())) }()
	select {
	case <-asked:
	case err := <-first:
		t.Fatalf("no token was asked for: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Check(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("a call that is cancelled while another asks for the token gives %v", err)
	}
	close(release)
	if err := <-first; err != nil {
		t.Errorf("the call that asked for the token: %v", err)
	}
}
