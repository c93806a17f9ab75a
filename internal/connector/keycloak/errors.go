package keycloak

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/connector"
)

// unreached is an exchange that did not come to an answer that could be read.
type unreached struct{ err error }

func (e *unreached) Error() string { return "keycloak: " + e.err.Error() }
func (e *unreached) Unwrap() error { return e.err }

// refusal is an answer other than success.
type refusal struct {
	status int
	after  time.Duration // the server asked to wait
	signIn bool          // it is the answer to a request for a token
	ours   bool          // it has the shape of Keycloak's, rather than that of somebody standing in front of it

	fault
	Text        string  `json:"error"`
	Description string  `json:"error_description"`
	Faults      []fault `json:"errors"`
}

// fault is what the user profile finds wrong with one attribute.
type fault struct {
	Attribute string `json:"field"`
	Message   string `json:"errorMessage"`
	Params    []any  `json:"params"`
}

func (e *refusal) Error() string { return fmt.Sprintf("keycloak: status %d: %s", e.status, e.said()) }

func (e *refusal) said() string {
	for _, text := range []string{e.Message, e.Description, e.Text} {
		if text != "" {
			return strings.TrimRight(text, ".")
		}
	}
	return http.StatusText(e.status)
}

func refused(answer *http.Response, text []byte) *refusal {
	e := &refusal{status: answer.StatusCode}
	if json.Unmarshal(text, e) == nil && (e.Text != "" || e.Message != "" || len(e.Faults) > 0) {
		// An address that leads past the Admin API is answered by the server and not by it.
		e.ours = !strings.HasPrefix(e.Text, "HTTP 404") && !strings.HasPrefix(e.Text, "Unable to find matching target")
	}
	if wait, err := strconv.Atoi(answer.Header.Get("Retry-After")); err == nil && wait > 0 {
		e.after = min(time.Duration(wait)*time.Second, time.Hour)
	} else if at, err := http.ParseTime(answer.Header.Get("Retry-After")); err == nil {
		e.after = min(max(time.Until(at), time.Second), time.Hour)
	}
	return e
}

// missing says whether Keycloak itself answered that what was asked for is not there. Nothing else may be taken for that: neither the page of a
// proxy, nor a realm that is gone with all its accounts.
func missing(err error) bool {
	var no *refusal
	return errors.As(err, &no) && no.status == http.StatusNotFound && no.ours && !no.signIn && !strings.HasPrefix(no.Text, "Realm not found")
}

func refusedWith(err error, status int) bool {
	var no *refusal
	return errors.As(err, &no) && no.status == status
}

// outcome is what is made of an error of a call. doing says which, for messages: "create the account".
func (t *target) outcome(ctx context.Context, doing string, err error) error {
	var marked *connector.Failure
	if err == nil || errors.As(err, &marked) || errors.Is(err, connector.ErrExists) || errors.Is(err, connector.ErrNotFound) {
		return err
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		return context.Canceled
	}
	var lost *unreached
	if errors.As(err, &lost) || errors.Is(err, context.DeadlineExceeded) {
		var guard *muster.Error
		if errors.As(err, &guard) {
			return connector.Down(guard)
		}
		return connector.Down(muster.Errorf(muster.Unavailable, "config.url", "Keycloak cannot be reached: %v.", err).Because(err))
	}
	var no *refusal
	if !errors.As(err, &no) {
		return err
	}
	if no.signIn {
		return t.notLetIn(no)
	}
	return t.answered(doing, no)
}

// notLetIn is what is made of a refused request for a token.
func (t *target) notLetIn(no *refusal) error {
	down := func(field, format string, args ...any) error {
		return connector.Down(muster.Errorf(muster.Unavailable, field, format, args...).Because(no))
	}
	switch {
	case no.status == http.StatusTooManyRequests || no.after > 0:
		return busy(no)
	case no.status == http.StatusNotFound && no.ours:
		return down("config.realm", "Keycloak has no realm %s in which the client could be.", t.signInRealm())
	case no.Text == "unauthorized_client" || no.Text == "invalid_client" || no.status == http.StatusUnauthorized:
		return down("config.client_secret", "Keycloak does not accept the client %s or its secret, or the client has no service account.", t.ClientID)
	case no.status == http.StatusNotFound || no.status < 400:
		return elsewhere(no)
	}
	return down("config.url", "Keycloak gives no token (status %d): %s.", no.status, no.said())
}

// busy is what is made of an answer that asks to wait.
func busy(no *refusal) error {
	wait := no.after
	if wait == 0 {
		wait = 10 * time.Second
	}
	return connector.RetryAfter(wait, muster.Errorf(muster.Unavailable, "", "Keycloak asks to wait (status %d): %s.", no.status, no.said()).Because(no))
}

// elsewhere: whoever answered is not the Admin API.
func elsewhere(no *refusal) error {
	return connector.Down(muster.Errorf(muster.Unavailable, "config.url", "The address does not lead to a Keycloak: status %d is the answer. It may lack a path such as /auth, or have one too many.", no.status).Because(no))
}

// answered is what is made of a refusal by the Admin API.
func (t *target) answered(doing string, no *refusal) error {
	switch {
	case no.status == http.StatusTooManyRequests || no.status == http.StatusServiceUnavailable && no.after > 0:
		return busy(no)
	case no.status == http.StatusNotFound && strings.HasPrefix(no.Text, "Realm not found"):
		return connector.Down(muster.Errorf(muster.Unavailable, "config.realm", "Keycloak has no realm %s.", t.Realm).Because(no))
	case no.status == http.StatusNotFound && no.ours:
		return connector.ErrNotFound
	case no.status == http.StatusNotFound || no.status < 400:
		return elsewhere(no)
	case no.status == http.StatusUnauthorized:
		return connector.Down(muster.Errorf(muster.Unavailable, "config.client_id", "Keycloak gives a token to the client %s and then does not accept it. Both must be reached at one address, and the client's realm must be one that may administer the accounts'.", t.ClientID).Because(no))
	case no.status == http.StatusForbidden:
		return connector.Permanent(muster.Errorf(muster.Policy, "", "Keycloak does not let the client %s %s. Give its service account the right to: the documentation lists the roles that are needed.", t.ClientID, doing).Because(no))
	case no.status == http.StatusConflict:
		return connector.Permanent(muster.Errorf(muster.Conflict, "", "Keycloak refuses to %s: %s.", doing, no.said()).Because(no))
	case no.status == http.StatusBadGateway || no.status == http.StatusServiceUnavailable || no.status == http.StatusGatewayTimeout:
		return connector.Down(muster.Errorf(muster.Unavailable, "", "Keycloak cannot be worked with (status %d).", no.status).Because(no))
	case no.status >= 500:
		return fmt.Errorf("keycloak: %s: %w", doing, no) // worth another try, a bounded number of times
	}
	if list := t.profileFaults(no); len(list) > 0 {
		return connector.Permanent(list.Or())
	}
	return connector.Permanent(muster.Errorf(muster.Invalid, "", "Keycloak refuses to %s: %s.", doing, no.said()).Because(no))
}

// profileFaults names our fields where the user profile refuses values.
func (t *target) profileFaults(no *refusal) (list muster.Errors) {
	for _, f := range append(no.Faults, no.fault) {
		if f.Attribute == "" {
			continue
		}
		field := t.fieldOf(f.Attribute)
		if f.Attribute == "username" && f.Message == "error-user-attribute-read-only" {
			list = append(list, muster.Errorf(muster.Policy, field, "The realm does not let usernames be changed. Switch on “Edit username” in its settings, under Login.").Because(no))
			continue
		}
		list = append(list, muster.Errorf(muster.Invalid, field, "Keycloak does not accept the value of %s: %s.", f.Attribute, f.words()).Because(no))
	}
	return list
}

// words says a message key of the user profile in a sentence, such as "invalid length (3 to 255)".
func (f fault) words() string {
	text := strings.ReplaceAll(strings.TrimPrefix(f.Message, "error-"), "-", " ")
	if len(f.Params) == 3 && f.Message == "error-invalid-length" {
		text += fmt.Sprintf(" (%v to %v)", f.Params[1], f.Params[2])
	}
	return text
}

// taken is what is made of a conflict: who holds the username, or another unique value.
func (t *target) taken(no error, username, email string) (byName bool, err error) {
	said := strings.ToLower(no.Error())
	if strings.Contains(said, "email") && !strings.Contains(said, "username") {
		return false, muster.Errorf(muster.Conflict, "email", "Another account of the realm has the address %s, and the realm does not let two have one.", email).Because(no)
	}
	return true, muster.Errorf(muster.Conflict, "username", "The realm has an account %s already.", username).Because(no)
}
