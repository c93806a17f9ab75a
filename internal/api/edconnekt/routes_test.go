package edconnekt_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/musterid/muster/internal/api/apitest"
)

// endpoints are the rows of the contract's tables, with an id that nobody has.
var endpoints = []struct {
	method, path string
	open         bool // to whoever comes
}{
	{"GET", "/health", true},
	{"GET", "/provisioning/", true},
	{"GET", "/provisioning/health", true},
	{"GET", "/identity/", true},
	{"GET", "/identity/health", true},
	{"GET", "/establishment/", true},
	{"POST", "/provisioning/batches", false},
	{"GET", "/provisioning/batches", false},
	{"POST", "/provisioning/batches/{id}/run", false},
	{"GET", "/provisioning/batches/{id}/items", false},
	{"POST", "/provisioning/generate-username", false},
	{"POST", "/provisioning/batches/{id}/test-items", false},
	{"POST", "/api/v1/identity/bulkimport", false},
	{"GET", "/api/v1/identity/bulkimport/batches", false},
	{"GET", "/api/v1/identity/bulkimport/batches/{id}", false},
	{"GET", "/api/v1/identity/bulkimport/batches/{id}/status", false},
	{"GET", "/api/v1/identity/bulkimport/batches/{id}/items", false},
	{"GET", "/api/v1/identity/bulkimport/batches/{id}/errors", false},
	{"GET", "/api/v1/identity/bulkimport/templates", false},
	{"GET", "/api/v1/identity/bulkimport/template/student", false},
	{"GET", "/api/v1/identity/bulkimport/template/student/info", false},
	{"GET", "/api/v1/identity/bulkimport/sse/{id}", true},
	{"POST", "/api/v1/identity/", false},
	{"GET", "/api/v1/identity/", false},
	{"GET", "/api/v1/identity/last-code", false},
	{"GET", "/api/v1/identity/{id}", false},
	{"PATCH", "/api/v1/identity/{id}", false},
	{"DELETE", "/api/v1/identity/{id}", false},
	{"POST", "/api/v1/identity/{id}/establishments", false},
	{"DELETE", "/api/v1/identity/{id}/establishments/{id}", false},
	{"GET", "/api/v1/identity/identities/{id}/full", false},
	{"GET", "/api/v1/identity/identities/{id}/roles", false},
	{"POST", "/api/v1/identity/identities/{id}/roles", false},
	{"GET", "/api/v1/identity/identities/{id}/roles/{id}", false},
	{"PUT", "/api/v1/identity/identities/{id}/roles/{id}", false},
	{"DELETE", "/api/v1/identity/identities/{id}/roles/{id}", false},
	{"GET", "/api/v1/identity/catalogs/roles-principaux", false},
	{"GET", "/api/v1/identity/catalogs/role-principal", false},
	{"GET", "/api/v1/identity/catalogs/roles-effectifs", false},
	{"GET", "/api/v1/identity/catalogs/roles-effectifs/mapping", false},
	{"GET", "/api/v1/identity/catalogs/cycles", false},
	{"GET", "/api/v1/identity/catalogs/cycle", false},
	{"GET", "/api/v1/identity/me/establishments", false},
	{"GET", "/api/v1/identity/me/roles", false},
	{"POST", "/api/v1/identity/me/context/select", false},
	{"GET", "/api/etablissements/", false},
	{"POST", "/api/etablissements/", false},
	{"GET", "/api/etablissements/public/", true},
	{"GET", "/api/etablissements/{id}", false},
}

const nobodys = "0199aaaa-bbbb-7ccc-8ddd-0123456789ab"

// TestEveryRow: each row of the contract is served under all its prefixes, with and without a final slash, and nothing redirects; without a credential
// it is 401, and with one whose tenant has nothing of that id it is never a failure of ours.
func TestEveryRow(t *testing.T) {
	t.Parallel()
	s := apitest.Serve(t, settings())
	for _, e := range endpoints {
		path := strings.ReplaceAll(e.path, "{id}", nobodys)
		for _, prefixed := range prefixes(path) {
			for _, form := range []string{strings.TrimSuffix(prefixed, "/"), strings.TrimSuffix(prefixed, "/") + "/"} {
				known := s.Send(e.method, form, "")
				if known.Status >= 500 || known.Status == http.StatusMethodNotAllowed || known.Status/100 == 3 || strings.Contains(string(known.Body), "Not Found") {
					t.Errorf("%s %s: %d %s", e.method, form, known.Status, known.Body)
				}
				unknown := s.Send(e.method, form, "", "Authorization", "")
				if refused := unknown.Status == http.StatusUnauthorized; refused == e.open {
					t.Errorf("%s %s without a credential: %d", e.method, form, unknown.Status)
				}
				other := s.Send("TRACE", form, "")
				if other.Status != http.StatusMethodNotAllowed || other.Header.Get("Allow") == "" {
					t.Errorf("TRACE %s: %d, Allow %q", form, other.Status, other.Header.Get("Allow"))
				}
			}
		}
	}
}

// prefixes are the other places at which a path is served.
func prefixes(path string) []string {
	switch {
	case strings.HasPrefix(path, "/api/v1/identity"):
		return []string{path, "/identity" + path}
	case strings.HasPrefix(path, "/api/etablissements"):
		return []string{path, "/establishment" + path}
	case strings.HasPrefix(path, "/provisioning/batches"), strings.HasPrefix(path, "/provisioning/generate"):
		return []string{path, "/provisioning" + path}
	}
	return []string{path}
}

// TestPathsThatAreNot: what is no path here is not found in this surface's words, and what belongs to no surface in nobody's.
func TestPathsThatAreNot(t *testing.T) {
	t.Parallel()
	s := apitest.Serve(t, settings())
	for path, ours := range map[string]bool{
		"/provisioning/nosuch": true, "/provisioning//batches": true, "/provisioning/batches//": true, "/provisioning/%62atches": true,
		"/provisioning/batches%2F" + nobodys + "/items": true, "/api/v1/identity/bulkimport/nosuch/nosuch/nosuch": true, "/health/more": true,
		"/provisioningx/batches": false, "/identity-provider": false, "/api/v2/identity": false, "/API/etablissements": false,
	} {
		a := s.Send(http.MethodGet, path, "")
		if a.Status != http.StatusNotFound {
			t.Errorf("GET %s: %d %s", path, a.Status, a.Body)
			continue
		}
		if got := strings.Contains(string(a.Body), `"detail":"Not Found"`); got != ours {
			t.Errorf("GET %s: in this surface's words: %t, want %t: %s", path, got, ours, a.Body)
		}
	}
}

// TestSwitchedOff: a server without the surface, and one without the open stream and the items for tests.
func TestSwitchedOff(t *testing.T) {
	t.Parallel()
	off := settings()
	off.EdConnekt.Off = true
	if a := apitest.Serve(t, off).Send(http.MethodGet, "/provisioning/batches", ""); a.Status != http.StatusNotFound || a.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("without the surface: %d %s", a.Status, a.Body)
	}
	careful := settings()
	careful.EdConnekt.TestItems, careful.EdConnekt.NoStream = false, true
	s := apitest.Serve(t, careful)
	for _, path := range []string{"/provisioning/batches/" + nobodys + "/test-items", identityBase + "/bulkimport/sse/" + nobodys} {
		if a := s.Send(http.MethodPost, path, "{}"); a.Status != http.StatusNotFound || !strings.Contains(string(a.Body), "Not Found") {
			t.Errorf("POST %s: %d %s", path, a.Status, a.Body)
		}
	}
}
