package keycloaktest_test

import (
	"net/http"
	"testing"

	"go.uber.org/goleak"

	"github.com/musterid/muster/internal/connector/keycloak/keycloaktest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// What the tests of others rely on.
func TestRealm(t *testing.T) {
	t.Parallel()
	r := keycloaktest.Start(t).Realm(t, keycloaktest.Options{Attributes: []string{"department"}})
	id := r.Add(t, keycloaktest.User{
		Username: "ana", Enabled: true, Groups: []string{"/school/teachers"}, Attributes: map[string][]string{"department": {"x"}, keycloaktest.Marker: {"m"}},
		Email: "ana@example.org", FirstName: "Ana", LastName: "Diaz",
	})
	if u := r.User(t, "ana"); u.ID != id || u.Attributes["department"][0] != "x" || u.Attributes[keycloaktest.Marker][0] != "m" {
		t.Errorf("the account added is %+v", u)
	}
	var members []keycloaktest.User
	r.Must(t, http.MethodGet, "/groups/"+r.GroupID(t, "/school/teachers")+"/members", nil, &members)
	if len(members) != 1 || members[0].ID != id {
		t.Errorf("members of the group are %+v", members)
	}
	if n := len(r.Users(t)); n != 1 {
		t.Errorf("the realm has %d users, want 1", n)
	}
	if _, err := r.Token(t.Context(), "ana", "wrong"); err == nil {
		t.Error("an account without a password gives a token")
	}
	r.Must(t, http.MethodPut, "/users/"+id+"/reset-password", map[string]any{"type": "password", "value": "correct horse", "temporary": false}, nil)
	if token, err := r.Token(t.Context(), "ana", "correct horse"); err != nil || token == "" {
		t.Errorf("the password gives token %q and error %v", token, err)
	}
}
