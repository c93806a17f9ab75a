package native_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/musterid/muster/internal/config"
)

func TestBodiesAreBounded(t *testing.T) {
	t.Parallel()
	s := serve(t, config.Config{Limits: config.Limits{Body: 1000, Depth: 4}})
	for _, c := range []struct {
		name, body, kind string
		status           int
		code, says       string
	}{
		{"too large", `{"first_name": "` + strings.Repeat("a", 1000) + `"}`, "", http.StatusRequestEntityTooLarge, "too_long", "body-bytes"},
		{"nested too deeply", `{"flags": {"a": {"b": {"c": {}}}}}`, "", http.StatusBadRequest, "too_long", "body-depth"},
		{"cut off", `{"first_name": "Ana"`, "", http.StatusBadRequest, "invalid", "too early"},
		{"not JSON", `first_name=Ana`, "", http.StatusBadRequest, "invalid", "not JSON"},
		{"two values", `{} {}`, "", http.StatusBadRequest, "invalid", "follows the end"},
		{"a name twice", `{"first_name": "Ana", "first_name": "Eva"}`, "", http.StatusBadRequest, "invalid", "twice"},
		{"not UTF-8", "{\"first_name\": \"\xff\"}", "", http.StatusBadRequest, "invalid", "UTF-8"},
		{"a list", `[1]`, "", http.StatusUnprocessableEntity, "invalid", "JSON object"},
		{"null", `null`, "", http.StatusUnprocessableEntity, "required", "needs at least"},
		{"none", ``, "", http.StatusBadRequest, "required", "required"},
		{"a form", `first_name=Ana`, "application/x-www-form-urlencoded", http.StatusUnsupportedMediaType, "unsupported", "application/json"},
		{"another type", `{}`, "application/xml", http.StatusUnsupportedMediaType, "unsupported", "application/json"},
		{"no type", `{}`, " ", http.StatusUnsupportedMediaType, "unsupported", "application/json"},
	} {
		t.Run(c.name, func(t *testing.T) {
			headers := []string{}
			if c.kind != "" {
				headers = append(headers, "Content-Type", strings.TrimSpace(c.kind))
			}
			a := s.send(http.MethodPost, "/v1/people", c.body, headers...)
			if a.status != c.status {
				t.Fatalf("answered %d, want %d\n%s", a.status, c.status, a.body)
			}
			if p := a.problem(t); p.Code != c.code || !strings.Contains(p.Detail, c.says) {
				t.Errorf("%s: %s", p.Code, p.Detail)
			}
		})
	}
	if n := len(s.must(http.StatusOK, http.MethodGet, "/v1/people", "").object(t)["items"].([]any)); n != 0 {
		t.Errorf("%d people came of that", n)
	}
}

// A value at fault may be a secret in the wrong place: no answer repeats what was sent for another type.
func TestFaultsDoNotEchoValues(t *testing.T) {
	t.Parallel()
	s := serve(t, config.Config{})
	for route, body := range map[string]string{
		"POST /v1/keys":    `{"name": {"secret": "hunter2"}, "hunter2": 1}`,
		"POST /v1/targets": `{"name": "t", "kind": "ldap", "config": "hunter2"}`,
		"POST /v1/units":   `{"kind": "class", "code": "6A", "name": "x", "attributes": {"pin": ["hunter2"]}}`,
	} {
		method, path, _ := strings.Cut(route, " ")
		a := s.send(method, path, body)
		if a.status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d %s", route, a.status, a.body)
		}
		if strings.Count(string(a.body), "hunter2") > strings.Count(body, `"hunter2": 1`) {
			t.Errorf("%s repeats what was sent: %s", route, a.body)
		}
	}
}

func TestAnUploadThatBreaksOffLeavesNothing(t *testing.T) {
	t.Parallel()
	s := serve(t, config.Config{})
	for name, request := range map[string]string{
		"a body": "Content-Type: text/csv\r\nContent-Length: 1000\r\n\r\nfirst_name,last_name\r\nAna,Souza\r\n",
		"a form": "Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 1000\r\n\r\n" +
			"--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\n\r\nfirst_name,last_name\r\nAna,Souza\r\n",
		"a JSON body": "Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n[{\"first_name\": \"Ana\"}",
	} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(s.App.URL(), "http://"))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "POST /v1/batches HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n%s", s.key, request)
		if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		_ = conn.SetReadDeadline(time.Now().Add(time.Minute))
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err == nil && response.StatusCode != http.StatusBadRequest { // or no answer at all: nobody is listening
			t.Errorf("%s that breaks off: %d", name, response.StatusCode)
		}
		conn.Close()
	}
	if n := len(s.must(http.StatusOK, http.MethodGet, "/v1/batches", "").object(t)["items"].([]any)); n != 0 {
		t.Errorf("%d batches came of uploads that broke off", n)
	}
}
