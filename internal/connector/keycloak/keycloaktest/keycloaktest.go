// Package keycloaktest starts a real Keycloak for tests, on a loopback port, and makes realms on it: each test has one of its own, with a client
// for Muster and mails that go where the test says. Nothing of it is used outside tests.
//
// MUSTER_TEST_KEYCLOAK_HOME names the unpacked distribution (org.keycloak:keycloak-quarkus-dist on Maven Central), which server.sh runs. Starting
// takes some ten seconds, so one server serves all tests of a process; MUSTER_TEST_KEYCLOAK names a server that runs already, and serves them all.
// Begin with Start and Realm; Own gives a server that a test may stop.
package keycloaktest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/musterid/muster/internal/connector/connectortest"
)

const (
	addressVariable = "MUSTER_TEST_KEYCLOAK"
	homeVariable    = "MUSTER_TEST_KEYCLOAK_HOME"
	adminName       = "admin"
	adminPassword   = "admin"
)

// Server is a running Keycloak.
type Server struct {
	URL string // such as http://127.0.0.1:18080

	process *process // nil when somebody else started it

	mu      sync.Mutex
	token   string // of the administrator
	renewed time.Time
}

var shared struct {
	once   sync.Once
	server *Server
	err    error
}

// Start gives the server that all tests of this process share. It must not be stopped.
func Start(t testing.TB) *Server {
	t.Helper()
	address, home := os.Getenv(addressVariable), os.Getenv(homeVariable)
	if address == "" && home == "" {
		connectortest.Missing(t, homeVariable+" does not name an unpacked Keycloak (Maven artifact org.keycloak:keycloak-quarkus-dist)")
	}
	shared.once.Do(func() {
		if address != "" {
			shared.server = &Server{URL: strings.TrimRight(address, "/")}
			return
		}
		var p *process
		if p, shared.err = inTemp(home); shared.err == nil {
			shared.server, shared.err = p.serve()
		}
	})
	if shared.err != nil {
		t.Fatalf("keycloaktest: %v", shared.err)
	}
	return shared.server
}

// Own starts a server that only this test has. Stop and Restart keep its data and its address; it ends with the test.
func Own(t testing.TB) *Server {
	t.Helper()
	home := os.Getenv(homeVariable)
	if home == "" {
		connectortest.Missing(t, homeVariable+" does not name an unpacked Keycloak (Maven artifact org.keycloak:keycloak-quarkus-dist)")
	}
	p := &process{home: home, data: t.TempDir() + "/keycloak"}
	t.Cleanup(p.stop)
	s, err := p.serve()
	if err != nil {
		t.Fatalf("keycloaktest: %v", err)
	}
	return s
}

// Stop stops a server that Own started; stopping it again does nothing.
func (s *Server) Stop() { s.process.stop() }

// Restart starts it again, at the same address.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	s.Stop()
	if err := s.process.run(); err != nil {
		t.Fatalf("keycloaktest: %v", err)
	}
}

// client keeps no connection open, so that no goroutine is left behind.
var client = &http.Client{
	Timeout:   60 * time.Second,
	Transport: &http.Transport{DisableKeepAlives: true},
}

// Do calls the Admin API as the administrator, with a path such as /admin/realms, and reads the answer into out unless that is nil. A refusal is
// given as its status and text, for tests that expect one.
func (s *Server) Do(ctx context.Context, method, path string, body, out any) (status int, text string, err error) {
	token, err := s.administrator(ctx)
	if err != nil {
		return 0, "", err
	}
	var content io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return 0, "", err
		}
		content = bytes.NewReader(raw)
	}
	request, err := http.NewRequestWithContext(ctx, method, s.URL+path, content)
	if err != nil {
		return 0, "", err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Content-Type", "application/json")
	answer, err := client.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer answer.Body.Close()
	raw, err := io.ReadAll(answer.Body)
	if err == nil && out != nil && answer.StatusCode < 300 {
		err = json.Unmarshal(raw, out)
	}
	return answer.StatusCode, string(raw), err
}

// administrator gives a token of the administrator, who has it for a minute.
func (s *Server) administrator(ctx context.Context) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Since(s.renewed) < 30*time.Second {
		return s.token, nil
	}
	token, err := grant(ctx, s.URL+"/realms/master/protocol/openid-connect/token", url.Values{
		"grant_type": {"password"}, "client_id": {"admin-cli"}, "username": {adminName}, "password": {adminPassword},
	})
	if err != nil {
		return "", err
	}
	s.token, s.renewed = token, time.Now()
	return token, nil
}

// grant asks a token endpoint for an access token.
func grant(ctx context.Context, endpoint string, form url.Values) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := client.Do(request)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	var said struct {
		Token       string `json:"access_token"`
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&said); err != nil {
		return "", fmt.Errorf("token endpoint answers %s: %w", answer.Status, err)
	}
	if said.Token == "" {
		return "", fmt.Errorf("no token: %s: %s", said.Error, said.Description)
	}
	return said.Token, nil
}
