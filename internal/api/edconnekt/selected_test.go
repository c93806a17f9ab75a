package edconnekt_test

import (
	"net/http"
	"testing"

	"github.com/musterid/muster/internal/api/apitest"
)

// TestSelectionOfAMember: the browser sends what somebody has selected with every request, also that of a pupil, who may read the catalogues and no
// people.
func TestSelectionOfAMember(t *testing.T) {
	t.Parallel()
	s := apitest.Serve(t, settings())
	i := trust(t, s)
	own, other := school(t, s, "OWN"), school(t, s, "OTHER")
	identity(t, s, 2, own, "student")
	pupil := bearer(i, 2, nil)
	for _, c := range []struct {
		path, unit, role string
		want             int
	}{
		{"/catalogs/cycles", own, "student", http.StatusOK},
		{"/bulkimport/templates", own, "", http.StatusOK},
		{"/bulkimport/templates", own, "student", http.StatusOK},
		{"/catalogs/cycles", other, "student", http.StatusOK}, // where nothing depends on it, a stale selection hinders nobody
		{"/bulkimport/templates", own, "teacher", http.StatusForbidden},
		{"/bulkimport/templates", other, "student", http.StatusForbidden},
		{"/bulkimport/templates", nobodys, "student", http.StatusForbidden},
		{"/", own, "student", http.StatusForbidden},
		{"/", own, "", http.StatusForbidden},
		{"/last-code", own, "student", http.StatusForbidden},
		{"/bulkimport/batches", own, "student", http.StatusForbidden},
	} {
		a := s.Send(http.MethodGet, identityBase+c.path, "", append(pupil[:2:2], "X-Etab", c.unit, "X-Roles", c.role)...)
		if a.Status != c.want {
			t.Errorf("%s as %q in %s: %d, want %d: %s", c.path, c.role, c.unit, a.Status, c.want, a.Body)
		}
	}
}
