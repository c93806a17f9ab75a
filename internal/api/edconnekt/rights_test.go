package edconnekt_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/musterid/muster/internal/api/apitest"
	"github.com/musterid/muster/internal/auth/authtest"
)

// trust has the server accept tokens of an issuer.
func trust(t *testing.T, s *apitest.Server) *authtest.Issuer {
	t.Helper()
	i := authtest.Start(t)
	setting, err := json.Marshal(map[string]any{"settings": map[string]any{"issuers": []any{i.Setting()}}})
	if err != nil {
		t.Fatal(err)
	}
	s.Must(http.StatusOK, http.MethodPatch, "/v1/tenants/default", string(setting), "Content-Type", "application/json")
	return i
}

// identity makes somebody with a role in a school, and gives their id.
func identity(t *testing.T, s *apitest.Server, n int, unit, role string) string {
	t.Helper()
	a := s.Must(http.StatusCreated, http.MethodPost, identityBase+"/", fmt.Sprintf(
		`{"firstname": "Person", "lastname": "N%d", "code_identite": "IDT%06d", "email": "n%d@example.com", "establishment_id": %q, "role_principal_code": %q}`, n, n, n, unit, role))
	id, _ := a.Object(t)["data"].(map[string]any)["id"].(string)
	return id
}

// bearer is a token of somebody by their verified address.
func bearer(i *authtest.Issuer, n int, more map[string]any) []string {
	claims := map[string]any{"sub": fmt.Sprintf("sub-%d", n), "email": fmt.Sprintf("n%d@example.com", n), "email_verified": true}
	for name, value := range more {
		claims[name] = value
	}
	return []string{"Authorization", "Bearer " + i.Token(claims)}
}

// TestRights: who is admin_staff of a school sees and changes that school; another school's ids are unknown; who holds no such role has 403; and the
// selection of the browser gives nothing.
func TestRights(t *testing.T) {
	apitest.Each(t, settings(), func(t *testing.T, s *apitest.Server) {
		i := trust(t, s)
		own, other := school(t, s, "OWN"), school(t, s, "OTHER")
		identity(t, s, 1, own, "admin_staff")
		pupil, stranger := identity(t, s, 2, own, "student"), identity(t, s, 3, other, "student")
		file := []byte("lastname;firstname;email;role_principal\nDupont;Jean;a@example.com;student\n")
		ownImport, _ := imported(t, s, "own.csv", file, own)
		otherImport, _ := imported(t, s, "other.csv", []byte(strings.ReplaceAll(string(file), "a@", "b@")), other)
		order := func(source string) string {
			o := s.Must(http.StatusOK, http.MethodPost, "/provisioning/batches", `{"source_identity_batch_id": "`+source+`"}`).Object(t)
			return o["id"].(string)
		}
		ownOrder, otherOrder := order(ownImport), order(otherImport)

		staff, student := bearer(i, 1, nil), bearer(i, 2, nil)
		admin := []string{"Authorization", "Bearer " + i.Token(map[string]any{"sub": "boss", "realm_access": map[string]any{"roles": []string{"ROLE_ADMIN"}}})}
		nobody := []string{"Authorization", "Bearer " + i.Token(map[string]any{"sub": "nobody"})}
		selecting := func(headers []string, unit, role string) []string {
			return append(append([]string{}, headers...), "X-Etab", unit, "X-Roles", role)
		}
		for _, c := range []struct {
			what         string
			method, path string
			body         string
			as           []string
			want         int
			says         string
		}{
			{"staff sees their pupil", "GET", identityBase + "/" + pupil, "", staff, 200, pupil},
			{"and selects their school", "GET", identityBase + "/" + pupil, "", selecting(staff, own, "admin_staff"), 200, pupil},
			{"another school's pupil is unknown", "GET", identityBase + "/" + stranger, "", staff, 404, "Identité non trouvée"},
			{"also when selecting that school", "GET", identityBase + "/" + stranger, "", selecting(staff, other, "admin_staff"), 403, "CONTEXT_FORBIDDEN"},
			{"a role that one does not hold", "GET", identityBase + "/" + pupil, "", selecting(staff, own, "teacher"), 403, "CONTEXT_FORBIDDEN"},
			{"no selection by a word that is no id", "GET", identityBase + "/" + pupil, "", selecting(staff, "x' OR 1=1", ""), 403, "CONTEXT_FORBIDDEN"},
			{"staff changes their pupil", "PATCH", identityBase + "/" + pupil, `{"lastname": "New"}`, staff, 200, "New"},
			{"and nobody else's", "PATCH", identityBase + "/" + stranger, `{"lastname": "New"}`, staff, 404, ""},
			{"and takes nobody into another school", "POST", identityBase + "/" + pupil + "/establishments", `{"establishment_id": "` + other + `", "role_principal_code": "student"}`, staff, 404, "Établissement"},
			{"nor enrols somebody there", "POST", identityBase + "/", `{"firstname": "A", "lastname": "B", "code_identite": "IDT000900", "establishment_id": "` + other + `", "role_principal_code": "student"}`, staff, 404, ""},
			{"nor outside of all schools", "POST", identityBase + "/", `{"firstname": "A", "lastname": "B", "code_identite": "IDT000901"}`, staff, 403, ""},
			{"staff sees their import", "GET", identityBase + "/bulkimport/batches/" + ownImport + "/items", "", staff, 200, "a@example.com"},
			{"and not another school's", "GET", identityBase + "/bulkimport/batches/" + otherImport + "/items", "", staff, 404, "Batch non trouvé"},
			{"nor its status", "GET", identityBase + "/bulkimport/batches/" + otherImport + "/status", "", staff, 404, ""},
			{"staff sees the order", "GET", "/provisioning/batches/" + ownOrder + "/items", "", staff, 200, "ENQUEUED"},
			{"and not another school's", "GET", "/provisioning/batches/" + otherOrder + "/items", "", staff, 404, "Batch non trouvé"},
			{"nor runs it", "POST", "/provisioning/batches/" + otherOrder + "/run", "", staff, 404, ""},
			{"nor orders of another school's import", "POST", "/provisioning/batches", `{"source_identity_batch_id": "` + otherImport + `"}`, staff, 404, ""},
			{"staff makes no school", "POST", "/api/etablissements/", `{"nom": "X", "code_etablissement": "X", "adresse": "1", "email": "a", "telephone": "1"}`, staff, 403, ""},
			{"staff sees their school only", "GET", "/api/etablissements/" + other, "", staff, 404, ""},
			{"a pupil sees nobody", "GET", identityBase + "/" + pupil, "", student, 403, ""},
			{"and lists nobody", "GET", identityBase + "/", "", student, 403, ""},
			{"and runs nothing", "POST", "/provisioning/batches/" + ownOrder + "/run", "", student, 403, ""},
			{"and knows their school", "GET", identityBase + "/me/establishments", "", student, 200, own},
			{"and their role", "GET", identityBase + "/me/roles?etab=" + own, "", student, 200, "role.principal.student"},
			{"and not another's", "GET", identityBase + "/me/roles?etab=" + other, "", student, 403, ""},
			{"and selects it", "POST", identityBase + "/me/context/select", `{"etab_id": "` + own + `", "role": "student"}`, student, 200, "Contexte validé"},
			{"in no other role", "POST", identityBase + "/me/context/select", `{"etab_id": "` + own + `", "role": "teacher"}`, student, 403, "Vous n’avez pas accès à cet établissement avec ce rôle"},
			{"nobody is not known", "GET", identityBase + "/me/establishments", "", nobody, 404, "Utilisateur inconnu"},
			{"and may do nothing", "GET", "/provisioning/batches", "", nobody, 403, ""},
			{"the administrator sees all", "GET", identityBase + "/" + stranger, "", admin, 200, stranger},
			{"without a selection", "GET", "/provisioning/batches/" + otherOrder + "/items", "", admin, 200, "ENQUEUED"},
			{"the wrong audience", "GET", "/provisioning/batches", "", []string{"Authorization", "Bearer " + i.Token(map[string]any{"aud": "another"})}, 401, "Jeton"},
			{"a token that is over", "POST", "/provisioning/batches", "not looked at", []string{"Authorization", "Bearer " + i.Token(map[string]any{"exp": 1})}, 401, "Jeton"},
		} {
			a := s.Send(c.method, c.path, c.body, c.as...)
			if a.Status != c.want || !strings.Contains(string(a.Body), c.says) {
				t.Errorf("%s: %s %s: %d, want %d with %q\n%s", c.what, c.method, c.path, a.Status, c.want, c.says, a.Body)
			}
		}
		for path, want := range map[string]int{"/provisioning/batches": 1, "/api/etablissements/": 1} {
			var list []any
			s.Must(http.StatusOK, http.MethodGet, path, "", staff...).Into(t, &list)
			if len(list) != want {
				t.Errorf("staff at %s: %d, want %d", path, len(list), want)
			}
		}
		for path, want := range map[string]float64{identityBase + "/": 3, identityBase + "/bulkimport/batches": 1} {
			if got := s.Must(http.StatusOK, http.MethodGet, path, "", staff...).Object(t)["total"]; got != want {
				t.Errorf("staff at %s: %v, want %v", path, got, want)
			}
		}
	})
}
