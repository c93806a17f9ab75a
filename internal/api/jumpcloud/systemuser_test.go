package jumpcloud_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/api/apitest"
	"github.com/musterid/muster/internal/config"
)

// person is somebody as the native API tells of them.
type person struct {
	ID      string `json:"id"`
	Seq     int64  `json:"seq"`
	Version int64  `json:"version"`
}

// sorts are people of every sort, as the native API makes them, and what is done to them then.
var sorts = map[string]struct {
	body string
	then [][2]string // method and path after the person's, with a body after a space
}{
	"plain":             {body: `{"username": "plain", "email": "plain@example.org", "first_name": "P", "last_name": "Lain"}`},
	"mixed case":        {body: `{"username": "Mixed.Case", "email": "Mixed.Case@Example.ORG"}`},
	"shared e-mail":     {body: `{"username": "sharer", "email": "Plain2@example.org"}`},
	"without e-mail":    {body: `{"username": "mailless"}`},
	"odd username":      {body: `{"username": "1_odd+name@x.test", "email": "odd@example.org"}`},
	"a long username":   {body: `{"username": "a.username.that.is.rather.long.for.any.system", "email": "long@example.org"}`},
	"staged":            {body: `{"username": "staged", "state": "staged"}`},
	"suspended":         {body: `{"username": "suspended", "state": "suspended", "reason": "exam"}`},
	"archived":          {body: `{"username": "archived"}`, then: [][2]string{{http.MethodPost, "/retire " + `{"reason": "left"}`}}},
	"custom attributes": {body: `{"username": "custom", "attributes": {"a b": "1", "A-b": "2", "ünï": " x ", "long": "` + strings.Repeat("é", 1000) + `"}}`},
	"phones":            {body: `{"username": "phones", "phones": [{"type": "work", "number": "+33 (0)1 23"}, {"type": "work", "number": "2"}, {"type": "", "number": "3"}, {"type": "x.y", "number": "4"}]}`},
	"addresses":         {body: `{"username": "addresses", "addresses": [{"type": "home", "street": "1 rue\nHugo", "po_box": "7"}, {"type": "home"}, {"type": "", "locality": "Dakar"}]}`},
	"flags of others":   {body: `{"username": "flags", "flags": {"sudo": "yes", "unix_uid": "7", "mfa": true, "tags": "x", "ssh_keys": [1], "relationships": {"a": 1}, "public_key": 7, "delegatedAuthority": {"id": 1}, "other": {"deep": [null]}}}`},
	"flags of its own":  {body: `{"username": "own", "flags": {"sudo": true, "unix_uid": 5000, "mfa": {"configured": true, "exclusionDays": 3}, "tags": ["a"], "relationships": [{"type": "manager", "value": "x"}], "public_key": "ssh-rsa A", "creationSource": "jumpcloud:bulk", "ssh_keys": [{"name": "a", "public_key": "b", "create_date": "2026-01-01T00:00:00.000Z"}], "delegatedAuthority": {"id": "1", "name": "ActiveDirectory"}, "restrictedFields": [{"field": "email", "type": "scim", "id": "1"}]}}`},
	"every field":       {body: `{"username": "every", "email": "every@example.org", "email_verified": true, "first_name": "Ève", "middle_name": "M", "last_name": "Ry", "display_name": "Every", "initials": "E", "nickname": "N", "suffix": "Jr", "birth_date": "2001-02-03", "gender": "f", "employee_id": "E 1", "code": "C1", "source": "hr", "source_id": "1", "absent": true, "mode": "rest", "locale": "fr", "company": "Acme", "cost_center": "9", "department": "IT", "employee_type": "x", "job_title": "y", "location": "z", "description": "two\nlines", "hire_date": "2020-01-01", "alternate_email": "Alt@Example.org", "recovery_email": "Rec@Example.org"}`},
	"managed":           {body: `{"username": "managed", "manager": "{boss}"}`},
	"managed by nobody": {body: `{"username": "orphan", "manager": "{gone}"}`},
}

// make makes everybody, and gives them by the name of their sort.
func makeAll(t *testing.T, s *apitest.Server) map[string]person {
	t.Helper()
	boss, gone := native(t, s, `{"username": "boss"}`), native(t, s, `{"username": "gone"}`)
	native(t, s, `{"username": "holder", "email": "plain2@example.org"}`)
	people := map[string]person{}
	for name, sort := range sorts {
		body := strings.NewReplacer("{boss}", boss.ID, "{gone}", gone.ID).Replace(sort.body)
		path := "/v1/people?email=shared"
		var p person
		s.Must(http.StatusCreated, http.MethodPost, path, body).Into(t, &p)
		for _, then := range sort.then {
			path, body, _ := strings.Cut(then[1], " ")
			s.Must(http.StatusOK, then[0], "/v1/people/"+p.ID+path, body).Into(t, &p)
		}
		people[name] = p
	}
	s.Must(http.StatusNoContent, http.MethodDelete, "/v1/people/"+gone.ID, "")
	var nameless struct{ Data person }
	s.Must(http.StatusCreated, http.MethodPost, "/identity/api/v1/identity", `{"firstname": "Ana", "lastname": "Diaz", "code_identite": "IDT000778"}`).Into(t, &nameless)
	s.Must(http.StatusOK, http.MethodGet, "/v1/people/"+nameless.Data.ID, "").Into(t, &nameless.Data)
	people["without username"] = nameless.Data
	return people
}

func native(t *testing.T, s *apitest.Server, body string) (p person) {
	t.Helper()
	s.Must(http.StatusCreated, http.MethodPost, "/v1/people", body).Into(t, &p)
	return p
}

// userID is the id that somebody has here.
func userID(t *testing.T, s *apitest.Server, p person) string {
	t.Helper()
	var list struct {
		Results []struct {
			ID string `json:"_id"`
		}
	}
	for skip := 0; ; skip += 100 {
		s.Must(http.StatusOK, http.MethodGet, fmt.Sprintf("/api/systemusers?fields=_id&skip=%d&limit=100", skip), "").Into(t, &list)
		for _, one := range list.Results {
			if seq, _, _ := muster.ParseHexID(one.ID); seq == p.Seq {
				return one.ID
			}
		}
		if len(list.Results) < 100 {
			t.Fatalf("person %d is not listed", p.Seq)
		}
	}
}

// Whoever it is, who sends back what was read changes nothing: neither as a whole nor attribute by attribute.
func TestWritingBackWhatWasReadChangesNothing(t *testing.T) {
	apitest.Each(t, config.Config{}, func(t *testing.T, s *apitest.Server) {
		for name, p := range makeAll(t, s) {
			path, own := "/api/systemusers/"+userID(t, s, p), "/v1/people/"+p.ID
			before := s.Must(http.StatusOK, http.MethodGet, own, "").Object(t)
			read := s.Must(http.StatusOK, http.MethodGet, path, "").Object(t)
			if name == "without username" && read["username"] != "" {
				t.Errorf("the username of somebody without one is %v", read["username"])
			}
			writes := []map[string]any{read}
			for attribute, v := range read {
				writes = append(writes, map[string]any{attribute: v})
			}
			for _, body := range writes {
				text, err := json.Marshal(body)
				if err != nil {
					t.Fatal(err)
				}
				answer := s.Must(http.StatusOK, http.MethodPut, path, string(text)).Object(t)
				delete(answer, "warnings")
				if diff := cmp.Diff(read, answer); diff != "" {
					t.Errorf("%s: after %.200s: %s", name, text, diff)
				}
			}
			if diff := cmp.Diff(before, s.Must(http.StatusOK, http.MethodGet, own, "").Object(t)); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
		}
	})
}

// Changes of different attributes at the same time are all there afterwards: none is lost.
func TestChangesAtTheSameTimeAreAllKept(t *testing.T) {
	apitest.Each(t, config.Config{}, func(t *testing.T, s *apitest.Server) {
		p := native(t, s, `{"username": "ann", "email": "ann@example.org"}`)
		path := "/api/systemusers/" + userID(t, s, p)
		want := map[string]any{}
		for _, name := range []string{"company", "costCenter", "department", "employeeType", "jobTitle", "location", "firstname", "lastname"} {
			want[name] = "new " + name
		}
		var group sync.WaitGroup
		for name, v := range want {
			group.Go(func() {
				if a := s.Send(http.MethodPut, path, fmt.Sprintf(`{%q: %q}`, name, v)); a.Status != http.StatusOK {
					t.Errorf("%s: %d %s", name, a.Status, a.Body)
				}
			})
		}
		group.Wait()
		got := s.Must(http.StatusOK, http.MethodGet, path, "").Object(t)
		maps.DeleteFunc(got, func(name string, _ any) bool { return want[name] == nil })
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

// Who makes the same user many times at once makes one.
func TestOneUserIsMadeOnce(t *testing.T) {
	apitest.Each(t, config.Config{}, func(t *testing.T, s *apitest.Server) {
		var group sync.WaitGroup
		statuses := make([]int, 8)
		for i := range statuses {
			group.Go(func() {
				a := s.Send(http.MethodPost, "/api/systemusers", fmt.Sprintf(`{"username": "ann%d", "email": "Ann@example.org"}`, i))
				statuses[i] = a.Status
				if a.Status != http.StatusOK && !strings.Contains(string(a.Body), "User already exists") {
					t.Errorf("%d: %s", a.Status, a.Body)
				}
			})
		}
		group.Wait()
		made := 0
		for _, status := range statuses {
			if status == http.StatusOK {
				made++
			}
		}
		if made != 1 {
			t.Errorf("made %d times: %v", made, statuses)
		}
	})
}

// A key that may only read reads, and what it may not do is refused before the body is looked at.
func TestReadOnlyKeysOnlyRead(t *testing.T) {
	apitest.Each(t, config.Config{}, func(t *testing.T, s *apitest.Server) {
		p := native(t, s, `{"username": "ann", "email": "ann@example.org"}`)
		path := "/api/systemusers/" + userID(t, s, p)
		var key struct{ Key string }
		s.Must(http.StatusCreated, http.MethodPost, "/v1/keys", `{"name": "reader", "scope": "read"}`).Into(t, &key)
		reads := []string{"X-Api-Key", key.Key}
		for _, c := range []struct {
			method, path, body string
			want               int
		}{
			{http.MethodGet, path, "", 200},
			{http.MethodGet, "/api/systemusers", "", 200},
			{http.MethodPost, "/api/search/systemusers", "{}", 200},
			{http.MethodGet, "/api/organizations", "", 200},
			{http.MethodPost, "/api/systemusers", "not JSON", 403},
			{http.MethodPut, path, "[", 403},
			{http.MethodDelete, path, "", 403},
			{http.MethodPost, path + "/state/activate", "", 403},
		} {
			if a := s.Send(c.method, c.path, c.body, reads...); a.Status != c.want {
				t.Errorf("%s %s: %d, want %d: %s", c.method, c.path, a.Status, c.want, a.Body)
			}
		}
	})
}

// Bodies are bounded, by bytes and by nesting.
func TestBodiesOfSingleUsersAreBounded(t *testing.T) {
	t.Parallel()
	s := apitest.Serve(t, config.Config{Limits: config.Limits{Body: 1000, Depth: 4}})
	for name, c := range map[string]struct {
		body, reason string
		status       int
	}{
		"large":   {`{"email": "` + strings.Repeat("x", 1000) + `"}`, "too_large", 413},
		"deep":    {`{"mfa": {"a": {"b": {"c": {}}}}}`, "too_deep", 400},
		"encoded": {"{\"email\": \"\xff\"}", "invalid_utf8", 400},
		"two":     {`{} {}`, "invalid_json", 400},
		"null":    {`null`, "not_an_object", 400},
	} {
		a := s.Send(http.MethodPost, "/api/systemusers", c.body)
		var told struct {
			Details []struct{ Reason string }
		}
		a.Into(t, &told)
		if a.Status != c.status || len(told.Details) != 1 || told.Details[0].Reason != c.reason {
			t.Errorf("%s: %d %s", name, a.Status, a.Body)
		}
	}
}

// The password is stored so that it can be signed in with, and shown nowhere.
func TestPasswordsOfSingleUsersAreShownNowhere(t *testing.T) {
	apitest.Each(t, config.Config{}, func(t *testing.T, s *apitest.Server) {
		const first, second = "Tr0ub4dor-and-3", "correct horse battery staple"
		made := s.Must(http.StatusOK, http.MethodPost, "/api/systemusers", `{"username": "ann", "email": "ann@example.org", "password": "`+first+`"}`)
		path := "/api/systemusers/" + made.Object(t)["_id"].(string)
		changed := s.Must(http.StatusOK, http.MethodPut, path, `{"password": "`+second+`", "lastname": "Lee"}`)
		refused := s.Must(http.StatusBadRequest, http.MethodPut, path, `{"password": "`+second+`", "email": ""}`)
		read := s.Must(http.StatusOK, http.MethodGet, path, "")
		for _, a := range []apitest.Answer{made, changed, refused, read} {
			for _, hidden := range []string{first, second, `"password"`, "hash", "argon"} {
				if strings.Contains(string(a.Body), hidden) {
					t.Errorf("%s is shown: %s", hidden, a.Body)
				}
			}
		}
		if o := read.Object(t); o["activated"] != true || o["password_date"] == nil {
			t.Errorf("%v since %v", o["activated"], o["password_date"])
		}
	})
}
