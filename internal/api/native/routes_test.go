package native_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/musterid/muster/internal/api/native"
	"github.com/musterid/muster/internal/config"
)

const nobody = "0199f3c2-7c1e-7c8a-8000-00000000ffff"

// Every route, written in all the ways that lead to something else or nowhere: the answer is a problem, and never a redirect.
func TestNoPathIsTidied(t *testing.T) {
	t.Parallel()
	s := serve(t, config.Config{})
	methods := map[string][]string{}
	for _, route := range native.Routes() {
		method, path, _ := strings.Cut(route, " ")
		methods[path] = append(methods[path], method)
	}
	for path, has := range methods {
		real := inPath.ReplaceAllString(path, nobody)
		wrong := http.MethodPatch
		if slices.Contains(has, wrong) {
			wrong = http.MethodPut
		}
		for _, c := range []struct {
			name, method, path string
			status             int
		}{
			{"a method it does not have", wrong, real, http.StatusMethodNotAllowed},
			{"OPTIONS", http.MethodOptions, real, http.StatusMethodNotAllowed},
			{"an invented method", "FROB", real, http.StatusMethodNotAllowed},
			{"a slash at the end", has[0], real + "/", http.StatusNotFound},
			{"two slashes", has[0], strings.Replace(real, "/v1/", "/v1//", 1), http.StatusNotFound},
			{"a slash in front", has[0], "/" + real, http.StatusNotFound},
			{"an escaped slash", has[0], "/v1%2F" + strings.TrimPrefix(real, "/v1/"), http.StatusNotFound},
			{"an escaped letter", has[0], strings.Replace(real, "/v1", "/%76%31", 1), http.StatusNotFound},
			{"dots", has[0], strings.Replace(real, "/v1/", "/v1/./", 1), http.StatusNotFound},
			{"one segment more", has[0], real + "/nosuch/nosuch", http.StatusNotFound},
			{"another case", has[0], strings.Replace(real, "/v1", "/V1", 1), http.StatusNotFound},
		} {
			a := s.send(c.method, c.path, "")
			if a.status != c.status {
				t.Errorf("%s with %s: %s %s answers %d, want %d", path, c.name, c.method, c.path, a.status, c.status)
				continue
			}
			a.problem(t)
			allow := strings.Split(a.header.Get("Allow"), ", ")
			if c.status == http.StatusMethodNotAllowed && !slices.Equal(slices.DeleteFunc(allow, func(m string) bool { return m == http.MethodHead }), sorted(has)) {
				t.Errorf("%s with %s: Allow is %q, the path has %v", path, c.name, a.header.Get("Allow"), has)
			}
		}
	}
}

func sorted(list []string) []string {
	list = slices.Clone(list)
	slices.Sort(list)
	return list
}

// Whoever has no key learns nothing from any route; whoever may only read changes nothing.
func TestEveryRouteAsksForTheKey(t *testing.T) {
	t.Parallel()
	s := serve(t, config.Config{})
	reader := text(s.must(http.StatusCreated, http.MethodPost, "/v1/keys", `{"name": "reader"}`).object(t)["key"])
	for _, route := range native.Routes() {
		method, path, _ := strings.Cut(route, " ")
		if path == "/v1/openapi.json" {
			continue
		}
		real := strings.ReplaceAll(inPath.ReplaceAllString(path, nobody), "/v1/tenants/"+nobody, "/v1/tenants/own")
		a := s.send(method, real, "", "Authorization", "")
		if a.status != http.StatusUnauthorized || !strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Bearer") {
			t.Errorf("%s without a key: %d, WWW-Authenticate %q", route, a.status, a.header.Get("WWW-Authenticate"))
		}
		if method == http.MethodGet {
			continue
		}
		body, kind := "", "application/json"
		switch {
		case path == "/v1/batches":
			body, kind = "first_name,email\nAna,ana@x.test\n", "text/csv"
		case method == http.MethodPost || method == http.MethodPatch || method == http.MethodPut:
			body = sample[route]
		}
		if a := s.send(method, real, body, "Authorization", "Bearer "+reader, "Content-Type", kind); a.status != http.StatusForbidden {
			t.Errorf("%s with a key that may only read: %d, want 403\n%s", route, a.status, a.body)
		}
	}
}

// sample is a body for each route that needs one.
var sample = map[string]string{
	"POST /v1/people":                         `{"first_name": "Ana", "last_name": "Souza"}`,
	"PATCH /v1/people/{person}":               `{"nickname": "A"}`,
	"POST /v1/people/{person}/retire":         `{"reason": "gone"}`,
	"POST /v1/units":                          `{"kind": "class", "code": "6A", "name": "6A"}`,
	"PATCH /v1/units/{unit}":                  `{"name": "6A"}`,
	"PUT /v1/units/{unit}/members/{person}":   `{}`,
	"POST /v1/groups":                         `{"code": "staff", "label": "Staff"}`,
	"PATCH /v1/groups/{group}":                `{"label": "Staff"}`,
	"PUT /v1/groups/{group}/members/{person}": `{}`,
	"POST /v1/targets":                        `{"name": "t", "kind": "rehearsal"}`,
	"PATCH /v1/targets/{target}":              `{"name": "t"}`,
	"POST /v1/keys":                           `{"name": "k"}`,
	"POST /v1/tenants":                        `{"code": "north", "name": "North"}`,
	"PATCH /v1/tenants/{tenant}":              `{"name": "North"}`,
}

// An id of another tenant answers to the letter like one that nobody has.
func TestTenantsAreWalls(t *testing.T) {
	each(t, config.Config{}, func(t *testing.T, s *server) {
		s.must(http.StatusCreated, http.MethodPost, "/v1/tenants", `{"code": "north", "name": "North"}`)
		in := func(method, path, body string, headers ...string) map[string]any {
			t.Helper()
			return s.must(http.StatusCreated, method, path, body, append(headers, "Muster-Tenant", "north")...).object(t)
		}
		ids := map[string]string{
			"person":  text(in(http.MethodPost, "/v1/people", sample["POST /v1/people"])["id"]),
			"unit":    text(in(http.MethodPost, "/v1/units", sample["POST /v1/units"])["id"]),
			"group":   text(in(http.MethodPost, "/v1/groups", sample["POST /v1/groups"])["id"]),
			"target":  text(in(http.MethodPost, "/v1/targets", `{"name": "t", "kind": "rehearsal", "paused": true}`)["id"]),
			"key":     text(in(http.MethodPost, "/v1/keys", sample["POST /v1/keys"])["id"]),
			"batch":   text(in(http.MethodPost, "/v1/batches", "first_name,username\nA,B\n", "Content-Type", "text/csv")["id"]),
			"account": nobody,
		}
		for _, route := range native.Routes() {
			method, path, _ := strings.Cut(route, " ")
			if !strings.Contains(path, "{") || strings.Contains(path, "{tenant}") {
				continue
			}
			theirs := inPath.ReplaceAllStringFunc(path, func(p string) string { return ids[strings.Trim(p, "{}")] })
			other := inPath.ReplaceAllString(path, nobody)
			a, b := s.send(method, theirs, sample[route], "X-Request-Id", "r"), s.send(method, other, sample[route], "X-Request-Id", "r")
			said := string(a.body)
			for _, id := range ids {
				said = strings.ReplaceAll(said, id, nobody)
			}
			if a.status != http.StatusNotFound || b.status != http.StatusNotFound || said != string(b.body) {
				t.Errorf("%s: theirs %d, nobody's %d\n%s\n%s", route, a.status, b.status, a.body, b.body)
			}
		}
	})
}
