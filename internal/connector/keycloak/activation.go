package keycloak

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/connector"
)

// together is how many accounts are asked for by id at once; an address line has a length.
const together = 50

// SetPassword sets a password that holds. Keycloak takes the required action UPDATE_PASSWORD away with it.
func (t *target) SetPassword(ctx context.Context, externalID, password string) error {
	if _, err := t.byID(ctx, externalID); err != nil {
		return t.outcome(ctx, "look for an account", err)
	}
	err := t.do(ctx, call{
		method: http.MethodPut, path: []string{"users", externalID, "reset-password"},
		body: map[string]any{"type": "password", "value": password, "temporary": false},
	})
	var no *refusal
	if errors.As(err, &no) && no.status == http.StatusBadRequest {
		return connector.Permanent(muster.Errorf(muster.Invalid, "password", "The realm's rules refuse this password: %s.", rule(no.said())).Because(err))
	}
	return t.outcome(ctx, "set passwords", err)
}

// rule says in words which rule of the password policy was broken, where Keycloak gives the key of its message.
func rule(said string) string {
	words := map[string]string{
		"invalidPasswordMinLengthMessage": "it is too short", "invalidPasswordMaxLengthMessage": "it is too long",
		"invalidPasswordMinDigitsMessage": "it has too few digits", "invalidPasswordMinUpperCaseCharsMessage": "it has too few capital letters",
		"invalidPasswordMinLowerCaseCharsMessage": "it has too few small letters", "invalidPasswordMinSpecialCharsMessage": "it has too few special characters",
		"invalidPasswordNotUsernameMessage": "it is the username", "invalidPasswordNotEmailMessage": "it is the e-mail address",
		"invalidPasswordNotContainsUsernameMessage": "it contains the username", "invalidPasswordHistoryMessage": "it was used before",
		"invalidPasswordBlacklistedMessage": "it is on the list of forbidden ones", "invalidPasswordRegexPatternMessage": "it does not have the required form",
	}
	if text := words[said]; text != "" {
		return text
	}
	return said
}

// Invite has Keycloak mail the link that leads to what the account requires. An account that requires nothing and cannot be signed in to gets the
// required actions of a new one first, so that it can be seen how far its person comes.
func (t *target) Invite(ctx context.Context, externalID string, life time.Duration) error {
	u, err := t.byID(ctx, externalID)
	if err != nil {
		return t.outcome(ctx, "look for an account", err)
	}
	if deref(u.Email) == "" {
		return connector.Permanent(muster.Errorf(muster.Required, "email", "The account %s has no e-mail address.", u.name()))
	}
	actions := u.RequiredActions
	if len(actions) == 0 {
		if actions = t.RequiredActions; len(actions) == 0 {
			return connector.Permanent(muster.Errorf(muster.Invalid, "config.required_actions", "The activation mail leads to required actions, and the settings name none."))
		}
		usable, err := t.usable(ctx, u.ID)
		if err == nil && !usable {
			err = t.put(ctx, u.ID, &user{Username: u.Username, RequiredActions: actions})
		}
		if err != nil {
			return t.outcome(ctx, "change accounts", err)
		}
	}
	query := url.Values{"lifespan": {strconv.Itoa(int(life.Seconds()))}}
	if t.LinkClient != "" {
		query.Set("client_id", t.LinkClient)
	}
	if t.LinkRedirect != "" {
		query.Set("redirect_uri", t.LinkRedirect)
	}
	err = t.do(ctx, call{method: http.MethodPut, path: []string{"users", u.ID, "execute-actions-email"}, query: query, body: actions})
	return t.mailed(ctx, err)
}

// mailed is what is made of the answer to a request for a mail.
func (t *target) mailed(ctx context.Context, err error) error {
	var no *refusal
	if !errors.As(err, &no) || no.signIn {
		return t.outcome(ctx, "send mails", err)
	}
	said := strings.ToLower(no.said())
	switch {
	case no.status == http.StatusBadRequest && (strings.Contains(said, "client") || strings.Contains(said, "redirect")):
		return connector.Permanent(muster.Errorf(muster.Invalid, "config.link_client", "Keycloak refuses the client or the address that the link is to lead to: %s.", no.said()).Because(err))
	case no.status >= 400 && strings.Contains(said, "invalid recipient"):
		return connector.Permanent(muster.Errorf(muster.Invalid, "email", "Keycloak refuses to send to this address: %s.", no.said()).Because(err))
	case no.status == http.StatusInternalServerError && no.ours:
		return muster.Errorf(muster.Unavailable, "", "Keycloak could not send the mail: %s.", no.said()).Because(err)
	}
	return t.outcome(ctx, "send mails", err)
}

// Activations reads accounts by their ids, some at a time. Only of those that may have come to an end more is asked.
func (t *target) Activations(ctx context.Context, externalIDs []string, each func(string, connector.Progress) error) error {
	for ids := range slices.Chunk(externalIDs, together) {
		var list []*user
		query := page(0, len(ids))
		query.Set("search", "id:"+strings.Join(ids, " "))
		if err := t.do(ctx, call{method: http.MethodGet, path: []string{"users"}, query: query, out: &list}); err != nil {
			return t.outcome(ctx, "look at accounts", err)
		}
		for _, u := range list {
			if !slices.Contains(ids, u.ID) {
				continue
			}
			progress, err := t.progress(ctx, u)
			if errors.Is(err, connector.ErrNotFound) {
				continue // it went meanwhile
			}
			if err != nil {
				return t.outcome(ctx, "look at accounts", err)
			}
			if err := each(u.ID, progress); err != nil {
				return err
			}
		}
	}
	return nil
}

// progress says how far the person of an account has come. Who still has everything to do cannot have signed in.
func (t *target) progress(ctx context.Context, u *user) (connector.Progress, error) {
	gone := slices.ContainsFunc(t.RequiredActions, func(a string) bool { return !slices.Contains(u.RequiredActions, a) })
	confirmed := u.EmailVerified != nil && *u.EmailVerified && !t.EmailVerified
	if len(u.RequiredActions) == 0 {
		usable, err := t.usable(ctx, u.ID)
		if err != nil || usable {
			return connector.Activated, err
		}
	} else if !gone && !confirmed {
		return connector.NotBegun, nil
	}
	in, err := t.signedIn(ctx, u.ID)
	switch {
	case err != nil || in:
		return connector.Activated, err
	case gone || confirmed:
		return connector.Begun, nil
	}
	return connector.NotBegun, nil
}

// usable says whether an account has something to sign in with.
func (t *target) usable(ctx context.Context, id string) (bool, error) {
	var list []struct {
		Type string `json:"type"`
	}
	err := t.do(ctx, call{method: http.MethodGet, path: []string{"users", id, "credentials"}, out: &list})
	if missing(err) {
		return false, connector.ErrNotFound
	}
	return len(list) > 0, err
}
