package edconnekt_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/musterid/muster/internal/api/apitest"
)

// TestNobodyIsToldOfStrangers: who works for one school meets values of people of another one, by import and by form, and learns nothing of these
// people.
func TestNobodyIsToldOfStrangers(t *testing.T) {
	apitest.Each(t, settings(), func(t *testing.T, s *apitest.Server) {
		i := trust(t, s)
		own, other := school(t, s, "OWN"), school(t, s, "OTHER")
		identity(t, s, 1, own, "admin_staff")
		a := s.Must(http.StatusCreated, http.MethodPost, identityBase+"/", fmt.Sprintf(
			`{"firstname": "Secret", "lastname": "Stranger", "code_identite": "IDT000777", "email": "stranger@example.com", "phone": "+221770000777", "external_id": "X-777",
			"establishment_id": %q, "role_principal_code": "student"}`, other))
		stranger, _ := a.Object(t)["data"].(map[string]any)["id"].(string)
		staff := bearer(i, 1, nil)
		rows := []string{
			"lastname;firstname;email;phone;role_principal;external_id;code_identite", "A;B;stranger@example.com;;student;;", "A;B;b@example.com;+221770000777;student;;",
			"A;B;c@example.com;;student;X-777;", "A;B;d@example.com;;student;;IDT000777",
		}
		sent := upload(t, s, "a.csv", []byte(strings.Join(rows, "\n")), own, staff...)
		batch, _ := sent.Object(t)["batch_id"].(string)
		s.Until(identityBase+"/bulkimport/batches/"+batch+"/status", "status", "COMPLETED")
		for _, path := range []string{"/items", "/errors"} {
			text := string(s.Send(http.MethodGet, identityBase+"/bulkimport/batches/"+batch+path, "", staff...).Body)
			if strings.Count(text, `"row_number"`) != 4 {
				t.Errorf("%s: %s", path, text)
			}
			for _, secret := range []string{"Secret", "Stranger", stranger} {
				if strings.Contains(text, secret) {
					t.Errorf("%s tells %s: %s", path, secret, text)
				}
			}
		}
	})
}

// TestCreatedBy: who made a batch is the subject of their token, whatever else the directory calls them.
func TestCreatedBy(t *testing.T) {
	t.Parallel()
	s := apitest.Serve(t, settings())
	i := trust(t, s)
	unit := school(t, s, "A")
	made := s.Must(http.StatusCreated, http.MethodPost, "/v1/people", `{"username": "known", "email": "n1@example.com", "last_name": "Known"}`).Object(t)
	s.Must(http.StatusOK, http.MethodPost, fmt.Sprintf("%s/identities/%s/roles", identityBase, made["id"]), `{"establishment_id": "`+unit+`", "role_principal_code": "admin_staff"}`)
	staff := bearer(i, 1, nil)
	sent := upload(t, s, "a.csv", []byte("lastname;firstname;email;role_principal\nA;B;a@example.com;student\n"), unit, staff...)
	batch, _ := sent.Object(t)["batch_id"].(string)
	order := s.Send(http.MethodPost, "/provisioning/batches", `{"source_identity_batch_id": "`+batch+`"}`, staff...).Object(t)
	if order["created_by"] != "sub-1" {
		t.Errorf("the order: %v", order)
	}
	one := s.Send(http.MethodGet, identityBase+"/bulkimport/batches/"+batch, "", staff...).Object(t)["data"].(map[string]any)
	if one["uploaded_by"] != "sub-1" {
		t.Errorf("the import: %v", one)
	}
}
