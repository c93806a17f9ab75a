package e2e

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// known are the people that bad input meets.
const known = "source_id,last_name,first_name,email\n1,Martin,Anne,anne@example.org\n2,Petit,Paul,paul@example.org\n"

// TestBadInputs sends what people, programs and attackers send. Each gets an answer that says what is wrong and where, and nothing is left behind.
func TestBadInputs(t *testing.T) {
	t.Parallel()
	var args []string
	if raceDetector { // under which half a gigabyte takes long
		args = []string{"--upload-bytes", fmt.Sprint(64 << 20)}
	}
	s := start(t, options{args: args})
	if b := s.finished(t, s.upload(t, known, "known.csv", "run").ID, false, time.Minute); b.Counts.Created != 2 {
		t.Fatalf("%+v", b)
	}
	t.Run("files", func(t *testing.T) { refusesFiles(t, s) })
	t.Run("rows", func(t *testing.T) { failsRows(t, s) })
	t.Run("bodies", func(t *testing.T) { refusesBodies(t, s) })
	t.Run("other tenants", func(t *testing.T) { hidesOtherTenants(t, s) })
	if most, ok := s.memory(); ok {
		t.Logf("the process needed at most %d MiB", most>>20)
	}
	s.stop()
	s.leavesNothing(t)
}

// state is what bad input must leave as it was.
func (s *server) state(t *testing.T) string {
	t.Helper()
	people, batches := list[personView](t, s, "/v1/people", nil), list[batchView](t, s, "/v1/batches", url.Values{"kind": {"all"}})
	left, err := os.ReadDir(s.temp)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("people %v; batches %v; temporary files %v", people, batches, left)
}

// unchanged runs f and proves that it left nothing.
func (s *server) unchanged(t *testing.T, f func()) {
	t.Helper()
	before := s.state(t)
	f()
	if after := s.state(t); after != before {
		t.Errorf("before: %s\nafter:  %s", before, after)
	}
}

// mentions fails unless a problem has a status and a field, and its text every word.
func mentions(t *testing.T, p problem, status int, field string, words ...string) {
	t.Helper()
	if p.Status != status {
		t.Errorf("status %d, want %d", p.Status, status)
	}
	text, fields := p.Detail, []string{}
	for _, f := range p.Errors {
		text += " " + f.Message
		fields = append(fields, f.Field)
	}
	if field != "" && !slices.Contains(fields, field) {
		t.Errorf("fields %q, want %q among them", fields, field)
	}
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("%q does not say %q", text, w)
		}
	}
	if t.Failed() {
		t.Logf("the answer: %+v", p)
	}
}

// endless gives a byte again and again.
type endless byte

func (b endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(b)
	}
	return len(p), nil
}

// bomb is a workbook whose sheet unpacks to a size out of all proportion.
func bomb(t *testing.T, size int64) *bytes.Buffer {
	t.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, part := range []struct{ name, text string }{
		{"[Content_Types].xml", `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="xml" ContentType="application/xml"/></Types>`},
		{"xl/workbook.xml", `<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="a" sheetId="1" r:id="r1"/></sheets></workbook>`},
		{"xl/_rels/workbook.xml.rels", `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>`},
		{"xl/worksheets/sheet1.xml", `<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>email</t></is></c></row><row r="2"><c r="A2" t="inlineStr"><is><t>`},
	} {
		w, err := z.Create(part.name)
		if err == nil {
			_, err = io.WriteString(w, part.text)
		}
		if err == nil && strings.HasSuffix(part.name, "sheet1.xml") {
			_, err = io.CopyN(w, endless('a'), size)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return &out
}

const (
	mostBytes = 200 << 20 // that the process may need while it is fed with too much
	bombBytes = 200 << 20 // of the bomb, unpacked
)

func refusesFiles(t *testing.T, s *server) {
	columns := make([]string, 300)
	for i := range columns {
		columns[i] = fmt.Sprintf("column %d", i)
	}
	text := func(s string) io.Reader { return strings.NewReader(s) }
	for _, c := range []struct {
		name    string
		content io.Reader
		status  int
		field   string
		words   []string
	}{
		{"empty", text(""), 422, "", []string{"empty"}},
		{"header only", text("last_name,email\n"), 422, "", []string{"no row"}},
		{"image called csv", text("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01"), 422, "", []string{"image"}},
		{"zip bomb", bomb(t, bombBytes/slower), 413, "", []string{"limit"}},
		{"one line of 1 GiB", io.LimitReader(endless('a'), 1<<30), 413, "", []string{"line", "limit"}},
		{"too large a file", io.LimitReader(io.MultiReader(text("last_name,email\n"), &repeated{text: "Martin,a@example.org\n"}), 1<<30), 413, "", []string{"limit"}},
		{"lone quote", text("last_name,email\nMartin,a@example.org\n\"Petit,b@example.org\nDurand,c@example.org\n"), 422, "", []string{"line 3"}},
		{"lone quote far down", text(known + sound(25_000) + "\"x,Petit,Paul,x@example.org\n"), 422, "", []string{"line 25004"}},
		{"broken off workbook", bytes.NewReader(bomb(t, 1000).Bytes()[:700]), 422, "", []string{"damaged"}},
		{"NUL bytes", text("last_name,email\nMar\x00tin,a@example.org\n"), 422, "", []string{"Line 2", "character 4"}},
		{"two columns of one meaning", text("email,e-mail,last_name\na@example.org,b@example.org,Martin\n"), 422, "email", []string{`"email"`, `"e-mail"`}},
		{"two columns of one name", text("email,last_name,last_name\na@example.org,Martin,Petit\n"), 422, "", []string{"Columns B and C"}},
		{"nothing that identifies anybody", text("colour,weight\nred,7\n"), 422, "", []string{"column"}},
		{"unknown encoding", text("last_name,email\nMartin,a@example.org\n\x81\x8d\x8f\x90,b@example.org\n"), 422, "", []string{"line 3"}},
		{"broken UTF-8", text("\ufefflast_name,email\nMartin,a@example.org\nP\xc3(tit,b@example.org\n"), 422, "", []string{"line 3", "character 2"}},
		{"300 columns", text(strings.Join(columns, ",") + "\n"), 413, "", []string{"256", "limit"}},
		{"a single object", text(`{"last_name":"Martin"}`), 422, "", []string{"array"}},
		{"half an array", text(`[{"last_name":"Martin"},`), 422, "", []string{"line 1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s.unchanged(t, func() {
				_, p, err := s.send(t.Context(), c.content, url.Values{"name": {"people.csv"}, "then": {"run"}})
				if !errors.Is(err, errRefused) {
					t.Fatalf("the server said: %v", err)
				}
				mentions(t, p, c.status, c.field, c.words...)
			})
			if most, ok := s.memory(); ok && most > mostBytes && !raceDetector {
				t.Errorf("the process needed %d MiB", most>>20)
			}
		})
	}
}

// sound gives n rows below the header of known.
func sound(n int) string {
	var out strings.Builder
	for i := range n {
		fmt.Fprintf(&out, "r%d,Petit,Paul,r%d@example.org\n", i, i)
	}
	return out.String()
}

// repeated gives a text again and again.
type repeated struct {
	text string
	at   int
}

func (r *repeated) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		c := copy(p[n:], r.text[r.at:])
		n, r.at = n+c, (r.at+c)%len(r.text)
	}
	return n, nil
}

// failsRows sends files that are sound but for some rows: those fail, each with its reason, and the others are done.
func failsRows(t *testing.T, s *server) {
	const other = "sound@example.org"
	for _, c := range []struct {
		name, file, mode string
		row              int
		field            string
		words            []string
	}{
		{"address twice in the file", "last_name,email\nMartin,x@example.org\nPetit,X@example.org\nSound," + other, "upsert", 3, "", []string{"row 2"}},
		{"address that is somebody's", "last_name,email\nOther,anne@example.org\nSound," + other, "create", 2, "email", []string{"Anne Martin"}},
		{"one row, two people", "source_id,email,last_name\n1,paul@example.org,Martin\n9," + other + ",Sound", "upsert", 2, "", []string{"two"}},
		{"address that is none", "last_name,email\nMartin,not an address\nSound," + other, "upsert", 2, "email", nil},
		{"date that is none", "last_name,email,birth_date\nMartin,y@example.org,31/31/2020\nSound," + other + ",", "upsert", 2, "birth_date", nil},
		{"state that is none", "last_name,email,status\nMartin,z@example.org,purple\nSound," + other + ",active", "upsert", 2, "state", []string{"purple"}},
		{"text where a number is wrong", `[{"last_name":"Martin","email":7},{"last_name":"Sound","email":"` + other + `"}]`, "upsert", 1, "email", nil},
		{"field that is unknown", `[{"last_name":"Martin","emial":"y@example.org"},{"last_name":"Sound","email":"` + other + `"}]`, "upsert", 1, "emial", nil},
		{"more cells than columns", "last_name,email\nMartin,v@example.org,and more\nSound," + other, "upsert", 2, "", []string{"more cells"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := list[personView](t, s, "/v1/people", nil)
			b, p, err := s.send(t.Context(), strings.NewReader(c.file), url.Values{"name": {c.name}, "mode": {c.mode}, "then": {"plan"}})
			if err != nil {
				t.Fatalf("%v %+v", err, p)
			}
			until(t, 20*time.Second, "planned", func() bool { b = s.batch(t, b.ID); return b.State == "planned" })
			if after := list[personView](t, s, "/v1/people", nil); !slices.Equal(before, after) {
				t.Errorf("planning changed people: %+v", after)
			}
			items := list[itemView](t, s, "/v1/batches/"+b.ID+"/items", nil)
			if b.Counts.Failed != 1 || len(items) != b.Total {
				t.Errorf("%+v: %+v", b, items)
			}
			for _, i := range items {
				if i.State != "failed" {
					continue
				}
				if i.Row != c.row {
					t.Errorf("row %d failed, want %d", i.Row, c.row)
				}
				p := problem{Status: 422, Errors: i.Reasons}
				mentions(t, p, 422, c.field, c.words...)
			}
			call[batchView](t, s, http.MethodPost, "/v1/batches/"+b.ID+"/cancel", nil)
		})
	}
	s.provesBatches(t)
}

func refusesBodies(t *testing.T, s *server) {
	anne := s.named(t, "anne.martin001")
	for _, c := range []struct {
		name, method, path, kind, body string
		status                         int
		field                          string
		words                          []string
	}{
		{"no body", "POST", "/v1/people", "application/json", "", 400, "", nil},
		{"not JSON", "POST", "/v1/people", "application/json", `{"last_name":`, 400, "", []string{"JSON"}},
		{"two values", "POST", "/v1/people", "application/json", `{"last_name":"A"}{}`, 400, "", []string{"byte 18"}},
		{"a member twice", "POST", "/v1/people", "application/json", `{"last_name":"A","last_name":"B"}`, 400, "last_name", nil},
		{"broken UTF-8", "POST", "/v1/people", "application/json", "{\"last_name\":\"\xff\"}", 400, "", []string{"UTF-8"}},
		{"too deep", "POST", "/v1/people", "application/json", `{"flags":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + "}", 400, "", []string{"32", "body-depth"}},
		{"too large", "POST", "/v1/people", "application/json", `{"last_name":"` + strings.Repeat("a", 2<<20) + `"}`, 413, "", []string{"1048576", "body-bytes"}},
		{"of another type", "POST", "/v1/people", "text/plain", `{"last_name":"A"}`, 415, "Content-Type", nil},
		{"unknown field", "POST", "/v1/people", "application/json", `{"last_name":"A","emial":"a@example.org"}`, 422, "emial", nil},
		{"wrong type", "POST", "/v1/people", "application/json", `{"last_name":7,"email":["a@example.org"]}`, 422, "last_name", nil},
		{"address that is none", "POST", "/v1/people", "application/json", `{"last_name":"A","email":"a"}`, 422, "email", nil},
		{"address that is somebody's", "POST", "/v1/people", "application/json", `{"last_name":"A","email":"ANNE@example.org"}`, 409, "email", []string{"Anne Martin"}},
		{"read-only field", "POST", "/v1/people", "application/json", `{"last_name":"A","id":"0199f3c2-7c1e-7c8a-a3fd-51c5a0f1e9d2"}`, 422, "id", nil},
		{"unknown state", "PATCH", "/v1/people/" + anne.ID, "application/json", `{"state":"purple"}`, 422, "state", nil},
		{"username that is somebody's", "PATCH", "/v1/people/" + anne.ID, "application/json", `{"username":"PAUL.petit001"}`, 409, "username", nil},
		{"no reason", "POST", "/v1/people/" + anne.ID + "/retire", "application/json", `{}`, 422, "reason", nil},
		{"unknown kind of target", "POST", "/v1/targets", "application/json", `{"name":"a","kind":"nonsense"}`, 422, "kind", nil},
		{"unknown setting of a target", "POST", "/v1/targets", "application/json", `{"name":"a","kind":"rehearsal","config":{"latncy_ms":5}}`, 422, "config.latncy_ms", nil},
		{"setting out of range", "POST", "/v1/targets", "application/json", `{"name":"a","kind":"rehearsal","config":{"latency_ms":-5}}`, 422, "config.latency_ms", nil},
		{"unknown then", "POST", "/v1/batches?then=nonsense", "text/csv", known, 422, "then", nil},
		{"unknown mode", "POST", "/v1/batches?mode=nonsense", "text/csv", known, 422, "mode", []string{"nonsense"}},
		{"unknown parameter", "GET", "/v1/people?emial=a", "", "", 422, "emial", nil},
		{"cursor that is none", "GET", "/v1/people?cursor=nonsense", "", "", 400, "cursor", nil},
		{"limit out of range", "GET", "/v1/people?limit=100000", "", "", 422, "limit", nil},
		{"id that is none", "GET", "/v1/people/nonsense", "", "", 404, "id", nil},
		{"id of nobody", "GET", "/v1/people/0199f3c2-7c1e-7c8a-a3fd-51c5a0f1e9d2", "", "", 404, "id", nil},
		{"path that is none", "GET", "/v1/nonsense", "", "", 404, "", nil},
		{"method that is none", "DELETE", "/v1/people", "", "", 405, "", []string{"GET"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s.unchanged(t, func() {
				status, answer, err := s.ask(t.Context(), c.method, c.path, c.kind, strings.NewReader(c.body))
				if err != nil {
					t.Fatal(err)
				}
				p := problem{}
				decode(t, answer, &p)
				if p.Status != status {
					t.Errorf("the body says %d", p.Status)
				}
				mentions(t, problem{Status: status, Detail: p.Detail, Errors: p.Errors}, c.status, c.field, c.words...)
			})
		})
	}
}

// hidesOtherTenants proves that what is another tenant's answers like what is not there at all.
func hidesOtherTenants(t *testing.T, s *server) {
	call[any](t, s, http.MethodPost, "/v1/tenants", map[string]string{"code": "other", "name": "Other"})
	key := otherKey(t, s)
	anne := s.named(t, "anne.martin001")
	batch := list[batchView](t, s, "/v1/batches", url.Values{"kind": {"all"}})[0]
	target, _ := s.aim(t, faultless, nil)
	s.unchanged(t, func() {
		for _, r := range []struct{ method, path, body string }{
			{"GET", "/v1/people/ID", ""},
			{"GET", "/v1/people/ID/history", ""},
			{"PATCH", "/v1/people/ID", `{"first_name":"Eve"}`},
			{"DELETE", "/v1/people/ID", ""},
			{"POST", "/v1/people/ID/retire", `{"reason":"x"}`},
			{"GET", "/v1/batches/ID", ""},
			{"GET", "/v1/batches/ID/items", ""},
			{"GET", "/v1/batches/ID/result", ""},
			{"POST", "/v1/batches/ID/run", ""},
			{"POST", "/v1/batches/ID/cancel", ""},
			{"POST", "/v1/batches/ID/retry", ""},
			{"GET", "/v1/targets/ID", ""},
			{"PATCH", "/v1/targets/ID", `{"name":"mine"}`},
			{"DELETE", "/v1/targets/ID", ""},
			{"POST", "/v1/targets/ID/check", ""},
		} {
			id := map[bool]string{strings.Contains(r.path, "people"): anne.ID, strings.Contains(r.path, "batches"): batch.ID, strings.Contains(r.path, "targets"): target}[true]
			const nobody = "0199f3c2-7c1e-7c8a-a3fd-51c5a0f1e9d2"
			theirs, none := s.answerTo(t, key, r.method, r.path, id, r.body), s.answerTo(t, key, r.method, r.path, nobody, r.body)
			if theirs != none || !strings.HasPrefix(theirs, "404") {
				t.Errorf("%s %s\nof another tenant: %s\nof nobody:         %s", r.method, r.path, theirs, none)
			}
		}
		for _, path := range []string{"/v1/people", "/v1/batches", "/v1/targets"} {
			if _, answer, err := s.askAs(t.Context(), key, "GET", path, "", nil); err != nil || !strings.Contains(string(answer), `"items":[]`) {
				t.Errorf("%s: %s %v", path, answer, err)
			}
		}
	})
}

// otherKey gives an admin key of the tenant called other.
func otherKey(t *testing.T, s *server) string {
	t.Helper()
	header := http.Header{"Authorization": {"Bearer " + s.key}, "Muster-Tenant": {"other"}, "Content-Type": {"application/json"}}
	status, answer, err := s.askWith(t.Context(), header, http.MethodPost, "/v1/keys", strings.NewReader(`{"name":"other","scope":"admin"}`))
	if err != nil {
		t.Fatal(err)
	}
	var made struct {
		Key string `json:"key"`
	}
	decode(t, answer, &made)
	if made.Key == "" {
		t.Fatalf("key of another tenant: %d %s", status, answer)
	}
	return made.Key
}

// answerTo gives an answer without what is different in every answer.
func (s *server) answerTo(t *testing.T, key, method, path, id, body string) string {
	t.Helper()
	kind := ""
	if body != "" {
		kind = "application/json"
	}
	status, answer, err := s.askAs(t.Context(), key, method, strings.Replace(path, "ID", id, 1), kind, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	var p problem
	decode(t, answer, &p)
	return fmt.Sprintf("%d %s", status, strings.ReplaceAll(fmt.Sprintf("%+v", p), id, "ID"))
}
