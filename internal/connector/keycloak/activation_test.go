package keycloak_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/connector"
	"github.com/musterid/muster/internal/connector/connectortest"
	"github.com/musterid/muster/internal/connector/keycloak/keycloaktest"
	"github.com/musterid/muster/internal/mail/mailtest"
)

func TestPasswords(t *testing.T) {
	t.Parallel()
	r := keycloaktest.Start(t).Realm(t, keycloaktest.Options{Realm: settings{"passwordPolicy": keycloaktest.Hashing + " and length(8)"}})
	connectortest.Passwords(t, connectortest.PasswordHarness{
		Harness: connectortest.Harness{Kind: kind, Config: decode(t, r.Settings()), Env: env, Secret: "canary-"},
		SignIn: func(t testing.TB, _, username, password string) bool {
			_, err := r.Token(t.Context(), username, password)
			return err == nil
		},
		Weak: "short",
	})
}

func TestActivations(t *testing.T) {
	t.Parallel()
	sink := mailtest.Start(t)
	r := keycloaktest.Start(t).Realm(t, keycloaktest.Options{SMTP: sink.Addr(), Attributes: []string{"department"}})
	set := r.Settings(settings{"attributes": settings{"department": "department"}, "required_actions": []string{"UPDATE_PASSWORD", "VERIFY_EMAIL"}})
	connectortest.Activations(t, connectortest.ActivationHarness{
		Harness: connectortest.Harness{Kind: kind, Config: decode(t, set), Env: env, Clear: "department"},
		Mailed:  func(_ testing.TB, address string) int { return len(mails(sink, address)) },
		Begin:   func(t testing.TB, address string) { follow(t, r, sink, address, "") },
		Finish:  func(t testing.TB, address string) { follow(t, r, sink, address, "Trois-petits-chats-12") },
		Many:    52,
	})
}

// mails gives the links of the mails that went to an address.
func mails(sink *mailtest.Sink, address string) (links []string) {
	for _, m := range sink.Messages() {
		for _, to := range m.To {
			if strings.EqualFold(to, address) && len(m.Links()) > 0 {
				links = append(links, m.Links()[0])
			}
		}
	}
	return links
}

// follow follows the link of the last mail to an address.
func follow(t testing.TB, r *keycloaktest.Realm, sink *mailtest.Sink, address, password string) string {
	t.Helper()
	links := mails(sink, address)
	if len(links) == 0 {
		t.Fatalf("no mail went to %s", address)
	}
	page, err := r.Follow(t.Context(), links[len(links)-1], password)
	if err != nil {
		t.Fatal(err)
	}
	return page
}

// invited makes an account, has it mailed, and gives its id.
func invited(t testing.TB, c connector.Connector, username string) string {
	t.Helper()
	made, err := c.Apply(t.Context(), creation(username, nil))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.(connector.Activator).Invite(t.Context(), made.ExternalID, time.Hour); err != nil {
		t.Fatalf("Invite: %v", err)
	}
	return made.ExternalID
}

func progress(t testing.TB, c connector.Connector, id string) (p connector.Progress) {
	t.Helper()
	p = -1
	err := c.(connector.Activator).Activations(t.Context(), []string{id}, func(_ string, found connector.Progress) error { p = found; return nil })
	if err != nil {
		t.Fatalf("Activations: %v", err)
	}
	return p
}

// From an empty realm to a token: the mail's link lives as long as was said and leads to the application, and clicking it proves the address.
func TestActivationMail(t *testing.T) {
	t.Parallel()
	sink := mailtest.Start(t)
	r := keycloaktest.Start(t).Realm(t, keycloaktest.Options{SMTP: sink.Addr()})
	c := open(t, r.Settings(settings{"link_client": keycloaktest.AppID, "link_redirect": keycloaktest.AppURL + "/welcome"}))
	id := invited(t, c, "ana")
	link := mails(sink, "ana@example.org")[0]
	if life := lifeOf(t, link); life < 59*time.Minute || life > time.Hour {
		t.Errorf("the link lives for %s, want an hour", life)
	}
	if u := r.User(t, "ana"); u.EmailVerified {
		t.Error("the address of a new account counts as verified")
	}
	page, err := r.Follow(t.Context(), link, "Trois-petits-chats-12")
	if err != nil || !strings.Contains(page, "updated") {
		t.Errorf("the last page says %q (%v)", page, err)
	}
	if u := r.User(t, "ana"); !u.EmailVerified || len(u.RequiredActions) > 0 {
		t.Errorf("after the link was followed the account is %+v", u)
	}
	if p := progress(t, c, id); p != connector.Activated {
		t.Errorf("progress is %d, want Activated", p)
	}
	if _, err := r.Token(t.Context(), "ana", "Trois-petits-chats-12"); err != nil {
		t.Errorf("no token for whoever followed the link: %v", err)
	}
}

// lifeOf reads the life time of the action token that a link carries.
func lifeOf(t testing.TB, link string) time.Duration {
	t.Helper()
	u, err := url.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(u.Query().Get("key"), ".")
	if len(parts) != 3 {
		t.Fatalf("the link %s carries no token", link)
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	var claims struct{ Exp int64 }
	if err := json.Unmarshal(text, &claims); err != nil {
		t.Fatal(err)
	}
	return time.Until(time.Unix(claims.Exp, 0))
}

// What Keycloak refuses about a mail is refused for good where trying again cannot help, and else may be tried again.
func TestInviteRefused(t *testing.T) {
	t.Parallel()
	sink := mailtest.Start(t)
	r := keycloaktest.Start(t).Realm(t, keycloaktest.Options{SMTP: sink.Addr()})
	c := open(t, r.Settings())
	made, err := c.Apply(t.Context(), creation("ana", nil))
	if err != nil {
		t.Fatal(err)
	}
	invite := func(more settings) error {
		return open(t, r.Settings(more)).(connector.Activator).Invite(t.Context(), made.ExternalID, time.Hour)
	}
	for name, more := range map[string]settings{
		"unknown client":        {"link_client": "nobody"},
		"address not the app's": {"link_client": keycloaktest.AppID, "link_redirect": "http://elsewhere.example/"},
	} {
		if err := invite(more); !connector.Verdict(err).Permanent || muster.Faults(err)[0].Field != "config.link_client" {
			t.Errorf("%s: %v; want a Permanent fault of config.link_client", name, err)
		}
	}
	r.Must(t, http.MethodPut, "/users/"+made.ExternalID, settings{"username": "ana", "enabled": false}, nil)
	if err := invite(nil); !connector.Verdict(err).Permanent {
		t.Errorf("mail for a disabled account: %v; want Permanent", err)
	}
	r.Must(t, http.MethodPut, "/users/"+made.ExternalID, settings{"username": "ana", "enabled": true}, nil)
	sink.Stop()
	err = invite(nil)
	if v := connector.Verdict(err); err == nil || v.Permanent || v.Down {
		t.Errorf("the mail server is down: %v (%+v); want an error that is tried again", err, v)
	}
	var said *muster.Error
	if !errors.As(err, &said) {
		t.Errorf("the mail server is down: %v is no sentence for anybody", err)
	}
}

// Progress where a mail is not all there is.
func TestProgress(t *testing.T) {
	t.Parallel()
	r := keycloaktest.Start(t).Realm(t, keycloaktest.Options{})
	both := settings{"required_actions": []string{"UPDATE_PASSWORD", "VERIFY_EMAIL"}}
	const password = "Trois-petits-chats-12"
	for i, test := range []struct {
		name string
		set  settings
		do   func(id, username string)
		want connector.Progress
	}{
		{"nothing done", both, func(string, string) {}, connector.NotBegun},
		{"address verified", both, func(id, username string) {
			r.Must(t, http.MethodPut, "/users/"+id, settings{"username": username, "emailVerified": true}, nil)
		}, connector.Begun},
		{"addresses are verified anyway", settings{"email_verified": true}, func(string, string) {}, connector.NotBegun},
		{"one action gone", both, func(id, username string) {
			r.Must(t, http.MethodPut, "/users/"+id, settings{"username": username, "requiredActions": []string{"VERIFY_EMAIL"}}, nil)
		}, connector.Begun},
		{"password set, an action left", both, func(id, username string) { setPassword(t, r, id, password) }, connector.Begun},
		{"actions gone, nothing to sign in with", both, func(id, username string) {
			r.Must(t, http.MethodPut, "/users/"+id, settings{"username": username, "requiredActions": []string{}}, nil)
		}, connector.Begun},
		{"no action left and a password", settings{}, func(id, _ string) { setPassword(t, r, id, password) }, connector.Activated},
		{"signed in, then asked for something else", settings{}, func(id, username string) {
			setPassword(t, r, id, password)
			if _, err := r.Token(t.Context(), username, password); err != nil {
				t.Fatal(err)
			}
			r.Must(t, http.MethodPut, "/users/"+id, settings{"username": username, "requiredActions": []string{"CONFIGURE_TOTP"}}, nil)
		}, connector.Activated},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := open(t, r.Settings(test.set))
			username := fmt.Sprintf("person%d", i)
			made, err := c.Apply(t.Context(), creation(username, nil))
			if err != nil {
				t.Fatal(err)
			}
			test.do(made.ExternalID, username)
			if p := progress(t, c, made.ExternalID); p != test.want {
				t.Errorf("progress is %d, want %d", p, test.want)
			}
		})
	}
}

func setPassword(t testing.TB, r *keycloaktest.Realm, id, password string) {
	t.Helper()
	r.Must(t, http.MethodPut, "/users/"+id+"/reset-password", settings{"type": "password", "value": password, "temporary": false}, nil)
}

// An account that was taken over requires nothing and has no password: the mail makes it require what a new one does.
func TestInviteOfAnAccountTakenOver(t *testing.T) {
	t.Parallel()
	sink := mailtest.Start(t)
	r := keycloaktest.Start(t).Realm(t, keycloaktest.Options{SMTP: sink.Addr()})
	id := r.Add(t, keycloaktest.User{Username: "ana", Enabled: true, Email: "ana@example.org", FirstName: "Ana", LastName: "Diaz"})
	c := open(t, r.Settings())
	if err := c.(connector.Activator).Invite(t.Context(), id, time.Hour); err != nil {
		t.Fatal(err)
	}
	if p := progress(t, c, id); p != connector.NotBegun {
		t.Errorf("progress is %d, want NotBegun", p)
	}
	follow(t, r, sink, "ana@example.org", "Trois-petits-chats-12")
	if p := progress(t, c, id); p != connector.Activated {
		t.Errorf("progress is %d, want Activated", p)
	}
}
