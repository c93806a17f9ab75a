package native_test

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"strings"
	"sync"
	"testing"

	"github.com/musterid/muster/internal/config"
)

func (s *server) count(path string) int {
	s.t.Helper()
	items, _ := s.must(http.StatusOK, http.MethodGet, path, "").object(s.t)["items"].([]any)
	return len(items)
}

func TestAPostSentTwiceIsDoneOnce(t *testing.T) {
	each(t, config.Config{}, func(t *testing.T, s *server) {
		const body = `{"first_name": "Ana", "last_name": "Souza"}`
		first := s.must(http.StatusCreated, http.MethodPost, "/v1/people", body, "Idempotency-Key", "one")
		again := s.must(http.StatusCreated, http.MethodPost, "/v1/people", body, "Idempotency-Key", "one")
		if !bytes.Equal(first.body, again.body) || again.header.Get("Idempotency-Replayed") != "true" || first.header.Get("Idempotency-Replayed") != "" {
			t.Errorf("the repeat got another answer:\n%s%s", first.body, again.body)
		}
		for _, name := range []string{"Location", "ETag", "Content-Type"} {
			if first.header.Get(name) == "" || first.header.Get(name) != again.header.Get(name) {
				t.Errorf("%s is %q, and %q in the repeat", name, first.header.Get(name), again.header.Get(name))
			}
		}
		if n := s.count("/v1/people"); n != 1 {
			t.Errorf("%d people", n)
		}
		s.must(http.StatusConflict, http.MethodPost, "/v1/people", `{"first_name": "Eva", "last_name": "Souza"}`, "Idempotency-Key", "one").problem(t)
		s.must(http.StatusConflict, http.MethodPost, "/v1/people?email=shared", body, "Idempotency-Key", "one").problem(t)
		s.must(http.StatusConflict, http.MethodPost, "/v1/groups", `{"code": "a", "label": "A"}`, "Idempotency-Key", "one").problem(t)
		s.must(http.StatusUnprocessableEntity, http.MethodPost, "/v1/people", body, "Idempotency-Key", strings.Repeat("x", 300)).problem(t)
		s.must(http.StatusCreated, http.MethodPost, "/v1/people", body, "Idempotency-Key", "two")
		if n := s.count("/v1/people"); n != 2 {
			t.Errorf("%d people", n)
		}
	})
}

// What was refused changed nothing, so the key is free for the corrected request.
func TestARefusedPostMayBeCorrected(t *testing.T) {
	t.Parallel()
	s := serve(t, config.Config{})
	s.must(http.StatusUnprocessableEntity, http.MethodPost, "/v1/people", `{"first_name": "Ana", "email": "x"}`, "Idempotency-Key", "one")
	s.must(http.StatusCreated, http.MethodPost, "/v1/people", `{"first_name": "Ana", "email": "ana@example.org"}`, "Idempotency-Key", "one")
	s.must(http.StatusUnprocessableEntity, http.MethodPost, "/v1/batches", "Colour\nred\n", "Idempotency-Key", "two", "Content-Type", "text/csv")
	s.must(http.StatusCreated, http.MethodPost, "/v1/batches", "email\na@x.test\n", "Idempotency-Key", "two", "Content-Type", "text/csv")
}

// A key is shown once. The repeat says so, and makes no second one.
func TestARepeatedKeyIsNotShownAgain(t *testing.T) {
	t.Parallel()
	s := serve(t, config.Config{})
	s.must(http.StatusCreated, http.MethodPost, "/v1/keys", `{"name": "k"}`, "Idempotency-Key", "one")
	again := s.must(http.StatusConflict, http.MethodPost, "/v1/keys", `{"name": "k"}`, "Idempotency-Key", "one")
	if strings.Contains(string(again.body), "muster_") {
		t.Errorf("the repeat shows the key: %s", again.body)
	}
	if n := s.count("/v1/keys"); n != 2 { // with the admin's
		t.Errorf("%d keys", n)
	}
}

func TestAnUploadSentTwiceIsOneBatch(t *testing.T) {
	each(t, config.Config{}, func(t *testing.T, s *server) {
		const file = "first_name,last_name,email\nAna,Souza,ana@example.org\n"
		send := func(status int, path, content string) answer {
			t.Helper()
			return s.must(status, http.MethodPost, path, content, "Idempotency-Key", "one", "Content-Type", "text/csv")
		}
		first := send(http.StatusCreated, "/v1/batches?then=run", file)
		again := send(http.StatusCreated, "/v1/batches?then=run", file)
		if !bytes.Equal(first.body, again.body) || again.header.Get("Idempotency-Replayed") != "true" || again.header.Get("Location") != first.header.Get("Location") {
			t.Errorf("the repeat got another answer:\n%s%s", first.body, again.body)
		}
		send(http.StatusConflict, "/v1/batches?then=run", strings.Replace(file, "Ana", "Eva", 1)).problem(t)
		send(http.StatusConflict, "/v1/batches?then=plan", file).problem(t)
		if n := s.count("/v1/batches"); n != 1 {
			t.Errorf("%d batches", n)
		}
	})
}

// Of ten repeats at the same moment one makes the batch; the others get its answer, or are told to come again.
func TestRepeatsAtTheSameMoment(t *testing.T) {
	each(t, config.Config{}, func(t *testing.T, s *server) {
		var mu sync.Mutex
		statuses := map[int]int{}
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() {
				a := s.send(http.MethodPost, "/v1/batches", "email\na@x.test\n", "Idempotency-Key", "one", "Content-Type", "text/csv")
				mu.Lock()
				defer mu.Unlock()
				statuses[a.status]++
			})
		}
		all.Wait()
		if statuses[http.StatusCreated] == 0 || statuses[http.StatusCreated]+statuses[http.StatusServiceUnavailable] != 10 {
			t.Errorf("answers: %v", statuses)
		}
		if n := s.count("/v1/batches"); n != 1 {
			t.Errorf("%d batches", n)
		}
	})
}

// form makes a multipart body of parts: name, value, and file names where there are any.
func form(t *testing.T, parts ...[3]string) (body, kind string) {
	t.Helper()
	var out bytes.Buffer
	w := multipart.NewWriter(&out)
	for _, p := range parts {
		h := textproto.MIMEHeader{"Content-Disposition": {fmt.Sprintf("form-data; name=%q", p[0])}}
		if p[2] != "" {
			h.Set("Content-Disposition", fmt.Sprintf("form-data; name=%q; filename=%q", p[0], p[2]))
		}
		part, err := w.CreatePart(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := part.Write([]byte(p[1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String(), w.FormDataContentType()
}

func TestAFileInAForm(t *testing.T) {
	t.Parallel()
	s := serve(t, config.Config{})
	file := [3]string{"file", "Vorname;Name;Mail\nAna;Souza;ana@example.org\n", `C:\work\pupils.csv`}
	mapping := [3]string{"mapping", `{"Vorname": "first_name", "Name": "last_name", "Mail": "-"}`, ""}
	body, kind := form(t, mapping, [3]string{"mode", "create", ""}, file)
	b := s.must(http.StatusCreated, http.MethodPost, "/v1/batches?then=run", body, "Content-Type", kind).object(t)
	if b["name"] != "pupils.csv" || b["options"].(map[string]any)["mode"] != "create" {
		t.Errorf("the batch is called %v, with the options %v", b["name"], b["options"])
	}
	s.wait(text(b["id"]), "finished")
	people := s.must(http.StatusOK, http.MethodGet, "/v1/people", "").object(t)["items"].([]any)
	if len(people) != 1 || people[0].(map[string]any)["first_name"] != "Ana" || people[0].(map[string]any)["email"] != nil {
		t.Errorf("people %v", people)
	}
	for _, c := range []struct {
		name   string
		parts  [][3]string
		status int
		field  string
	}{
		{"an option behind the file", [][3]string{file, mapping}, http.StatusUnprocessableEntity, "mapping"},
		{"a second file", [][3]string{file, file}, http.StatusUnprocessableEntity, "file"},
		{"no file", [][3]string{mapping}, http.StatusUnprocessableEntity, "file"},
		{"an unknown option", [][3]string{{"colour", "red", ""}, file}, http.StatusUnprocessableEntity, "colour"},
		{"a mapping that is none", [][3]string{{"mapping", "Name=last_name", ""}, file}, http.StatusUnprocessableEntity, "mapping"},
		{"a huge option", [][3]string{{"source", strings.Repeat("x", 70_000), ""}, file}, http.StatusUnprocessableEntity, "source"},
	} {
		body, kind := form(t, c.parts...)
		p := s.must(c.status, http.MethodPost, "/v1/batches", body, "Content-Type", kind).problem(t)
		if p.Errors[0].Field != c.field {
			t.Errorf("%s is blamed on %q: %s", c.name, p.Errors[0].Field, p.Detail)
		}
	}
	if n := s.count("/v1/batches"); n != 1 {
		t.Errorf("%d batches", n)
	}
}

func TestAFileThatIsTooLarge(t *testing.T) {
	t.Parallel()
	s := serve(t, config.Config{Limits: config.Limits{Upload: 5000, Rows: 10}})
	for name, rows := range map[string]int{"upload_bytes": 2000, "rows": 11} {
		p := s.must(http.StatusRequestEntityTooLarge, http.MethodPost, "/v1/batches", "email\n"+strings.Repeat("a@x.test\n", rows), "Content-Type", "text/csv").problem(t)
		if p.Code != "too_long" || !strings.Contains(p.Detail, name) {
			t.Errorf("%s: %s %s", name, p.Code, p.Detail)
		}
	}
	if n := s.count("/v1/batches"); n != 0 {
		t.Errorf("%d batches", n)
	}
}
