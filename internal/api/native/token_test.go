package native_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/musterid/muster/internal/auth/authtest"
	"github.com/musterid/muster/internal/config"
)

// Tokens of an issuer that the tenant trusts, through a whole server.
func TestTokens(t *testing.T) {
	each(t, config.Config{}, func(t *testing.T, s *server) {
		i := authtest.Start(t)
		bearer := func(claims map[string]any) []string { return []string{"Authorization", "Bearer " + i.Token(claims)} }
		admin := bearer(map[string]any{"realm_access": map[string]any{"roles": []string{"ROLE_ADMIN"}}})

		a := s.must(http.StatusUnauthorized, http.MethodGet, "/v1/me", "", admin...)
		if p := a.problem(t); p.Code != "unauthenticated" || !strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Bearer") {
			t.Errorf("a token of an issuer that nobody trusts: %+v", p)
		}
		issuers, err := json.Marshal(map[string]any{"settings": map[string]any{"issuers": []any{i.Setting()}}})
		if err != nil {
			t.Fatal(err)
		}
		settings := s.must(http.StatusOK, http.MethodPatch, "/v1/tenants/own", string(issuers)).object(t)["settings"].(map[string]any)
		if list, _ := settings["issuers"].([]any); len(list) != 1 || text(list[0].(map[string]any)["issuer"]) != i.URL {
			t.Errorf("settings %v", settings)
		}
		again := s.must(http.StatusOK, http.MethodPatch, "/v1/tenants/own", `{"settings":{"limits":{"percent":30}}}`).object(t)["settings"].(map[string]any)
		if list, _ := again["issuers"].([]any); len(list) != 1 {
			t.Errorf("issuers that nobody spoke of are %v", again["issuers"])
		}

		i.Down(true)
		if p := s.must(http.StatusServiceUnavailable, http.MethodGet, "/v1/me", "", admin...).problem(t); p.Code != "unavailable" {
			t.Errorf("an issuer that is down: %+v", p)
		}
		i.Down(false)
		i = authtest.Start(t) // another one, as the first is left alone for a while
		issuers, err = json.Marshal(map[string]any{"settings": map[string]any{"issuers": []any{i.Setting()}}})
		if err != nil {
			t.Fatal(err)
		}
		s.must(http.StatusOK, http.MethodPatch, "/v1/tenants/own", string(issuers))
		admin = bearer(map[string]any{"realm_access": map[string]any{"roles": []string{"ROLE_ADMIN"}}})

		ana := s.must(http.StatusCreated, http.MethodPost, "/v1/people", `{"first_name":"Ana","last_name":"Souza","email":"ana@example.org"}`, admin...).object(t)
		history := s.must(http.StatusOK, http.MethodGet, "/v1/people/"+text(ana["id"])+"/history", "", admin...)
		if !strings.Contains(string(history.body), "login:f3a1") {
			t.Errorf("the history does not name who it was: %s", history.body)
		}
		me := s.must(http.StatusOK, http.MethodGet, "/v1/me", "", bearer(map[string]any{"sub": "s1", "email": "ana@example.org", "email_verified": true})...).object(t)
		if list, _ := me["privileges"].([]any); text(me["name"]) != "person:"+text(ana["username"]) || len(list) != 0 {
			t.Errorf("who am I: %v", me)
		}
		history = s.must(http.StatusOK, http.MethodGet, "/v1/people/"+text(ana["id"])+"/history", "", admin...)
		if !strings.Contains(string(history.body), "login.create") {
			t.Errorf("the history does not tell of the login: %s", history.body)
		}
		for path, status := range map[string]int{"/v1/people": http.StatusForbidden, "/v1/keys": http.StatusForbidden, "/v1/targets": http.StatusForbidden} {
			s.must(status, http.MethodGet, path, "", bearer(map[string]any{"sub": "nobody"})...)
		}
		own := s.must(http.StatusOK, http.MethodGet, "/v1/tenants/own", "", bearer(map[string]any{"sub": "nobody"})...)
		if strings.Contains(string(own.body), "127.0.0.1") {
			t.Errorf("nobody learns of the networks around: %s", own.body)
		}
		for name, claims := range map[string]map[string]any{"expired": {"exp": 1}, "for somebody else": {"aud": "account"}} {
			if p := s.must(http.StatusUnauthorized, http.MethodGet, "/v1/people", "", bearer(claims)...).problem(t); p.Code != "unauthenticated" {
				t.Errorf("%s: %+v", name, p)
			}
		}
	})
}
