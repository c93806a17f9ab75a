package native

import (
	"context"
	"encoding/base64"
	"maps"
	"net/http"
	"strings"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/access"
	"github.com/musterid/muster/internal/roster"
)

// withoutPassword gives what else is said of a person, and the password: nil where there is none.
func (in PersonInput) withoutPassword() (rest PersonInput, password *any) {
	value, given := in["password"]
	if !given {
		return in, nil
	}
	rest = maps.Clone(in)
	delete(rest, "password")
	return rest, &value
}

// setPassword puts the hash of a password into a wish, or what is wrong with the password. Hashes are made for those only who may change somebody.
func (s *surface) setPassword(ctx context.Context, caller muster.Caller, password *any, w *roster.Wish) error {
	if password == nil {
		return nil
	}
	if err := access.Some(caller, muster.WritePeople); err != nil {
		return err
	}
	text, isText := (*password).(string)
	if !isText {
		w.Faults = append(w.Faults, muster.Errorf(muster.Invalid, "password", "A password is a text. It cannot be cleared, only replaced by another one."))
		return nil
	}
	if fault := s.Access.CheckNewPassword(text); fault != nil {
		w.Faults = append(w.Faults, fault)
		return nil
	}
	hash, err := s.Access.HashFor(ctx, text)
	w.PasswordHash = hash
	return err
}

// signIn turns the login and password of a request into a caller. Before the first slash of the login stands the code of the tenant, where there are
// several. No answer ever asks for a password: a browser that was asked would send it along with the requests of others' pages.
func (s *surface) signIn(r *http.Request, encoded string) (muster.Caller, error) {
	text, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
	user, password, found := strings.Cut(string(text), ":")
	if err != nil || !found {
		return muster.Caller{}, muster.Errorf(muster.Unauthenticated, "", "This is not a login and password: Authorization: Basic, and then the base64 of LOGIN:PASSWORD.")
	}
	tenant, login, several := strings.Cut(user, "/")
	if !several {
		tenant, login = "", user
	}
	return s.Access.SignIn(r.Context(), tenant, login, password)
}
