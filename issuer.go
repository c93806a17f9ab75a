package muster

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Issuer is an OpenID Connect issuer whose tokens a tenant accepts, such as a Keycloak realm.
type Issuer struct {
	// Issuer is its URL, exactly as its tokens have it (iss).
	Issuer string `json:"issuer"`
	// Audience are the names under which tokens are meant for us: one of them must be in a token's aud.
	Audience []string `json:"audience"`
	// Target is the name of the target whose accounts sign in there: a token's subject (sub) is then the external id of an account. It may be empty.
	Target string `json:"target,omitempty"`
	// AdminRole is the realm role whose holders administer the tenant. Empty is DefaultAdminRole, and NoAdminRole gives it to nobody.
	AdminRole string `json:"admin_role,omitempty"`
	// Allow are private address ranges in which the issuer may be called. Only operators extend them.
	Allow []string `json:"allow,omitempty"`
}

// Choices of AdminRole.
const (
	DefaultAdminRole = "ROLE_ADMIN"
	NoAdminRole      = "-"
)

// Bounds of a tenant's issuers.
const (
	MaxIssuers   = 16
	maxAudiences = 16
	maxIssuer    = 255 // characters of a URL, an audience or a role
)

// Administers says whether somebody with these realm roles administers the tenant.
func (i Issuer) Administers(roles []string) bool {
	role := cmp.Or(i.AdminRole, DefaultAdminRole)
	return role != NoAdminRole && slices.Contains(roles, role)
}

// ValidateIssuers gives every fault of a tenant's issuers. Whether allow has addresses in it is checked where they are used.
func ValidateIssuers(list []Issuer) Errors {
	if len(list) > MaxIssuers {
		return Errors{Errorf(TooLong, "issuers", "A tenant has at most %d issuers; this has %d.", MaxIssuers, len(list))}
	}
	var faults Errors
	for n, i := range list {
		field := fmt.Sprintf("issuers[%d]", n)
		faults = append(faults, i.validate(field)...)
		if slices.ContainsFunc(list[:n], func(other Issuer) bool { return other.Issuer == i.Issuer }) {
			faults = append(faults, Errorf(Invalid, field+".issuer", "The issuer %s stands here twice. Name all its audiences in one place.", quoted(i.Issuer)))
		}
	}
	return faults
}

func (i Issuer) validate(field string) Errors {
	var faults Errors
	add := func(e *Error) {
		if e != nil {
			faults = append(faults, e)
		}
	}
	add(i.validateURL(field + ".issuer"))
	switch {
	case len(i.Audience) == 0:
		add(Errorf(Required, field+".audience", "An audience is needed: the name under which the issuer's tokens are meant for Muster (aud)."))
	case len(i.Audience) > maxAudiences:
		add(Errorf(TooLong, field+".audience", "An issuer has at most %d audiences; this has %d.", maxAudiences, len(i.Audience)))
	}
	for n, a := range i.Audience {
		if a == "" || !shortText(a) || slices.Contains(i.Audience[:n], a) {
			add(Errorf(Invalid, field+".audience", "An audience is a text of 1 to %d characters, and stands here once; %s is not or does not.", maxIssuer, quoted(a)))
		}
	}
	if !shortText(i.Target) {
		add(Errorf(Invalid, field+".target", "This is the name of a target, or empty."))
	}
	if !shortText(i.AdminRole) {
		add(Errorf(Invalid, field+".admin_role", "This is the name of a realm role, of at most %d characters, or %s for none.", maxIssuer, NoAdminRole))
	}
	return faults
}

func (i Issuer) validateURL(field string) *Error {
	u, err := url.Parse(i.Issuer)
	if err != nil || !shortText(i.Issuer) || u.Host == "" || u.User != nil || u.RawQuery != "" || u.ForceQuery || strings.Contains(i.Issuer, "#") || u.Scheme != "https" && u.Scheme != "http" {
		return Errorf(Invalid, field, "This is the URL of an issuer, exactly as its tokens have it under iss, such as https://sso.example.org/realms/school.")
	}
	if u.Scheme == "http" && len(i.Allow) == 0 {
		return Errorf(Invalid, field, "An issuer without TLS (http) can only be in a network that allow names. Use https.")
	}
	return nil
}

func shortText(s string) bool {
	return utf8.ValidString(s) && utf8.RuneCountInString(s) <= maxIssuer && !strings.ContainsFunc(s, unicode.IsControl)
}
