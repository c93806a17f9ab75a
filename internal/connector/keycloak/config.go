package keycloak

import (
	"crypto/x509"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/connector"
)

// Config is what a realm is set to.
type Config struct {
	URL       string `json:"url" label:"Address" required:"true" address:"true" help:"Address of the Keycloak, such as https://id.example.org, with the path it is served under if there is one."`
	AllowHTTP bool   `json:"allow_http" label:"Without encryption" address:"true" help:"Accepts an http:// address. The secret and all that is known of people then cross the network in clear."`
	CA        string `json:"ca" label:"Certificate authority" lines:"true" address:"true" help:"PEM certificates that the server's own is checked against; empty for those of the system."`

	Realm        string `json:"realm" label:"Realm" required:"true" help:"Realm that the accounts are in."`
	ClientID     string `json:"client_id" label:"Client" required:"true" help:"Client that Muster works as; it has a service account with the rights this page lists."`
	ClientSecret string `json:"client_secret" label:"Client secret" required:"true" secret:"true" help:"Secret of that client."`
	ClientRealm  string `json:"client_realm" label:"Realm of the client" address:"true" help:"Where the client is, when that is another realm such as master; empty for the realm of the accounts."`

	MarkerAttribute   string            `json:"marker_attribute" label:"Marker attribute" required:"true" help:"Attribute in which Muster marks the accounts it made. People must not be able to write it."`
	Attributes        map[string]string `json:"attributes" label:"Attributes" help:"Which field is kept in which attribute; an empty attribute keeps the field out. Given pairs are laid over the default ones."`
	DeclareAttributes bool              `json:"declare_attributes" label:"Declare attributes" help:"Adds attributes that the realm's user profile lacks, for administrators alone, before the first account is written. It needs the right manage-realm."`
	EmailVerified     bool              `json:"email_verified" label:"Addresses are verified" help:"Marks each address that Muster writes as verified. Otherwise a new or changed one is not, until its owner follows a link."`
	RequiredActions   []string          `json:"required_actions" label:"Required actions" help:"What a new account asks of its person at the first sign-in, and what the activation mail leads to."`

	Roles       []string          `json:"roles" label:"Roles for everybody" help:"Roles that every account gets: realm roles by name, roles of a client as client/role."`
	GroupParent string            `json:"group_parent" label:"Parent of groups" help:"Path of the group below which a code is the name of a group; / for groups at the top, empty to leave alone the groups that have no path or role here."`
	GroupPaths  map[string]string `json:"group_paths" label:"Paths of groups" help:"Path of the group that a code stands for, such as /school/teachers."`
	GroupRoles  map[string]string `json:"group_roles" label:"Roles of groups" help:"Role that members of a code get, written as for everybody's roles."`
	CreateGroup bool              `json:"create_groups" label:"Create groups" help:"Makes a group that does not exist below the parent when somebody is to join it."`

	LinkClient   string `json:"link_client" label:"Client of the link" help:"Client id of the application that people are led to from the activation mail; empty for none."`
	LinkRedirect string `json:"link_redirect" label:"Address after the link" help:"Where people are led once they have done what was required; that client must allow it."`

	PageSize int `json:"page_size" label:"Page size" help:"Accounts asked for at once in a listing."`
}

func defaults() *Config {
	return &Config{
		MarkerAttribute: "muster", RequiredActions: []string{"UPDATE_PASSWORD"}, GroupParent: "/", PageSize: 200,
		Attributes: map[string]string{"first_name": "firstName", "last_name": "lastName", "email": "email"},
	}
}

// Validate checks what the shape of single values does not say.
func (c *Config) Validate() error {
	_, _, _, err := c.read()
	return err
}

// faults gathers what is wrong with settings.
type faults struct{ list muster.Errors }

func (f *faults) add(setting, format string, args ...any) {
	f.list = append(f.list, muster.Errorf(muster.Invalid, setting, format, args...))
}

// read gives what the settings come to.
func (c *Config) read() ([]connector.Mapping, *url.URL, *x509.CertPool, error) {
	f := &faults{}
	base, pool, mappings := c.address(f), c.authorities(f), c.mapFields(f)
	for _, set := range [][2]string{{"realm", c.Realm}, {"client_realm", c.ClientRealm}} {
		if name := set[1]; name == "." || name == ".." || strings.ContainsAny(name, "/?#%") {
			f.add(set[0], "This is not the name of a realm.")
		}
	}
	c.grouping(f)
	if slices.Contains(c.RequiredActions, "") {
		f.add("required_actions", "A required action has a name, such as UPDATE_PASSWORD.")
	}
	if c.LinkRedirect != "" && c.LinkClient == "" {
		f.add("link_client", "The address after the link is one of a client, which is to be named here.")
	}
	if c.PageSize < 10 || c.PageSize > 1000 {
		f.add("page_size", "A page has between 10 and 1000 accounts.")
	}
	return mappings, base, pool, f.list.Or()
}

func (c *Config) signInRealm() string {
	if c.ClientRealm != "" {
		return c.ClientRealm
	}
	return c.Realm
}

func (c *Config) address(f *faults) *url.URL {
	u, err := url.Parse(strings.TrimRight(c.URL, "/"))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		f.add("url", "The address has the form https://id.example.org.")
		return &url.URL{}
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		f.add("url", "The address has no user name, no question mark and no #; the client has settings of its own.")
	}
	if u.Scheme == "http" && !c.AllowHTTP {
		f.add("url", "An http:// address is not encrypted. Use https://, or set allow_http and accept that the secret crosses the network in clear.")
	}
	return u
}

func (c *Config) authorities(f *faults) *x509.CertPool {
	if c.CA == "" {
		return nil
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM([]byte(c.CA)) {
		f.add("ca", "There is no PEM certificate in it. It begins with -----BEGIN CERTIFICATE-----.")
	}
	return pool
}

// attributeName is what Keycloak lets an attribute be called.
var attributeName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)

// mapFields reads the setting attributes.
func (c *Config) mapFields(f *faults) (mappings []connector.Mapping) {
	if !attributeName.MatchString(c.MarkerAttribute) || plain(c.MarkerAttribute) {
		f.add("marker_attribute", "%q is not an attribute that could hold the marker.", c.MarkerAttribute)
	}
	owner := map[string]string{"username": "the username", "id": "Keycloak's id", c.MarkerAttribute: "the marker"}
	for _, field := range slices.Sorted(maps.Keys(c.Attributes)) {
		attr := c.Attributes[field]
		if attr == "" {
			continue
		}
		m, ok := connector.MapField(field, attr)
		if !ok {
			f.add("attributes", "There is no field %q that could be kept in an attribute. Phones, addresses and own attributes are named phones.work, addresses.work.street, attributes.class.", field)
			continue
		}
		if !attributeName.MatchString(attr) {
			f.add("attributes", "%q is not the name of an attribute.", attr)
		}
		if who := owner[attr]; who != "" {
			f.add("attributes", "The attribute %s already holds %s, so %s cannot be kept there. Map it to another attribute, or to none with an empty text.", attr, who, field)
		}
		owner[attr] = field
		mappings = append(mappings, m)
	}
	return mappings
}

// grouping reads the settings about groups and roles.
func (c *Config) grouping(f *faults) {
	if c.GroupParent != "" && !strings.HasPrefix(c.GroupParent, "/") {
		f.add("group_parent", "The path of a group begins with /.")
	}
	for code, path := range c.GroupPaths {
		if code == "" || !strings.HasPrefix(path, "/") || len(segments(path)) == 0 {
			f.add("group_paths", "A code is given the path of a group, such as /school/teachers.")
		}
	}
	for code, name := range c.GroupRoles {
		if code == "" || name == "" {
			f.add("group_roles", "A code is given the name of a role, such as teacher, or app/reader for a role of a client.")
		}
	}
	if slices.Contains(c.Roles, "") {
		f.add("roles", "A role has a name.")
	}
}
