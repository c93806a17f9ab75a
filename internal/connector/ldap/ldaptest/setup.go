package ldaptest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// configuration is the slapd.conf. The rights of ServiceDN are those that docs/connectors/ldap.md asks for.
func configuration(dir string, o Options) string {
	lines := []string{
		"include /etc/ldap/schema/core.schema",
		"include /etc/ldap/schema/cosine.schema",
		"include /etc/ldap/schema/nis.schema",
		"include /etc/ldap/schema/inetorgperson.schema",
		"modulepath /usr/lib/ldap",
		"moduleload back_mdb",
	}
	for _, line := range o.Lines {
		if overlay, ok := strings.CutPrefix(line, "overlay "); ok {
			lines = append(lines, "moduleload "+overlay)
		}
	}
	lines = append(lines,
		"pidfile "+filepath.Join(dir, "slapd.pid"),
		"argsfile "+filepath.Join(dir, "slapd.args"),
		"TLSCertificateFile "+filepath.Join(dir, "cert.pem"),
		"TLSCertificateKeyFile "+filepath.Join(dir, "key.pem"),
		"database monitor",
		`access to * by dn.exact="`+rootDN+`" read by * none`,
		"database mdb",
		"maxsize 1073741824",
		`suffix "`+BaseDN+`"`,
		`rootdn "`+rootDN+`"`,
		"rootpw "+rootPassword,
		"directory "+filepath.Join(dir, "db"),
		"index objectClass,uid,cn,mail,entryUUID,labeledURI,member,uniqueMember,memberUid eq",
		`access to attrs=userPassword by dn.exact="`+ServiceDN+`" =w by anonymous auth by * none`,
		`access to dn.subtree="`+People+`" by dn.exact="`+ServiceDN+`" write by * read`,
		`access to dn.subtree="`+Groups+`" by dn.exact="`+ServiceDN+`" write by * read`,
		"access to * by * read",
	)
	if !o.Durable {
		lines = append(lines, "dbnosync")
	}
	return strings.Join(append(lines, o.Lines...), "\n") + "\n"
}

// The entries that are there from the beginning.
const initial = `dn: ` + BaseDN + `
objectClass: dcObject
objectClass: organization
dc: example
o: Example

dn: ` + People + `
objectClass: organizationalUnit
ou: people

dn: ` + Disabled + `
objectClass: organizationalUnit
ou: disabled

dn: ` + Groups + `
objectClass: organizationalUnit
ou: groups

dn: ou=services,` + BaseDN + `
objectClass: organizationalUnit
ou: services

dn: ` + ServiceDN + `
objectClass: applicationProcess
objectClass: simpleSecurityObject
cn: muster
userPassword: ` + ServicePassword + `

dn: ` + ReaderDN + `
objectClass: applicationProcess
objectClass: simpleSecurityObject
cn: reader
userPassword: ` + ReaderPassword + `

dn: cn=staff,` + Groups + `
objectClass: groupOfNames
cn: staff
member: cn=empty-membership-placeholder

dn: cn=teachers,` + Groups + `
objectClass: groupOfNames
cn: teachers
member: cn=founder
`

// writeCertificate makes a certificate for the loopback address and gives it as PEM.
func writeCertificate(t testing.TB, dir string) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	for name, text := range map[string][]byte{"cert.pem": cert, "key.pem": pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: secret})} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return string(cert)
}
