package ldap

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/connector"
)

// Apply carries out one step.
func (t *target) Apply(ctx context.Context, s connector.Step) (connector.Account, error) {
	var account connector.Account
	doing := "change the entry"
	err := t.pool.do(ctx, func(c *ldap.Conn) (err error) {
		switch {
		case s.Intent == connector.Create:
			doing = "add the entry"
			account, err = t.create(c, s)
		case s.Change.Action == muster.Delete:
			doing = "delete the entry"
			err = t.remove(c, s)
		default:
			account, err = t.ensure(c, s)
		}
		return err
	})
	return account, t.outcome(doing, err)
}

// create makes an entry whole, in one request: there is never half an account.
func (t *target) create(c *ldap.Conn, s connector.Step) (connector.Account, error) {
	if s.Username == "" {
		return connector.Account{}, connector.Permanent(muster.Errorf(muster.Required, "username", "An account in the directory needs a username."))
	}
	if err := t.free(c, s.Username, ""); err != nil {
		return connector.Account{}, err
	}
	f, said := s.Change.Field("enabled")
	enabled := !said || f.After == true
	if !enabled && t.Disable == "none" {
		return connector.Account{}, cannotDisable()
	}
	add := t.entry(s, enabled)
	switch err := c.Add(add); code(err) {
	case ldap.LDAPResultNoSuchObject:
		return connector.Account{}, t.unseen("dn", parentText(add.DN), err)
	default:
		if err != nil {
			return connector.Account{}, tooLong(s.Username, err)
		}
	}
	made, err := t.made(c, add)
	if err != nil {
		return connector.Account{}, err
	}
	groups, ok := s.Change.Field("groups")
	if !ok || t.GroupsBaseDN == "" {
		return made, nil
	}
	if err := t.regroup(c, add.DN, s.Username, groups); err != nil {
		return made, t.outcome("change groups", err)
	}
	if joined := connector.Texts(groups.After); len(joined) > 0 {
		slices.Sort(joined)
		made.Attributes["groups"] = slices.Compact(joined)
	}
	return made, nil
}

// made is the account of a request that was carried out. Only the id that the directory gave it has to be asked for.
func (t *target) made(c *ldap.Conn, add *ldap.AddRequest) (connector.Account, error) {
	r, err := c.Search(ldap.NewSearchRequest(add.DN, ldap.ScopeBaseObject, ldap.NeverDerefAliases, 0, 0, false, "(objectClass=*)", []string{t.IDAttribute}, nil))
	if err != nil && code(err) != ldap.LDAPResultNoSuchObject {
		return connector.Account{}, fmt.Errorf("ldap: read the id of a new entry: %w", err)
	}
	e := &ldap.Entry{DN: add.DN}
	for _, found := range r.Entries {
		e.Attributes = append(e.Attributes, found.Attributes...)
	}
	for _, a := range add.Attributes {
		e.Attributes = append(e.Attributes, ldap.NewEntryAttribute(a.Type, a.Vals))
	}
	a := t.account(e)
	if a.ExternalID == "" {
		return a, t.withoutID(add.DN)
	}
	return a, nil
}

// free says ErrExists when another entry than the one of this name holds the username. The directory's own refusal of a second entry of one
// name settles races; this finds holders that are named otherwise.
func (t *target) free(c *ldap.Conn, username, dn string) error {
	r, err := c.Search(ldap.NewSearchRequest(t.BaseDN, ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, 2, 0, false, equals(t.UsernameAttribute, username), []string{"1.1"}, nil))
	if code(err) == ldap.LDAPResultNoSuchObject {
		return t.unseen("base_dn", t.BaseDN, err)
	}
	if err != nil && code(err) != ldap.LDAPResultSizeLimitExceeded {
		return err
	}
	for _, e := range r.Entries {
		if dn == "" || !sameDN(e.DN, dn) {
			return connector.ErrExists
		}
	}
	return nil
}

// entry is the request for a new account.
func (t *target) entry(s connector.Step, enabled bool) *ldap.AddRequest {
	wanted := (muster.Record{}).Apply(muster.Change{Action: muster.Create, Fields: s.Change.Fields})
	values := map[string][]string{"objectClass": t.ObjectClasses}
	put := func(attr string, v ...string) {
		for name := range values {
			if strings.EqualFold(name, attr) {
				attr = name
			}
		}
		for _, one := range v {
			if one != "" && !has(values[attr], one) {
				values[attr] = append(values[attr], one)
			}
		}
	}
	for _, a := range t.rdn {
		put(a.Type, strings.ReplaceAll(a.Value, userToken, s.Username))
	}
	put(t.UsernameAttribute, s.Username)
	for _, m := range t.mappings {
		put(m.Attr, m.Values(wanted[m.Field])...)
	}
	if t.surnamed && len(values["sn"]) == 0 {
		put("sn", surname(wanted, s.Username))
	}
	if t.named {
		put("cn", commonName(wanted, s.Username))
	}
	for attr, v := range t.Fixed {
		put(attr, strings.ReplaceAll(v, userToken, s.Username))
	}
	if s.Marker != "" && t.MarkerAttribute != "" {
		put(t.MarkerAttribute, s.Marker+markerLabel)
	}
	if t.flag != "" {
		put(t.flag, t.flagged(nil, enabled)...)
	}
	add := ldap.NewAddRequest(t.entryDN(s.Username, enabled), nil)
	for _, attr := range slices.Sorted(maps.Keys(values)) {
		if len(values[attr]) > 0 {
			add.Attribute(attr, values[attr])
		}
	}
	return add
}

// remove deletes the entry of an external id. Groups are left first: once the entry is gone, a repeated step could not tell what to leave.
func (t *target) remove(c *ldap.Conn, s connector.Step) error {
	if s.ExternalID == "" {
		return connector.Permanent(muster.Errorf(muster.Required, "", "An account is deleted by its external id only."))
	}
	e, err := t.byID(c, s.ExternalID, s.Username)
	if err == connector.ErrNotFound {
		return nil
	}
	if err != nil {
		return err
	}
	if t.GroupsBaseDN != "" {
		if err := t.forget(c, t.member(e.DN, t.account(e).Username)); err != nil {
			return t.outcome("change groups", err)
		}
	}
	err = c.Del(ldap.NewDelRequest(e.DN, nil))
	if code(err) == ldap.LDAPResultNoSuchObject {
		return nil
	}
	return err
}

// ensure brings a known account to what is wanted. The entry is moved first, because only that can find the name taken; then the groups follow
// its name, then one request sets its attributes. Each part finds out for itself what is left to do, so that a step that stopped midway can be
// repeated.
func (t *target) ensure(c *ldap.Conn, s connector.Step) (connector.Account, error) {
	rename, renames := s.Change.Field("username")
	before, _ := rename.Before.(string)
	e, err := t.byID(c, s.ExternalID, s.Username, before)
	if err != nil {
		return connector.Account{}, err
	}
	known := t.account(e)
	toggle, toggles := s.Change.Field("enabled")
	enabled := known.Enabled
	if toggles {
		enabled = toggle.After == true
	}
	if !enabled && t.Disable == "none" {
		return known, cannotDisable()
	}
	username := known.Username
	if renames && s.Username != "" {
		username = s.Username
	}
	dn, err := t.move(c, e, username, enabled)
	if err != nil {
		return known, err
	}
	if t.GroupsBaseDN != "" && (renames || toggles) {
		if err := t.followAll(c, e.DN, dn, before, known.Username, username); err != nil {
			return known, t.outcome("change groups", err)
		}
	}
	if err := t.modify(c, e, dn, username, enabled, s); err != nil {
		return known, err
	}
	if groups, ok := s.Change.Field("groups"); ok && t.GroupsBaseDN != "" {
		if err := t.regroup(c, dn, username, groups); err != nil {
			return known, t.outcome("change groups", err)
		}
	}
	now, err := t.read(c, dn)
	if err != nil {
		return known, err
	}
	return t.whole(c, now)
}

// move gives the entry the name, and puts it into the branch, that the account is to have. Entries that are named in a way of their own keep it.
func (t *target) move(c *ldap.Conn, e *ldap.Entry, username string, enabled bool) (string, error) {
	dn, err := ldap.ParseDN(e.DN)
	if err != nil {
		return "", err
	}
	renames := username != e.GetEqualFoldAttributeValue(t.UsernameAttribute)
	if renames {
		if err := t.free(c, username, e.DN); err != nil {
			return "", err
		}
	}
	rdn, parent := (&ldap.DN{RDNs: dn.RDNs[:1]}).String(), parentOf(dn).String()
	if renames && t.ours(dn) {
		rdn = t.entryRDN(username)
	}
	superior := ""
	if t.disabled != nil && enabled != t.enabled(e) {
		if superior = t.DisabledDN; enabled {
			superior = t.parent
		}
		parent = superior
	}
	next := rdn + "," + parent
	if rdn == (&ldap.DN{RDNs: dn.RDNs[:1]}).String() && superior == "" {
		return e.DN, nil
	}
	err = c.ModifyDN(ldap.NewModifyDNRequest(e.DN, rdn, true, superior))
	if code(err) == ldap.LDAPResultNoSuchObject && superior != "" {
		return "", t.unseen("disabled_dn", superior, err)
	}
	return next, tooLong(username, err)
}

// followAll makes groups name the account by its present name, whichever it had before: also one that it had before a step that stopped midway.
func (t *target) followAll(c *ldap.Conn, from, to, before, known, username string) error {
	now := t.member(to, username)
	old := []string{t.member(from, known)}
	for _, name := range []string{before, known, username} {
		if name == "" {
			continue
		}
		old = append(old, t.member(t.entryDN(name, true), name))
		if t.disabled != nil {
			old = append(old, t.member(t.entryDN(name, false), name))
		}
	}
	for i, member := range old {
		same := member == now || !t.byName && sameDN(member, now)
		if same || slices.Contains(old[:i], member) {
			continue
		}
		if err := t.follow(c, member, now); err != nil {
			return err
		}
	}
	return nil
}

// tooLong explains the refusal of a long name. Each directory has a limit of its own and no way to ask for it; OpenLDAP's database holds about
// 240 bytes, and says no more than "other".
func tooLong(username string, err error) error {
	if code(err) != ldap.LDAPResultOther || len(username) < 100 {
		return err
	}
	return connector.Permanent(muster.Errorf(muster.TooLong, "username", "The directory refuses this username, most likely because its %d bytes are too many.", len(username)).Because(err))
}

func cannotDisable() error {
	return connector.Permanent(muster.Errorf(muster.Unsupported, "enabled", "This directory is set not to disable accounts (disable: none)."))
}

// unseen is what is made of an entry that settings name and that is not there.
func (l *layout) unseen(setting, dn string, err error) error {
	return connector.Permanent(muster.Errorf(muster.Invalid, "config."+setting, "The directory has no entry %s, or does not show it to %s.", dn, l.worker()).Because(err))
}

func parentText(dn string) string {
	parsed, err := ldap.ParseDN(dn)
	if err != nil {
		return dn
	}
	return parentOf(parsed).String()
}
