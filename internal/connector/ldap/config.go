package ldap

import (
	"crypto/x509"
	"net/url"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"github.com/musterid/muster"
)

// Config is what a directory is set to.
type Config struct {
	URL          string `json:"url" label:"Address" required:"true" address:"true" help:"ldap://host:389 or ldaps://host:636."`
	StartTLS     string `json:"start_tls" label:"StartTLS" choices:"required,none" address:"true" help:"Whether a connection to an ldap:// address is encrypted before anything is said. With none the password crosses the network in clear."`
	CA           string `json:"ca" label:"Certificate authority" lines:"true" address:"true" help:"PEM certificates that the directory's own is checked against; empty for those of the system."`
	BindDN       string `json:"bind_dn" label:"Bind name" help:"Distinguished name of the account that Muster works as; empty to work without one."`
	BindPassword string `json:"bind_password" label:"Bind password" secret:"true" help:"Password of that account."`

	BaseDN            string            `json:"base_dn" label:"Base" required:"true" help:"Entry below which accounts are looked for. A username that any entry below it holds is taken."`
	DN                string            `json:"dn" label:"Name of an entry" help:"Distinguished name of a new entry, with {username} in its first part; empty for the username attribute directly below the base."`
	UsernameAttribute string            `json:"username_attribute" label:"Username attribute" required:"true" help:"Attribute that holds the username."`
	ObjectClasses     []string          `json:"object_classes" label:"Object classes" required:"true" help:"Classes of a new entry; the first is the one that listings select by."`
	IDAttribute       string            `json:"id_attribute" label:"Id attribute" required:"true" help:"Attribute by which the directory itself names an entry for ever: entryUUID, or objectGUID."`
	MarkerAttribute   string            `json:"marker_attribute" label:"Marker attribute" help:"Attribute in which Muster marks the entries it made. People must not be able to write it. Empty for no marker: then an entry whose creation was not answered counts as a stranger's."`
	Attributes        map[string]string `json:"attributes" label:"Attributes" help:"Which field is kept in which attribute; an empty attribute keeps the field out. Given pairs are laid over the default ones."`
	Fixed             map[string]string `json:"fixed" label:"Fixed attributes" help:"Attributes that a new entry gets besides, such as homeDirectory: /home/{username}. They are never changed later."`

	Disable           string `json:"disable" label:"How to disable" choices:"attribute,lock,move,none" help:"attribute sets a value that your applications filter on; lock uses the password policy overlay and stops sign-ins; move puts the entry into another branch; none refuses to disable."`
	DisabledAttribute string `json:"disabled_attribute" label:"Attribute of disabled accounts" help:"For attribute. Its other values stay."`
	DisabledValue     string `json:"disabled_value" label:"Value when disabled" help:"For attribute."`
	EnabledValue      string `json:"enabled_value" label:"Value when enabled" help:"For attribute; empty for none."`
	DisabledDN        string `json:"disabled_dn" label:"Branch of disabled accounts" help:"For move: an entry below the base."`

	GroupsBaseDN     string `json:"groups_base_dn" label:"Base of groups" help:"Entry below which groups are looked for by their cn; empty to leave groups alone."`
	GroupObjectClass string `json:"group_object_class" label:"Class of groups" choices:"groupOfNames,groupOfUniqueNames,posixGroup,group" help:"It decides how members are named."`
	GroupPlaceholder string `json:"group_placeholder" label:"Placeholder member" help:"Distinguished name that stands in a groupOfNames or groupOfUniqueNames when nobody else does, because these must have a member."`
	CreateGroups     bool   `json:"create_groups" label:"Create groups" help:"Makes a group that does not exist when somebody is to join it."`

	PageSize int `json:"page_size" label:"Page size" help:"Entries asked for at once in a listing."`
}

func defaults() *Config {
	return &Config{
		StartTLS: "required", UsernameAttribute: "uid", IDAttribute: "entryUUID", MarkerAttribute: "labeledURI",
		ObjectClasses: []string{"inetOrgPerson", "organizationalPerson", "person", "top"},
		Attributes: map[string]string{
			"first_name": "givenName", "last_name": "sn", "display_name": "displayName", "initials": "initials", "email": "mail",
			"employee_id": "employeeNumber", "department": "departmentNumber", "job_title": "title", "company": "o",
			"location": "l", "description": "description", "locale": "preferredLanguage",
			"phones.work": "telephoneNumber", "phones.mobile": "mobile", "phones.home": "homePhone",
		},
		Disable: "attribute", DisabledAttribute: "employeeType", DisabledValue: "disabled",
		GroupObjectClass: "groupOfNames", GroupPlaceholder: "cn=empty-membership-placeholder", PageSize: 500,
	}
}

// Validate checks what the shape of single values does not say.
func (c *Config) Validate() error {
	_, err := c.layout()
	return err
}

// faults gathers what is wrong with settings.
type faults struct{ list muster.Errors }

func (f *faults) add(setting, format string, args ...any) {
	f.list = append(f.list, muster.Errorf(muster.Invalid, setting, format, args...))
}

func (c *Config) address(f *faults) *url.URL {
	u, err := url.Parse(c.URL)
	if err != nil || u.Scheme != "ldap" && u.Scheme != "ldaps" || u.Hostname() == "" {
		f.add("url", "The address has the form ldap://host:389 or ldaps://host:636.")
		return &url.URL{}
	}
	if u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" {
		f.add("url", "The address is only a scheme, a host and a port; names and bases have settings of their own.")
	}
	if c.BindDN != "" && c.BindPassword == "" {
		f.add("bind_password", "A bind name needs its password.")
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

// dn reads the distinguished name in a setting; nil when it is empty.
func (f *faults) dn(setting, value string) *ldap.DN {
	if strings.TrimSpace(value) == "" {
		return nil
	}
	dn, err := ldap.ParseDN(value)
	if err != nil || len(dn.RDNs) == 0 {
		f.add(setting, "This is not a distinguished name such as ou=people,dc=example,dc=org.")
		return nil
	}
	return dn
}

func (f *faults) attribute(setting, value string) {
	if !attributeName.MatchString(value) {
		f.add(setting, "%q is not the name of an attribute.", value)
	}
}
