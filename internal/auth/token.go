package auth

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/coreos/go-oidc/v3/oidc"
	jose "github.com/go-jose/go-jose/v4"

	"github.com/musterid/muster"
)

const (
	maxToken   = 16 << 10 // bytes
	maxSubject = 255      // bytes, by the standard
	skew       = time.Minute
)

// algorithms are those whose keys an issuer can publish. Neither none nor shared secrets are among them.
var algorithms = []string{
	oidc.RS256, oidc.RS384, oidc.RS512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.EdDSA,
}

// notForUs are the kinds of tokens (claim typ, as Keycloak has it) that are signed with the same keys, and are not there to be sent with requests.
var notForUs = []string{"ID", "Refresh", "Offline", "Logout", "Serialized-ID"}

// Claims are what a token says that has been found good.
type Claims struct {
	Subject       string
	Audience      []string
	Email         string
	EmailVerified bool
	RealmRoles    []string // realm_access.roles
}

func invalid() *muster.Error {
	return muster.Errorf(muster.Unauthenticated, "", "This token is not valid. Sign in again.")
}

// Looks says whether a text has the form of a token: three parts with dots between them.
func Looks(text string) bool {
	return strings.Count(text, ".") == 2 && !strings.ContainsFunc(text, func(r rune) bool {
		return r != '.' && r != '-' && r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	})
}

// Unverified reads from a token which issuer it claims to be from, and whom it is meant for. Nothing of that is known to be true: it is there to
// find out by whose keys the token is to be checked.
func Unverified(token string) (issuer string, audience []string, err error) {
	if len(token) > maxToken || !Looks(token) {
		return "", nil, invalid()
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	if err != nil {
		return "", nil, invalid().Because(err)
	}
	c, err := claimsOf(payload)
	if err != nil {
		return "", nil, err
	}
	issuer, audience = c.text("iss"), c.texts("aud")
	if slices.ContainsFunc(append(audience[:len(audience):len(audience)], issuer), func(s string) bool { return !sound(s, 4*maxSubject) }) {
		return "", nil, invalid() // the names that are accepted are sound, and the text goes to a database
	}
	return issuer, audience, nil
}

// Verify checks a token against an issuer and its keys, and gives what it says. A bad token is muster.Unauthenticated; when the issuer's keys cannot
// be had it is muster.Unavailable.
func (v *Verifier) Verify(ctx context.Context, token string, issuer muster.Issuer) (Claims, error) {
	if len(token) > maxToken || !Looks(token) {
		return Claims{}, invalid()
	}
	set := &keySet{ring: v.ring(issuer)}
	config := &oidc.Config{SkipClientIDCheck: true, SkipExpiryCheck: true, SupportedSigningAlgs: algorithms} // both are checked below
	if _, err := oidc.NewVerifier(issuer.Issuer, set, config).Verify(ctx, token); err != nil {
		if set.err != nil {
			return Claims{}, set.err
		}
		return Claims{}, invalid().Because(err)
	}
	c, err := claimsOf(set.payload)
	if err != nil {
		return Claims{}, err
	}
	return c.check(issuer, v.now())
}

// keySet checks signatures with the keys of a ring. It is for one token.
type keySet struct {
	ring    *ring
	payload []byte
	err     error // when the keys could not be had, which the library would only put into words
}

// VerifySignature implements oidc.KeySet. Only keys that the issuer published count: what a token brings or points to itself is not looked at.
func (s *keySet) VerifySignature(ctx context.Context, token string) ([]byte, error) {
	known := make([]jose.SignatureAlgorithm, len(algorithms))
	for i, a := range algorithms {
		known[i] = jose.SignatureAlgorithm(a)
	}
	signed, err := jose.ParseSignedCompact(token, known)
	if err != nil {
		return nil, err
	}
	header := signed.Signatures[0].Protected
	keys, err := s.ring.lookup(ctx, header.KeyID, header.Algorithm)
	if err != nil {
		s.err = err
		return nil, err
	}
	for _, key := range keys {
		if payload, err := signed.Verify(key.Key); err == nil {
			s.payload = payload
			return payload, nil
		}
	}
	return nil, errors.New("auth: no key of the issuer made this signature")
}

// claims are a token's, by their exact names.
type claims map[string]json.RawMessage

func claimsOf(payload []byte) (claims, error) {
	var c claims
	if err := json.Unmarshal(payload, &c); err != nil {
		return nil, invalid().Because(err)
	}
	return c, nil
}

// read gives a claim, or the zero value where it is absent or something else.
func read[T any](c claims, name string) (value T) {
	var v T
	if err := json.Unmarshal(c[name], &v); err == nil {
		value = v
	}
	return value
}

func (c claims) text(name string) string { return read[string](c, name) }

// texts gives a claim that is a text or a list of them.
func (c claims) texts(name string) []string {
	if one := c.text(name); one != "" {
		return []string{one}
	}
	return read[[]string](c, name)
}

// time gives a claim that is a time, and whether it is there and makes sense.
func (c claims) time(name string) (time.Time, bool) {
	seconds := read[*float64](c, name)
	if seconds == nil || !(*seconds > 0 && *seconds < 1e11) {
		return time.Time{}, false
	}
	return time.UnixMicro(int64(*seconds * 1e6)), true
}

// check says what the claims of a token with a good signature come to.
func (c claims) check(issuer muster.Issuer, now time.Time) (Claims, error) {
	found := Claims{
		Subject: c.text("sub"), Audience: c.texts("aud"), Email: c.text("email"),
		EmailVerified: c.text("email_verified") == "true" || read[bool](c, "email_verified"),
		RealmRoles:    read[struct{ Roles []string }](c, "realm_access").Roles,
	}
	if c.text("iss") != issuer.Issuer || !sound(found.Subject, maxSubject) || found.Subject == "" || slices.Contains(notForUs, c.text("typ")) {
		return Claims{}, invalid()
	}
	if !slices.ContainsFunc(found.Audience, func(a string) bool { return slices.Contains(issuer.Audience, a) }) {
		return Claims{}, muster.Errorf(muster.Unauthenticated, "", "This token is meant for somebody else: its audience (aud) has none of the names that are accepted here.")
	}
	if err := c.inTime(now); err != nil {
		return Claims{}, err
	}
	if !sound(found.Email, maxSubject) {
		found.Email, found.EmailVerified = "", false
	}
	return found, nil
}

// inTime checks when a token is valid. Clocks may be a minute apart.
func (c claims) inTime(now time.Time) error {
	until, ok := c.time("exp")
	if !ok {
		return invalid()
	}
	if !now.Before(until.Add(skew)) {
		return muster.Errorf(muster.Unauthenticated, "", "This token has expired. Sign in again.")
	}
	for _, name := range []string{"nbf", "iat"} {
		if bytes.Equal(c[name], []byte("null")) || c[name] == nil {
			continue
		}
		from, ok := c.time(name)
		if !ok && read[float64](c, name) == 0 && string(c[name]) == "0" { // as older Keycloaks say: not before ever
			continue
		}
		if !ok {
			return invalid()
		}
		if now.Add(skew).Before(from) {
			return muster.Errorf(muster.Unauthenticated, "", "This token is not valid yet. Compare the clock of its issuer with ours.")
		}
	}
	return nil
}

// sound says whether a text may be stored and shown.
func sound(text string, most int) bool {
	return len(text) <= most && utf8.ValidString(text) && !strings.ContainsFunc(text, unicode.IsControl)
}
