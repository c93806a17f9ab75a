package edconnekt_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/musterid/muster/internal/api/apitest"
)

// TestNothingIsDropped: what a body says and cannot be carried out is refused, in the shape of a malformed request, and not left out.
func TestNothingIsDropped(t *testing.T) {
	t.Parallel()
	s := apitest.Serve(t, settings())
	unit := school(t, s, "A")
	person := identityBase + "/" + identity(t, s, 1, unit, "teacher")
	roles := identityBase + "/identities/" + strings.TrimPrefix(person, identityBase+"/") + "/roles"
	const made = `{"firstname": %q, "lastname": "B", "code_identite": "IDT000900"%s}`
	const etab = `{"nom": %q, "code_etablissement": "X", "adresse": "1", "email": "a", "telephone": "1"%s}`
	for _, c := range []struct{ what, method, path, body, loc string }{
		{"a role in an establishment called null", "POST", roles, `{"establishment_id": "null", "role_principal_code": "student"}`, `["body","establishment_id"]`},
		{"a link to an establishment called undefined", "POST", person + "/establishments", `{"establishment_id": "undefined", "role_principal_code": "student"}`, `["body","establishment_id"]`},
		{"a blank name", "POST", identityBase + "/", fmt.Sprintf(made, " ", ""), `["body","firstname"]`},
		{"a name that becomes blank", "PATCH", person, `{"lastname": "\t"}`, `["body","lastname"]`},
		{"a role of somebody new, and nowhere", "POST", identityBase + "/", fmt.Sprintf(made, "A", `, "role_principal_code": "student"`), `["body","establishment_id"]`},
		{"a role and nowhere", "PATCH", person, `{"role_principal_code": "student"}`, `["body","establishment_id"]`},
		{"a function and nowhere", "PATCH", person, `{"function_display": "Chef", "establishment_id": "null"}`, `["body","establishment_id"]`},
		{"an effective role of no role", "PATCH", person, `{"establishment_id": "` + unit + `", "role_effectif_code": "enseignant"}`, `["body","role_principal_code"]`},
		{"an establishment with a blank name", "POST", "/api/etablissements/", fmt.Sprintf(etab, "  ", ""), `["body","nom"]`},
		{"a plan that is none", "POST", "/api/etablissements/", fmt.Sprintf(etab, "X", `, "plan": "GOLD"`), `["body","plan"]`},
	} {
		a := s.Send(c.method, c.path, c.body)
		if a.Status != http.StatusUnprocessableEntity || !strings.Contains(string(a.Body), `"detail":[{"loc":`+c.loc) {
			t.Errorf("%s: %d %s", c.what, a.Status, a.Body)
		}
	}
	far := s.Must(http.StatusOK, http.MethodGet, identityBase+"/?page=99999999999999999999", "").Object(t)
	if list, _ := far["data"].([]any); len(list) != 0 || far["total"] != 1.0 {
		t.Errorf("a page far beyond the end: %v", far)
	}
}

// TestRoot: the client of the provisioning service finds its root at /, whatever else stands there, and not where the surface is off.
func TestRoot(t *testing.T) {
	t.Parallel()
	off := settings()
	off.EdConnekt.Off = true
	for name, want := range map[string]any{"on": "Provisioning Service", "off": nil} {
		set := settings()
		if name == "off" {
			set = off
		}
		root := apitest.Serve(t, set).Must(http.StatusOK, http.MethodGet, "/", "", "Authorization", "").Object(t)
		if root["service"] != want || root["name"] != "Muster" || root["links"] == nil {
			t.Errorf("%s: %v", name, root)
		}
	}
}

// TestTheRoleOfAForm: the forms for an identity show one role, and change it: somebody with one role holds the new one instead.
func TestTheRoleOfAForm(t *testing.T) {
	t.Parallel()
	s := apitest.Serve(t, settings())
	unit := school(t, s, "A")
	id := identity(t, s, 1, unit, "teacher")
	change := func(role, effective string) map[string]any {
		a := s.Must(http.StatusOK, http.MethodPatch, identityBase+"/"+id, fmt.Sprintf(
			`{"establishment_id": %q, "role_principal_code": %q, "role_effectif_code": %q, "cycle_codes": ["lycee"]}`, unit, role, effective))
		return a.Object(t)["data"].(map[string]any)
	}
	for _, want := range [][2]string{{"teacher", "enseignant"}, {"teacher", "prof_principal"}, {"teacher", "prof_principal"}, {"admin_staff", "secretaire"}} {
		got := change(want[0], want[1])
		if got["role_principal_code"] != want[0] || got["role_effectif_code"] != want[1] || len(got["establishments"].([]any)) != 1 {
			t.Errorf("after the change to %v: %v", want, got)
		}
	}
	s.Must(http.StatusOK, http.MethodPost, identityBase+"/identities/"+id+"/roles", `{"establishment_id": "`+unit+`", "role_principal_code": "parent"}`)
	if got := change("teacher", ""); len(got["establishments"].([]any)) != 3 {
		t.Errorf("somebody of two roles has lost one: %v", got)
	}
}

// TestManyAtOnce: changes of one person at the same time all take place, and of deletions one; the others find nobody.
func TestManyAtOnce(t *testing.T) {
	apitest.Each(t, settings(), func(t *testing.T, s *apitest.Server) {
		unit := school(t, s, "A")
		id := identity(t, s, 1, unit, "student")
		const many = 20
		each := func(f func(n int) apitest.Answer) map[int]int {
			answers := make([]apitest.Answer, many)
			var wait sync.WaitGroup
			for n := range many {
				wait.Go(func() { answers[n] = f(n) })
			}
			wait.Wait()
			statuses := map[int]int{}
			for _, a := range answers {
				statuses[a.Status]++
			}
			return statuses
		}
		got := each(func(n int) apitest.Answer {
			return s.Send(http.MethodPatch, identityBase+"/"+id, fmt.Sprintf(`{"lastname": "L%d", "email": "m%d@example.com"}`, n, n))
		})
		if got[http.StatusOK] != many {
			t.Errorf("changes: %v", got)
		}
		got = each(func(int) apitest.Answer { return s.Send(http.MethodDelete, identityBase+"/"+id, "") })
		if got[http.StatusOK] != 1 || got[http.StatusNotFound] != many-1 {
			t.Errorf("deletions: %v", got)
		}
	})
}

// TestEachFaultOnce: a pupil without an address lacks it as a pupil and as somebody whom nothing else names, and is told once.
func TestEachFaultOnce(t *testing.T) {
	t.Parallel()
	s := apitest.Serve(t, settings())
	id, _ := imported(t, s, "a.csv", []byte("lastname;firstname;email;role_principal\nDupont;Jean;;student\n"), school(t, s, "A"))
	var list struct {
		Errors []struct {
			Message string           `json:"message"`
			Details []map[string]any `json:"details"`
		} `json:"errors"`
	}
	s.Must(http.StatusOK, http.MethodGet, identityBase+"/bulkimport/batches/"+id+"/errors", "").Into(t, &list)
	if e := list.Errors[0]; e.Message != "Ligne 2: Champ requis manquant: email" || len(e.Details) != 1 {
		t.Errorf("%+v", e)
	}
}

// begin opens a connection, sends the beginning of a request, and gives what comes back.
func begin(t *testing.T, s *apitest.Server, head string) *http.Response {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(s.App.URL(), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Write([]byte(strings.ReplaceAll(head, "\n", "\r\n"))); err != nil {
		t.Fatal(err)
	}
	r, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Body.Close() })
	return r
}

// TestRightsBeforeTheFile: whoever may not import is refused before any of the file is taken.
func TestRightsBeforeTheFile(t *testing.T) {
	t.Parallel()
	s := apitest.Serve(t, settings())
	i := trust(t, s)
	const head = "POST " + identityBase + "/bulkimport HTTP/1.1\nHost: x\nContent-Type: multipart/form-data; boundary=b\nContent-Length: 100000000\n%s\n\n--b\n"
	for _, c := range []struct {
		what string
		as   string
		want int
	}{
		{"no credential", "X: y", http.StatusUnauthorized},
		{"somebody without rights", strings.Join(bearer(i, 7, nil), ": "), http.StatusForbidden},
	} {
		if r := begin(t, s, fmt.Sprintf(head, c.as)); r.StatusCode != c.want {
			t.Errorf("%s: %d, want %d while the file is on its way", c.what, r.StatusCode, c.want)
		}
	}
}

// TestStreamOfWhatWaits: of an import that nobody works on, an event comes at once and another one at the end of the time.
func TestStreamOfWhatWaits(t *testing.T) {
	t.Parallel()
	idle := settings()
	idle.Workers = -1
	s := apitest.Serve(t, idle)
	a := upload(t, s, "a.csv", []byte("lastname;firstname;email;role_principal\nDupont;Jean;a@example.com;student\n"), school(t, s, "A"))
	id, _ := a.Object(t)["batch_id"].(string)
	path := identityBase + "/bulkimport/sse/" + id + "?timeout=1"
	got := string(s.Send(http.MethodGet, path, "", "Authorization", "").Body)
	events := strings.Split(strings.TrimSpace(got), "\n\n")
	if len(events) != 2 || !strings.HasPrefix(events[0], `data: {"type":"PROGRESS"`) || !strings.HasPrefix(events[1], `data: {"type":"TIMEOUT"`) || !strings.Contains(events[1], `"status":"PROCESSING","total_items":1,"processed_items":0`) {
		t.Errorf("the stream was %q", got)
	}
	began := time.Now()
	if head := s.Send(http.MethodHead, strings.TrimSuffix(path, "1")+"60", ""); head.Status != http.StatusOK || time.Since(began) > 50*time.Second {
		t.Errorf("HEAD: %d after %s", head.Status, time.Since(began))
	}
}
