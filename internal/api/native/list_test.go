package native_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/musterid/muster/internal/config"
)

// pages reads a list to its end and gives what was on each page.
func (s *server) pages(path string) [][]map[string]any {
	s.t.Helper()
	var all [][]map[string]any
	for cursor := ""; ; {
		asked := path
		if cursor != "" {
			asked += "&cursor=" + url.QueryEscape(cursor)
		}
		var page struct {
			Items      []map[string]any `json:"items"`
			NextCursor *string          `json:"next_cursor"`
		}
		s.must(http.StatusOK, http.MethodGet, asked, "").into(s.t, &page)
		all = append(all, page.Items)
		if page.NextCursor == nil {
			return all
		}
		cursor = *page.NextCursor
		if len(all) > 100 {
			s.t.Fatalf("%s has no end", path)
		}
	}
}

func TestEveryListIsWholeWhateverThePage(t *testing.T) {
	each(t, config.Config{}, func(t *testing.T, s *server) {
		unit := text(s.must(http.StatusCreated, http.MethodPost, "/v1/units", `{"kind": "class", "code": "0", "name": "0"}`).object(t)["id"])
		group := text(s.must(http.StatusCreated, http.MethodPost, "/v1/groups", `{"code": "0", "label": "0"}`).object(t)["id"])
		const people = 11
		for i := range people {
			body := fmt.Sprintf(`{"first_name": "P%d", "last_name": "L%d"}`, i%3, i%2)
			id := text(s.must(http.StatusCreated, http.MethodPost, "/v1/people", body).object(t)["id"])
			s.must(http.StatusOK, http.MethodPut, "/v1/units/"+unit+"/members/"+id, "")
			s.must(http.StatusOK, http.MethodPut, "/v1/groups/"+group+"/members/"+id, "")
			s.must(http.StatusCreated, http.MethodPost, "/v1/units", fmt.Sprintf(`{"kind": "room", "code": "%d", "name": "%d"}`, i, i))
			s.must(http.StatusCreated, http.MethodPost, "/v1/groups", fmt.Sprintf(`{"code": "g%d", "label": "x"}`, i))
			s.must(http.StatusCreated, http.MethodPost, "/v1/keys", fmt.Sprintf(`{"name": "k%d"}`, i))
			s.must(http.StatusCreated, http.MethodPost, "/v1/targets", fmt.Sprintf(`{"name": "t%d", "kind": "rehearsal", "paused": true}`, i))
			s.must(http.StatusCreated, http.MethodPost, "/v1/tenants", fmt.Sprintf(`{"code": "t%d", "name": "x"}`, i))
		}
		batch := text(s.must(http.StatusCreated, http.MethodPost, "/v1/batches", "username\n"+strings.Repeat("x\n", people), "Content-Type", "text/csv").object(t)["id"])
		for path, want := range map[string]int{
			"/v1/people?sort=created": people, "/v1/people?sort=-created": people, "/v1/people?sort=username": people, "/v1/people?sort=name": people,
			"/v1/people?unit=class:0": people, "/v1/people?unit=" + unit: people, "/v1/people?unit_below=class:0&sort=name": people, "/v1/people?group=0": people,
			"/v1/people?group=" + group: people, "/v1/people?name=l0": 6, "/v1/people?state=active": people, "/v1/people?state=staged": 0,
			"/v1/people?created_since=2020-01-01T00:00:00Z": people, "/v1/people?updated_since=2999-01-01T00:00:00Z": 0, "/v1/units?kind=room": people, "/v1/units?parent=top": people + 1,
			"/v1/groups?label=x": people, "/v1/keys?": people + 1, "/v1/targets?": people, "/v1/tenants?": people + 1, "/v1/units/" + unit + "/members?": people,
			"/v1/groups/" + group + "/members?": people, "/v1/batches/" + batch + "/items?": people, "/v1/batches/" + batch + "/items?state=pending": people, "/v1/batches?kind=import": 1,
		} {
			for _, limit := range []int{1, 4, people, 1000} {
				seen := map[string]bool{}
				pages := s.pages(fmt.Sprintf("%s&limit=%d", path, limit))
				for n, page := range pages {
					if len(page) > limit || len(page) == 0 && n > 0 {
						t.Errorf("%s with limit %d: page %d has %d items", path, limit, n, len(page))
					}
					for _, item := range page {
						seen[fmt.Sprint(item["id"], item["person"])] = true
					}
				}
				if len(seen) != want {
					t.Errorf("%s with limit %d: %d items, want %d", path, limit, len(seen), want)
				}
			}
		}
	})
}

// Whoever lists batches means imports, unless they say otherwise.
func TestBatchesByKind(t *testing.T) {
	t.Parallel()
	s := serve(t, config.Config{})
	s.must(http.StatusCreated, http.MethodPost, "/v1/targets", `{"name": "practice", "kind": "rehearsal"}`)
	b := s.must(http.StatusCreated, http.MethodPost, "/v1/batches?then=run", "first_name,email\nAna,ana@example.org\n", "Content-Type", "text/csv").object(t)
	s.watch(text(b["id"]), func(map[string]any) {})
	kinds := func(query string) string {
		var found []string
		for _, item := range s.must(http.StatusOK, http.MethodGet, "/v1/batches?"+query, "").object(t)["items"].([]any) {
			found = append(found, text(item.(map[string]any)["kind"]))
		}
		return strings.Join(found, " ")
	}
	for query, want := range map[string]string{"": "import", "kind=import": "import", "kind=provision": "provision", "kind=all": "provision import", "kind=all&state=held": ""} {
		if got := kinds(query); got != want {
			t.Errorf("?%s lists %q, want %q", query, got, want)
		}
	}
	s.must(http.StatusUnprocessableEntity, http.MethodGet, "/v1/batches?kind=accounts", "").problem(t)
}

func TestACursorBelongsToItsList(t *testing.T) {
	t.Parallel()
	s := serve(t, config.Config{})
	for i := range 3 {
		s.must(http.StatusCreated, http.MethodPost, "/v1/people", fmt.Sprintf(`{"last_name": "L%d"}`, i))
		s.must(http.StatusCreated, http.MethodPost, "/v1/groups", fmt.Sprintf(`{"code": "g%d", "label": "x"}`, i))
	}
	cursor := url.QueryEscape(text(s.must(http.StatusOK, http.MethodGet, "/v1/people?limit=1&sort=name", "").object(t)["next_cursor"]))
	s.must(http.StatusOK, http.MethodGet, "/v1/people?limit=2&sort=name&cursor="+cursor, "") // another limit is no other list
	for _, path := range []string{"/v1/people?sort=username", "/v1/people?sort=name&state=active", "/v1/groups?"} {
		p := s.must(http.StatusBadRequest, http.MethodGet, path+"&cursor="+cursor, "").problem(t)
		if p.Errors[0].Field != "cursor" {
			t.Errorf("%s: %+v", path, p)
		}
	}
}

// What was read can be written back, and that changes nothing.
func TestWritingBackWhatWasReadChangesNothing(t *testing.T) {
	each(t, config.Config{}, func(t *testing.T, s *server) {
		parent := text(s.must(http.StatusCreated, http.MethodPost, "/v1/units", `{"kind": "school", "code": "n", "name": "N"}`).object(t)["id"])
		for path, body := range map[string]string{
			"/v1/people": `{"first_name": "Ana", "last_name": "Souza", "email": "ana@example.org", "attributes": {"class": "6A", "a.b": "c"}, "flags": {"sudo": true, "uid": 7},
			"phones": [{"type": "work", "number": "+33123456789"}], "addresses": [{"type": "home", "street": "1 rue Haute"}], "absent": true}`,
			"/v1/units":   `{"kind": "class", "code": "6A", "name": "6A", "parent": "` + parent + `", "attributes": {"room": "12"}, "closed": true}`,
			"/v1/groups":  `{"code": "staff", "label": "Staff"}`,
			"/v1/targets": `{"name": "directory", "kind": "ldap", "paused": true, "config": {"url": "ldap://ldap.example.org", "bind_dn": "cn=admin", "bind_password": "hunter2", "base_dn": "dc=example"}}`,
		} {
			made := s.must(http.StatusCreated, http.MethodPost, path, body)
			if strings.Contains(string(made.body), "hunter2") {
				t.Errorf("%s shows a secret", path)
			}
			one := path + "/" + text(made.object(t)["id"])
			if made.header.Get("Location") != one {
				t.Errorf("%s: Location is %q", path, made.header.Get("Location"))
			}
			read := s.must(http.StatusOK, http.MethodGet, one, "")
			for _, headers := range [][]string{nil, {"If-Match", read.header.Get("ETag")}, {"Content-Type", "application/merge-patch+json"}} {
				back := s.must(http.StatusOK, http.MethodPatch, one, string(read.body), headers...)
				if string(back.body) != string(read.body) || back.header.Get("ETag") != read.header.Get("ETag") {
					t.Errorf("writing %s back gives another:\n%s%s", one, read.body, back.body)
				}
			}
			s.must(http.StatusPreconditionFailed, http.MethodPatch, one, `{}`, "If-Match", `"99"`).problem(t)
			s.must(http.StatusPreconditionFailed, http.MethodPatch, one, `{}`, "If-Match", `W/"1"`).problem(t)
			s.must(http.StatusUnprocessableEntity, http.MethodPatch, one, `{"created_at": "2001-01-01T00:00:00Z"}`).problem(t)
			s.must(http.StatusUnprocessableEntity, http.MethodPatch, one, `{"nosuch": 1}`).problem(t)
		}
	})
}
