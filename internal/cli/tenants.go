package cli

import (
	"net/http"
	"strconv"
	"strings"
)

type tenantsCommand struct {
	remote
	List   tenantsList   `cmd:"" help:"List tenants."`
	Create tenantsCreate `cmd:"" help:"Make a tenant."`
	Show   tenantsShow   `cmd:"" help:"Show a tenant and its settings."`
	Set    tenantsSet    `cmd:"" help:"Change a tenant's name or settings."`

	Trust    tenantsTrust    `cmd:"" help:"Accept the tokens of an OpenID Connect issuer, such as a Keycloak realm."`
	Distrust tenantsDistrust `cmd:"" help:"Accept the tokens of an issuer no more."`
}

type tenantsList struct{ listFlags }

func (c *tenantsList) Run(s *session) error {
	return listing(s, "/v1/tenants", nil, c.most(s), []string{"code", "name", "created", "id"}, func(t tenantView) []string {
		return []string{t.Code, t.Name, minute(t.CreatedAt), t.ID}
	})
}

type tenantsCreate struct {
	Code string `arg:"" placeholder:"CODE" help:"Its code: small letters, digits and hyphens."`
	Name string `arg:"" placeholder:"NAME" help:"Its name."`
}

func (c *tenantsCreate) Run(s *session) error {
	raw, err := s.call(http.MethodPost, "/v1/tenants", nil, map[string]any{"code": c.Code, "name": c.Name})
	return answer(s, raw, err, func(t tenantView) {
		s.printf("The tenant %s is there. Its first key: muster keys create NAME --scope admin --tenant %s", t.Code, t.Code)
	})
}

type tenantsShow struct {
	Code string `arg:"" optional:"" default:"own" placeholder:"CODE" help:"The tenant's code (your own)."`
}

func (c *tenantsShow) Run(s *session) error {
	raw, err := s.get(escaped("tenants", c.Code), nil)
	return answer(s, raw, err, s.printFacts)
}

type tenantsSet struct {
	Code string   `arg:"" placeholder:"CODE" help:"The tenant's code."`
	Name string   `placeholder:"NAME" help:"Another name."`
	Set  []string `name:"set" sep:"none" placeholder:"NAME=VALUE" help:"A setting, as tenants show lists them under settings, such as usernames.digits=4 or limits.percent=20. May be given several times."`
}

func (c *tenantsSet) Run(s *session) error {
	body, settings := map[string]any{}, map[string]any{}
	for _, one := range c.Set {
		name, value, ok := strings.Cut(strings.TrimPrefix(one, "settings."), "=")
		if !ok || name == "" {
			return s.exitf(ExitUsage, "--set %s: it needs the form NAME=VALUE.", one)
		}
		place(settings, strings.Split(name, "."), guessed(value))
	}
	if c.Name != "" {
		body["name"] = c.Name
	}
	if len(settings) > 0 {
		body["settings"] = settings
	}
	if len(body) == 0 {
		return s.exitf(ExitUsage, "Say what is to be different, with --set NAME=VALUE or --name NAME.")
	}
	raw, err := s.call(http.MethodPatch, escaped("tenants", c.Code), nil, body)
	return answer(s, raw, err, func(t tenantView) { s.printf("The tenant %s is changed.", t.Code) })
}

// place puts a value into nested objects.
func place(into map[string]any, path []string, value any) {
	for len(path) > 1 {
		inner, ok := into[path[0]].(map[string]any)
		if !ok {
			inner = map[string]any{}
			into[path[0]] = inner
		}
		into, path = inner, path[1:]
	}
	into[path[0]] = value
}

// guessed reads a value of a tenant's settings: a number, true or false, a list where there is a comma, else a text.
func guessed(text string) any {
	if n, err := strconv.ParseFloat(text, 64); err == nil {
		return n
	}
	if b, err := strconv.ParseBool(text); err == nil {
		return b
	}
	if strings.Contains(text, ",") {
		return listed(text)
	}
	return text
}
