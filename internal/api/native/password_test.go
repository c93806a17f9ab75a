package native_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/musterid/muster/internal/config"
)

func basic(login, password string) []string {
	return []string{"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte(login+":"+password))}
}

// signsIn asks who somebody is, by their password.
func (s *server) signsIn(login, password string) answer {
	s.t.Helper()
	return s.send(http.MethodGet, "/v1/me", "", basic(login, password)...)
}

func TestPasswords(t *testing.T) {
	each(t, config.Config{}, func(t *testing.T, s *server) {
		const first, second = "planted:päss word 1", "planted-second-2"
		body := `{"username":"ana","email":"ana@example.org","last_name":"Souza","password":%q}`
		a := s.must(http.StatusCreated, http.MethodPost, "/v1/people", fmt.Sprintf(body, first), "Idempotency-Key", "k1")
		if strings.Contains(string(a.body), "planted") || strings.Contains(string(a.body), "password") {
			t.Errorf("the answer: %s", a.body)
		}
		s.must(http.StatusCreated, http.MethodPost, "/v1/people", fmt.Sprintf(body, first), "Idempotency-Key", "k1")
		s.must(http.StatusConflict, http.MethodPost, "/v1/people", fmt.Sprintf(body, second), "Idempotency-Key", "k1")
		path := "/v1/people/" + text(a.object(t)["id"])

		for _, login := range []string{"ana", "ANA", "ana@example.org", "default/ana"} {
			a := s.signsIn(login, first)
			if a.status != http.StatusOK || text(a.object(t)["name"]) != "person:ana" {
				t.Errorf("%s: %d %s", login, a.status, a.body)
			}
		}
		refusal := s.signsIn("ana", "wrong").problem(t)
		refusal.RequestID = ""
		for what, a := range map[string]answer{
			"a wrong password": s.signsIn("ana", first+"x"), "nobody": s.signsIn("eve", first), "no password": s.signsIn("ana", ""),
			"another tenant": s.signsIn("other/ana", first), "no login": s.signsIn("", first), "a long one": s.signsIn("ana", strings.Repeat("x", 5000)),
			"zero bytes": s.signsIn("an\x00a", first), "not UTF-8": s.signsIn("an\xff", first),
		} {
			p := a.problem(t)
			if p.RequestID = ""; a.status != http.StatusUnauthorized || fmt.Sprint(p) != fmt.Sprint(refusal) || strings.Contains(a.header.Get("WWW-Authenticate"), "Basic") {
				t.Errorf("%s: %d %+v %q", what, a.status, p, a.header.Get("WWW-Authenticate"))
			}
		}
		for _, header := range []string{"Basic ", "Basic %%%", "Basic " + base64.StdEncoding.EncodeToString([]byte("no colon"))} {
			s.must(http.StatusUnauthorized, http.MethodGet, "/v1/me", "", "Authorization", header)
		}
		s.must(http.StatusForbidden, http.MethodGet, "/v1/people", "", basic("ana", first)...)
		s.must(http.StatusForbidden, http.MethodPatch, path, `{"password":"another one"}`, basic("ana", first)...)

		a = s.must(http.StatusOK, http.MethodGet, path, "")
		if strings.Contains(string(a.body), "password") {
			t.Errorf("the person: %s", a.body)
		}
		s.must(http.StatusOK, http.MethodPatch, path, fmt.Sprintf(`{"password":%q,"nickname":"An"}`, second))
		if a := s.signsIn("ana", first); a.status != http.StatusUnauthorized {
			t.Errorf("the old password: %d", a.status)
		}
		if a := s.signsIn("ana", second); a.status != http.StatusOK {
			t.Errorf("the new password: %d", a.status)
		}
		history := string(s.must(http.StatusOK, http.MethodGet, path+"/history", "").body)
		if strings.Count(history, `"field":"password"`) != 2 || strings.Contains(history, "planted") || strings.Contains(history, "argon2") {
			t.Errorf("the history: %s", history)
		}
		s.must(http.StatusOK, http.MethodPatch, path, `{"state":"suspended"}`)
		if a := s.signsIn("ana", second); a.status != http.StatusUnauthorized {
			t.Errorf("suspended: %d", a.status)
		}
	})
}

func TestPasswordsThatAreRefused(t *testing.T) {
	s := serve(t, config.Config{Mail: config.Mail{PasswordMin: 12}})
	for _, c := range []struct{ name, body, code string }{
		{"too short", `{"last_name":"X","password":"planted9012"}`, "policy"},
		{"empty", `{"last_name":"X","password":""}`, "required"},
		{"null", `{"last_name":"X","password":null}`, "invalid"},
		{"a number", `{"last_name":"X","password":123456789012345}`, "invalid"},
		{"an object", `{"last_name":"X","password":{"value":"planted9012345"}}`, "invalid"},
		{"control characters", `{"last_name":"X","password":"planted\t9012345"}`, "invalid"},
		{"too long", `{"last_name":"X","password":"planted` + strings.Repeat("ä", 250) + `"}`, "too_long"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, a := range []answer{s.send(http.MethodPost, "/v1/people", c.body), s.send(http.MethodPost, "/v1/people", strings.Replace(c.body, `"X"`, `"X","email":"no"`, 1))} {
				p := a.problem(t)
				told := false
				for _, f := range p.Errors {
					told = told || f.Field == "password" && f.Code == c.code
				}
				if a.status != http.StatusUnprocessableEntity || !told || strings.Contains(string(a.body), "planted") || strings.Contains(string(a.body), "12345678901") {
					t.Errorf("%d %s", a.status, a.body)
				}
			}
		})
	}
	if people := s.must(http.StatusOK, http.MethodGet, "/v1/people", "").object(t)["items"].([]any); len(people) != 0 {
		t.Errorf("%d people", len(people))
	}
}
