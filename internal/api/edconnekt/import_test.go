package edconnekt_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"github.com/musterid/muster/internal/api/apitest"
)

const identityBase = "/identity/api/v1/identity"

// school makes an establishment and gives its id.
func school(t *testing.T, s *apitest.Server, code string) string {
	t.Helper()
	var made []struct {
		ID string `json:"id"`
	}
	s.Must(http.StatusCreated, http.MethodPost, "/establishment/api/etablissements/", fmt.Sprintf(
		`{"nom": "École %s", "code_etablissement": %q, "adresse": "1", "email": "a@example.com", "telephone": "1"}`, code, code)).Into(t, &made)
	return made[0].ID
}

// upload sends a file as the browser does: the file first, then the establishment. headers are those of somebody else than the administrator.
func upload(t *testing.T, s *apitest.Server, name string, content []byte, unit string, headers ...string) apitest.Answer {
	t.Helper()
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	part, err := w.CreateFormFile("file", name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := part.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := w.WriteField("establishment_id", unit); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return s.Send(http.MethodPost, identityBase+"/bulkimport", form.String(), append(slices.Clone(headers), "Content-Type", w.FormDataContentType())...)
}

// imported uploads a file that has to be accepted, and waits for its end.
func imported(t *testing.T, s *apitest.Server, name string, content []byte, unit string) (id string, status map[string]any) {
	t.Helper()
	a := upload(t, s, name, content, unit)
	if a.Status != http.StatusAccepted {
		t.Fatalf("%s: %d %s", name, a.Status, a.Body)
	}
	id, _ = a.Object(t)["batch_id"].(string)
	return id, s.Until(identityBase+"/bulkimport/batches/"+id+"/status", "status", "COMPLETED")
}

func TestTemplatesImportAsTheyAre(t *testing.T) {
	apitest.Each(t, settings(), func(t *testing.T, s *apitest.Server) {
		unit := school(t, s, "A")
		for _, role := range []string{"student", "parent", "teacher", "admin_staff"} {
			for _, format := range []string{"csv", "xlsx"} {
				file := s.Must(http.StatusOK, http.MethodGet, identityBase+"/bulkimport/template/"+role+"?format_type="+format, "")
				id, status := imported(t, s, role+"."+format, file.Body, unit)
				if status["invalid_count"] != 0.0 || status["total_items"] != 2.0 {
					t.Errorf("%s %s: %v\n%s", role, format, status, s.Send(http.MethodGet, identityBase+"/bulkimport/batches/"+id+"/errors", "").Body)
				}
				wanted := "new_count"
				if format == "xlsx" { // the same people once more
					wanted = "skipped_count"
				}
				if status[wanted] != 2.0 {
					t.Errorf("%s %s: %v, want 2 as %s", role, format, status, wanted)
				}
			}
		}
	})
}

// workbook makes a file of sheets, each with rows of cells.
func workbook(t *testing.T, sheets map[string][][]string, order ...string) []byte {
	t.Helper()
	f := excelize.NewFile()
	for i, name := range order {
		if i == 0 {
			if err := f.SetSheetName("Sheet1", name); err != nil {
				t.Fatal(err)
			}
		} else if _, err := f.NewSheet(name); err != nil {
			t.Fatal(err)
		}
		for n, row := range sheets[name] {
			if err := f.SetSheetRow(name, fmt.Sprintf("A%d", n+1), &row); err != nil {
				t.Fatal(err)
			}
		}
	}
	var out bytes.Buffer
	if err := f.Write(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestFilesThatAreUnderstood(t *testing.T) {
	t.Parallel()
	s := apitest.Serve(t, settings())
	unit := school(t, s, "A")
	files := []struct {
		name, file string
		content    []byte
		role       string
	}{
		{"French headers", "a.csv", []byte("NOM;Prenom;EMAIL;numero_telephone;role_principal;role_effectif;cycle\r\nDupont;Jean;a1@example.com;+221770000101;teacher;enseignant;\"primaire,college\"\r\n"), "teacher"},
		{"commas and a mark", "b.csv", []byte("\ufefflastname,firstname,email,role_principal\nDupont,Jean,a2@example.com,Enseignant\n"), "teacher"},
		{"Windows-1252", "c.csv", []byte("lastname;firstname;email;role_principal\nB\xe9rard;H\xe9l\xe8ne;a3@example.com;parent\n"), "parent"},
		{"pupils of the older files", "d.csv", []byte("establishment_id;firstname;lastname;birth_date;gender;level;account_required;email;phone\n" + unit + ";Awa;Sow;2014-01-02;female;CM2;no;;\n"), "student"},
		{"teachers of the older files", "e.csv", []byte("establishment_id;firstname;lastname;email;phone;subject;hire_date\n" + unit + ";Luc;Roy;a5@example.com;;mathematiques;2020-09-01\n"), "teacher"},
		{"staff of the older files", "f.csv", []byte("establishment_id;firstname;lastname;email;phone;position;hire_date\n" + unit + ";Ana;Roy;a6@example.com;;Secrétaire;2020-09-01\n"), "admin_staff"},
		{"three sheets", "g.xlsx", workbook(t, map[string][][]string{
			"identities": {{"lastname", "firstname", "email"}, {"Faye", "Omar", "a7@example.com"}},
			"roles":      {{"email", "role_principal", "role_effectif"}, {"a7@example.com", "teacher", "prof_principal"}},
			"cycles":     {{"email", "cycle"}, {"a7@example.com", "high"}},
		}, "identities", "roles", "cycles"), "teacher"},
	}
	for _, f := range files {
		t.Run(f.name, func(t *testing.T) {
			id, status := imported(t, s, f.file, f.content, unit)
			if status["new_count"] != 1.0 {
				t.Fatalf("%v\n%s", status, s.Send(http.MethodGet, identityBase+"/bulkimport/batches/"+id+"/errors", "").Body)
			}
			var list struct {
				Items []struct {
					Identity string `json:"identity_id"`
				} `json:"items"`
			}
			s.Must(http.StatusOK, http.MethodGet, identityBase+"/bulkimport/batches/"+id+"/items", "").Into(t, &list)
			one := s.Must(http.StatusOK, http.MethodGet, identityBase+"/"+list.Items[0].Identity, "").Object(t)["data"].(map[string]any)
			if one["role_principal_code"] != f.role || one["establishment_id"] != unit {
				t.Errorf("role %v in %v, want %s in %s", one["role_principal_code"], one["establishment_id"], f.role, unit)
			}
		})
	}
}

func TestFilesThatAreRefused(t *testing.T) {
	t.Parallel()
	s := apitest.Serve(t, settings())
	unit := school(t, s, "A")
	for name, content := range map[string][]byte{
		"empty.csv":     {},
		"header.csv":    []byte("lastname;firstname;email;role_principal\n"),
		"nonames.csv":   []byte("email;role_principal\na@example.com;student\n"),
		"old.xls":       append([]byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), make([]byte, 4096)...),
		"picture.csv":   []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"),
		"broken.xlsx":   []byte("PK\x03\x04 and nothing more"),
		"document.json": []byte(`{"lastname": "Dupont"`),
	} {
		a := upload(t, s, name, content, unit)
		if a.Status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", name, a.Status, a.Body)
		}
		if o := a.Object(t); o["detail"] == "" || o["detail"] != o["message"] || o["code"] == nil {
			t.Errorf("%s: %s", name, a.Body)
		}
	}
	if list := s.Must(http.StatusOK, http.MethodGet, identityBase+"/bulkimport/batches", "").Object(t); list["total"] != 0.0 {
		t.Errorf("refused files left batches: %v", list)
	}
}

// TestRowsThatAreWrong: each wrong row is told in French with its line and column, and the right one is taken.
func TestRowsThatAreWrong(t *testing.T) {
	t.Parallel()
	s := apitest.Serve(t, settings())
	unit := school(t, s, "A")
	rows := []struct{ cells, kind, says string }{
		{"Bon;Jean;ok@example.com;+221 77 123 45 67;student;;primary;2014-05-06;M;true", "", ""},
		{"Dupont;Jean;OK@example.com;;student;;;;;", "DUPLICATE", "Ligne 3: email : "},
		{"Dupont;Jean;b@example.com;+221771234567;student;;;;;", "DUPLICATE", "Ligne 4: phone : "},
		{";Jean;c@example.com;;student;;;;;", "VALIDATION", "Ligne 5: Champ requis manquant: lastname"},
		{"Dupont;Jean;;;parent;;;;;", "VALIDATION", "Ligne 6: Champ requis manquant: email"},
		{"Dupont;Jean;;;student;;;;;true", "VALIDATION", "Ligne 7: Champ requis manquant: email"},
		{"Dupont;Jean;no address;;student;;;;;", "VALIDATION", "Ligne 8: email : "},
		{"Dupont;Jean;d@example.com;call me;student;;;;;", "VALIDATION", "Ligne 9: phone : "},
		{"Dupont;Jean;e@example.com;12345;student;;;;;", "VALIDATION", "Ligne 10: phone : "},
		{"Dupont;Jean;f@example.com;;;;;;;", "VALIDATION", "Ligne 11: role_principal manquant"},
		{"Dupont;Jean;g@example.com;;king;;;;;", "VALIDATION", "Ligne 12: role_principal : "},
		{"Dupont;Jean;h@example.com;;student;enseignant;;;;", "VALIDATION", "Ligne 13: role_effectif : "},
		{"Dupont;Jean;i@example.com;;student;;tertiary;;;", "VALIDATION", "Ligne 14: cycle : "},
		{"Dupont;Jean;j@example.com;;student;;;06/05/2014;;", "VALIDATION", "Ligne 15: birth_date doit être au format YYYY-MM-DD"},
		{"Dupont;Jean;k@example.com;;student;;;;X;", "VALIDATION", "Ligne 16: gender : "},
		{"Dupont;Jean;l@example.com;;student;;;;;maybe", "VALIDATION", "Ligne 17: account_required : "},
		{strings.Repeat("x", 101) + ";Jean;m@example.com;;student;;;;;", "VALIDATION", "Ligne 18: lastname : "},
	}
	file := "lastname;firstname;email;phone;role_principal;role_effectif;cycle;birth_date;gender;account_required\n"
	for _, r := range rows {
		file += r.cells + "\n"
	}
	id, status := imported(t, s, "rows.csv", []byte(file), unit)
	if status["new_count"] != 1.0 || status["invalid_count"] != float64(len(rows)-1) {
		t.Errorf("counts: %v", status)
	}
	var list struct {
		Errors []struct {
			Type    string `json:"error_type"`
			Message string `json:"message"`
			Row     int    `json:"row_number"`
		} `json:"errors"`
	}
	s.Must(http.StatusOK, http.MethodGet, identityBase+"/bulkimport/batches/"+id+"/errors", "").Into(t, &list)
	if len(list.Errors) != len(rows)-1 {
		t.Fatalf("%d errors, want %d", len(list.Errors), len(rows)-1)
	}
	for i, e := range list.Errors {
		want := rows[i+1]
		if e.Type != want.kind || !strings.HasPrefix(e.Message, want.says) || e.Row != i+3 {
			t.Errorf("row %d: %s %q, want %s %q", e.Row, e.Type, e.Message, want.kind, want.says)
		}
	}
	only := s.Must(http.StatusOK, http.MethodGet, identityBase+"/bulkimport/batches/"+id+"/errors?error_type=DUPLICATE", "").Object(t)
	if only["total"] != 2.0 {
		t.Errorf("duplicates: %v", only["total"])
	}
	found := s.Must(http.StatusOK, http.MethodGet, identityBase+"/bulkimport/batches/"+id+"/items?search=OK%40", "").Object(t)
	if found["total"] != 2.0 {
		t.Errorf("found by address: %v, want the row and its double", found["total"])
	}
}

// TestStream: whoever has the import's id sees its counters and nothing of its people, without a credential, from the first moment to the last.
func TestStream(t *testing.T) {
	t.Parallel()
	s := apitest.Serve(t, settings())
	id, _ := imported(t, s, "a.csv", []byte("lastname;firstname;email;role_principal\nDupont;Jean;a@example.com;student\n"), school(t, s, "A"))
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.App.URL()+identityBase+"/bulkimport/sse/"+id+"?user_id=nobody&timeout=60", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := s.HTTP.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if got := answer.Header.Get("Content-Type"); !strings.HasPrefix(got, "text/event-stream") {
		t.Errorf("content type %q", got)
	}
	began := time.Now()
	lines := bufio.NewReader(answer.Body)
	first, err := lines.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{`data: {"type":"COMPLETED"`, `"new_count":1`, `"status":"COMPLETED"`} {
		if !strings.Contains(first, part) {
			t.Errorf("the event %q has no %s", first, part)
		}
	}
	rest, err := io.ReadAll(lines)
	if err != nil || strings.TrimSpace(string(rest)) != "" || strings.Contains(first, "event:") {
		t.Errorf("after the last event: %q, %v", rest, err)
	}
	if strings.Contains(first, "Dupont") || time.Since(began) > 50*time.Second {
		t.Errorf("the stream tells names, or does not end: %q", first)
	}
}
