package ldap

import (
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/go-ldap/ldap/v3"
	"github.com/google/uuid"
)

// escapeDN makes any text a value inside a distinguished name (RFC 4514). Everything in ASCII but letters, digits and four harmless marks is
// written as hexadecimal, so that no rule about where a blank or a number sign stands can be got wrong, here or by a server.
func escapeDN(value string) string {
	var b strings.Builder
	for i := range len(value) {
		c := value[i]
		switch {
		case c >= 0x80, 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("-._@", c) >= 0:
			b.WriteByte(c)
		default:
			b.WriteByte('\\')
			b.WriteString(hex.EncodeToString([]byte{c}))
		}
	}
	return b.String()
}

// equals is a filter for one value of one attribute (RFC 4515, which escapes otherwise than a distinguished name does).
func equals(attr, value string) string {
	return "(" + attr + "=" + ldap.EscapeFilter(value) + ")"
}

// entryRDN is the first part of the name of a username's entry.
func (l *layout) entryRDN(username string) string {
	parts := make([]string, len(l.rdn))
	for i, a := range l.rdn {
		parts[i] = a.Type + "=" + escapeDN(strings.ReplaceAll(a.Value, userToken, username))
	}
	return strings.Join(parts, "+")
}

func (l *layout) entryDN(username string, enabled bool) string {
	if !enabled && l.disabled != nil {
		return l.entryRDN(username) + "," + l.DisabledDN
	}
	return l.entryRDN(username) + "," + l.parent
}

// ours says whether an entry is named the way the template names entries, so that renaming the account renames the entry.
func (l *layout) ours(dn *ldap.DN) bool {
	if len(dn.RDNs) == 0 || len(dn.RDNs[0].Attributes) != len(l.rdn) {
		return false
	}
	for _, a := range dn.RDNs[0].Attributes {
		if !l.inRDN(a.Type) {
			return false
		}
	}
	return true
}

func parentOf(dn *ldap.DN) *ldap.DN {
	if len(dn.RDNs) == 0 {
		return dn
	}
	return &ldap.DN{RDNs: dn.RDNs[1:]}
}

func sameDN(a, b string) bool {
	x, err := ldap.ParseDN(a)
	if err != nil {
		return a == b
	}
	y, err := ldap.ParseDN(b)
	return err == nil && x.EqualFold(y)
}

// idFilter is the filter for an external id; ok is false for what no entry of this directory can have as its id.
func (l *layout) idFilter(id string) (filter string, ok bool) {
	guid := strings.EqualFold(l.IDAttribute, "objectGUID")
	if !guid && !strings.EqualFold(l.IDAttribute, "entryUUID") {
		return equals(l.IDAttribute, id), id != ""
	}
	u, err := uuid.Parse(id)
	if err != nil || u.String() != id {
		return "", false
	}
	if !guid {
		return equals(l.IDAttribute, id), true
	}
	var escaped strings.Builder
	for _, b := range swapGUID(u) {
		fmt.Fprintf(&escaped, `\%02x`, b)
	}
	return "(" + l.IDAttribute + "=" + escaped.String() + ")", true
}

// externalID reads the id of an entry.
func (l *layout) externalID(e *ldap.Entry) string {
	raw := e.GetEqualFoldRawAttributeValue(l.IDAttribute)
	if strings.EqualFold(l.IDAttribute, "objectGUID") && len(raw) == 16 {
		return uuid.UUID(swapGUID([16]byte(raw))).String()
	}
	return string(raw)
}

// swapGUID turns the mixed byte order of Active Directory into that of RFC 9562, and back.
func swapGUID(g [16]byte) [16]byte {
	g[0], g[1], g[2], g[3] = g[3], g[2], g[1], g[0]
	g[4], g[5] = g[5], g[4]
	g[6], g[7] = g[7], g[6]
	return g
}
