package cli

import (
	"encoding/json"
	"net/http"
	"slices"

	"github.com/musterid/muster"
)

// tenantsTrust sets one of the issuers whose tokens a tenant accepts. It is said whole: what no flag names is as it is by default.
type tenantsTrust struct {
	Code      string   `arg:"" placeholder:"CODE" help:"The tenant's code; own is yours."`
	Issuer    string   `arg:"" placeholder:"URL" help:"The issuer's URL, exactly as its tokens have it (iss)."`
	Audience  []string `required:"" placeholder:"NAME,…" help:"Under which name tokens are meant for Muster (aud); one of them is enough."`
	Target    string   `placeholder:"NAME" help:"The target whose accounts sign in there: a token's subject is the external id of an account."`
	AdminRole string   `placeholder:"ROLE" help:"The realm role whose holders administer the tenant (ROLE_ADMIN); - for none."`
	Allow     []string `placeholder:"RANGE,…" help:"Private addresses at which the issuer may be called, such as 10.0.0.0/8. Operators only."`
}

func (c *tenantsTrust) Run(s *session) error {
	issuer := muster.Issuer{Issuer: c.Issuer, Audience: c.Audience, Target: c.Target, AdminRole: c.AdminRole, Allow: c.Allow}
	return changeIssuers(s, c.Code, func(list []muster.Issuer) ([]muster.Issuer, error) {
		if n := slices.IndexFunc(list, func(i muster.Issuer) bool { return i.Issuer == c.Issuer }); n >= 0 {
			list[n] = issuer
			return list, nil
		}
		return append(list, issuer), nil
	}, "The tenant %s accepts tokens of %s.", c.Issuer)
}

// tenantsDistrust takes an issuer out.
type tenantsDistrust struct {
	Code   string `arg:"" placeholder:"CODE" help:"The tenant's code; own is yours."`
	Issuer string `arg:"" placeholder:"URL" help:"The issuer's URL."`
}

func (c *tenantsDistrust) Run(s *session) error {
	return changeIssuers(s, c.Code, func(list []muster.Issuer) ([]muster.Issuer, error) {
		left := slices.DeleteFunc(slices.Clone(list), func(i muster.Issuer) bool { return i.Issuer == c.Issuer })
		if len(left) == len(list) {
			return nil, s.exitf(ExitFailed, "The tenant %s has no issuer %s. Those it has: muster tenants show %s", c.Code, c.Issuer, c.Code)
		}
		return left, nil
	}, "The tenant %s accepts no tokens of %s any more.", c.Issuer)
}

// changeIssuers reads a tenant's issuers and writes them back changed.
func changeIssuers(s *session, code string, change func([]muster.Issuer) ([]muster.Issuer, error), said, issuer string) error {
	raw, err := s.get(escaped("tenants", code), nil)
	if err != nil {
		return err
	}
	var now struct {
		Settings struct {
			Issuers []muster.Issuer `json:"issuers"`
		} `json:"settings"`
	}
	if err := json.Unmarshal(raw, &now); err != nil {
		return err
	}
	list, err := change(now.Settings.Issuers)
	if err != nil {
		return err
	}
	if list == nil {
		list = []muster.Issuer{}
	}
	raw, err = s.call(http.MethodPatch, escaped("tenants", code), nil, map[string]any{"settings": map[string]any{"issuers": list}})
	return answer(s, raw, err, func(t tenantView) { s.printf(said, t.Code, issuer) })
}
