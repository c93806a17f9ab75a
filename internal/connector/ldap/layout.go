package ldap

import (
	"crypto/x509"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"github.com/musterid/muster/internal/connector"
)

// layout is what settings come to: checked, and in the form in which it is used.
type layout struct {
	Config
	address     *url.URL
	authorities *x509.CertPool // nil for those of the system

	rdn      []ldap.AttributeTypeAndValue // of a new entry, with {username} in values
	parent   string                       // of a new entry
	disabled *ldap.DN                     // branch of disabled accounts; nil unless they are moved

	mappings []connector.Mapping
	named    bool     // cn must be there and is neither mapped nor in the RDN: it is made from the names
	surnamed bool     // sn must be there
	reads    []string // attributes asked for

	flag  string // attribute of disabled accounts; "" unless they have one
	off   string // its value then
	on    string
	alone bool // flag has one value at most

	members string // attribute of a group
	byName  bool   // whose values are usernames
}

const userToken = "{username}"

var attributeName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]*$`)

func (c *Config) layout() (*layout, error) {
	f := &faults{}
	l := &layout{Config: *c, address: c.address(f), authorities: c.authorities(f)}
	base := f.dn("base_dn", c.BaseDN)
	f.dn("bind_dn", c.BindDN)
	f.dn("groups_base_dn", c.GroupsBaseDN)
	for setting, name := range map[string]string{"username_attribute": c.UsernameAttribute, "id_attribute": c.IDAttribute} {
		f.attribute(setting, name)
	}
	if c.MarkerAttribute != "" {
		f.attribute("marker_attribute", c.MarkerAttribute)
	}
	for _, class := range c.ObjectClasses {
		if !attributeName.MatchString(class) {
			f.add("object_classes", "%q is not the name of an object class.", class)
		}
	}
	l.template(f, base)
	l.mapFields(f)
	l.disabling(f, base)
	l.grouping(f)
	if c.PageSize < 1 || c.PageSize > 10_000 {
		f.add("page_size", "A page has between 1 and 10000 entries.")
	}
	if len(f.list) > 0 {
		return nil, f.list
	}
	l.reads = l.attributes()
	return l, nil
}

// template reads the setting dn.
func (l *layout) template(f *faults, base *ldap.DN) {
	if base == nil {
		return
	}
	if l.DN == "" {
		l.DN = l.UsernameAttribute + "=" + userToken + "," + l.BaseDN
	}
	dn := f.dn("dn", l.DN)
	if dn == nil {
		return
	}
	above := &ldap.DN{RDNs: dn.RDNs[1:]}
	l.parent = above.String()
	if !base.EqualFold(above) && !base.AncestorOfFold(above) {
		f.add("dn", "New entries must be below the base %s.", l.BaseDN)
	}
	first, rest := dn.RDNs[0].String(), above.String()
	if !strings.Contains(first, userToken) || strings.Contains(rest, "{") || strings.Contains(strings.ReplaceAll(first, userToken, ""), "{") {
		f.add("dn", "The first part of the name contains {username}, so that no two entries have the same one, and there is no other placeholder.")
	}
	for _, a := range dn.RDNs[0].Attributes {
		l.rdn = append(l.rdn, *a)
		f.attribute("dn", a.Type)
	}
}

// mapFields reads the settings attributes and fixed.
func (l *layout) mapFields(f *faults) {
	owner := map[string]string{
		fold(l.UsernameAttribute): "the username", fold(l.IDAttribute): "the directory's id", "objectclass": "the object classes",
		"userpassword": "the password", "unicodepwd": "the password",
	}
	for _, a := range l.rdn {
		if owner[fold(a.Type)] == "" {
			owner[fold(a.Type)] = "the name of the entry"
		}
	}
	if l.MarkerAttribute != "" {
		owner[fold(l.MarkerAttribute)] = "the marker"
	}
	for _, field := range slices.Sorted(maps.Keys(l.Attributes)) {
		attr := l.Attributes[field]
		if attr == "" {
			continue
		}
		m, ok := connector.MapField(field, attr)
		if !ok {
			f.add("attributes", "There is no field %q that could be kept in an attribute. Phones, addresses and own attributes are named phones.work, addresses.work.street, attributes.class.", field)
			continue
		}
		f.attribute("attributes", attr)
		if who := owner[fold(attr)]; who != "" {
			f.add("attributes", "The attribute %s already holds %s, so %s cannot be kept there. Map it to another attribute, or to none with an empty text.", attr, who, field)
		}
		owner[fold(attr)] = field
		m.Yes, m.No = "TRUE", "FALSE"
		l.mappings = append(l.mappings, m)
	}
	for _, attr := range slices.Sorted(maps.Keys(l.Fixed)) {
		f.attribute("fixed", attr)
		if who := owner[fold(attr)]; who != "" {
			f.add("fixed", "The attribute %s already holds %s.", attr, who)
		}
		owner[fold(attr)] = "a fixed value"
	}
	if l.Disable == "attribute" {
		if who := owner[fold(l.DisabledAttribute)]; who != "" {
			f.add("disabled_attribute", "The attribute %s already holds %s.", l.DisabledAttribute, who)
		}
	}
	l.surnamed = slices.ContainsFunc(l.ObjectClasses, isPerson) && !l.fixed("sn") && !l.inRDN("sn")
	l.named = slices.ContainsFunc(l.ObjectClasses, isPerson) && owner["cn"] == ""
}

func isPerson(class string) bool {
	return slices.Contains([]string{"person", "organizationalperson", "inetorgperson"}, fold(class))
}

func (l *layout) fixed(attr string) bool {
	for name := range l.Fixed {
		if fold(name) == fold(attr) {
			return true
		}
	}
	return false
}

func (l *layout) inRDN(attr string) bool {
	return slices.ContainsFunc(l.rdn, func(a ldap.AttributeTypeAndValue) bool { return fold(a.Type) == fold(attr) })
}

// disabling reads the settings about disabled accounts.
func (l *layout) disabling(f *faults, base *ldap.DN) {
	switch l.Disable {
	case "attribute":
		l.flag, l.off, l.on = l.DisabledAttribute, l.DisabledValue, l.EnabledValue
		f.attribute("disabled_attribute", l.flag)
		if l.off == "" || l.off == l.on {
			f.add("disabled_value", "A value is needed, other than that of enabled accounts.")
		}
	case "lock":
		// The value that the password policy overlay takes for locked until somebody unlocks it.
		l.flag, l.off, l.alone = "pwdAccountLockedTime", "000001010000Z", true
	case "move":
		l.disabled = f.dn("disabled_dn", l.DisabledDN)
		parent, _ := ldap.ParseDN(l.parent)
		switch {
		case l.disabled == nil && l.DisabledDN == "":
			f.add("disabled_dn", "To move disabled accounts, the branch for them is needed.")
		case l.disabled == nil || base == nil || parent == nil:
		case !base.AncestorOfFold(l.disabled):
			f.add("disabled_dn", "The branch of disabled accounts must be below the base %s, or their usernames would seem free.", l.BaseDN)
		case parent.EqualFold(l.disabled):
			f.add("disabled_dn", "Disabled accounts need another branch than new ones.")
		}
	}
}

// grouping reads the settings about groups.
func (l *layout) grouping(f *faults) {
	switch l.GroupObjectClass {
	case "groupOfUniqueNames":
		l.members = "uniqueMember"
	case "posixGroup":
		l.members, l.byName = "memberUid", true
		if l.CreateGroups {
			f.add("create_groups", "A posixGroup needs a number, so groups of this class must be made by hand.")
		}
	default:
		l.members = "member"
	}
	if l.needsMember() && f.dn("group_placeholder", l.GroupPlaceholder) == nil && l.GroupPlaceholder == "" {
		f.add("group_placeholder", "A group of class %s must have a member, so a placeholder is needed.", l.GroupObjectClass)
	}
}

// needsMember: the class does not allow a group without members.
func (l *layout) needsMember() bool {
	return l.GroupObjectClass == "groupOfNames" || l.GroupObjectClass == "groupOfUniqueNames"
}

func (l *layout) attributes() []string {
	names := []string{"objectClass", "cn", "sn", l.UsernameAttribute, l.IDAttribute}
	for _, extra := range []string{l.MarkerAttribute, l.flag} {
		if extra != "" {
			names = append(names, extra)
		}
	}
	for _, m := range l.mappings {
		names = append(names, m.Attr)
	}
	slices.SortFunc(names, func(a, b string) int { return strings.Compare(fold(a), fold(b)) })
	return slices.CompactFunc(names, strings.EqualFold)
}

func fold(name string) string { return strings.ToLower(name) }
