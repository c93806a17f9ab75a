// Package ldaptest starts a real OpenLDAP server for tests: Debian's slapd, on loopback ports, in a directory of its own that goes away with the
// test. Nothing of it is used outside tests.
package ldaptest

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/musterid/muster/internal/connector/connectortest"
)

// Names in the directory that Start makes.
const (
	BaseDN   = "dc=example,dc=org"
	People   = "ou=people," + BaseDN
	Disabled = "ou=disabled," + People
	Groups   = "ou=groups," + BaseDN

	ServiceDN       = "cn=muster,ou=services," + BaseDN // has the rights that docs/connectors/ldap.md asks for, and no more
	ServicePassword = "canary-service-password-7f3a"
	ReaderDN        = "cn=reader,ou=services," + BaseDN // may read and not write
	ReaderPassword  = "reader"
	rootDN          = "cn=root," + BaseDN
	rootPassword    = "root"
)

// Options change what Start starts.
type Options struct {
	Durable bool     // wait for the disk with every write, as a directory in use does
	Lines   []string // further lines of slapd.conf for the database, such as "sizelimit 5" or "overlay refint"
}

// Server is a running slapd.
type Server struct {
	URL    string // ldap://
	TLSURL string // ldaps://
	CA     string // PEM of the certificate that ldaps:// and StartTLS show

	t   testing.TB
	dir string
	o   Options
	cmd *exec.Cmd // nil when it is not running
	end <-chan error
	log *bytes.Buffer
}

const program = "/usr/sbin/slapd"

// Start starts a server that is stopped when the test ends. Without slapd the test is skipped, or fails where skips are forbidden.
func Start(t testing.TB) *Server { return StartWith(t, Options{}) }

// StartWith starts a server with options.
func StartWith(t testing.TB, o Options) *Server {
	t.Helper()
	if _, err := os.Stat(program); err != nil {
		connectortest.Missing(t, "slapd is not installed (Debian package slapd)")
	}
	s := &Server{t: t, dir: t.TempDir(), o: o}
	s.CA = writeCertificate(t, s.dir)
	s.must(os.Mkdir(filepath.Join(s.dir, "db"), 0o700))
	s.must(os.WriteFile(s.path("slapd.conf"), []byte(configuration(s.dir, o)), 0o600))
	s.must(os.WriteFile(s.path("init.ldif"), []byte(initial), 0o600))
	if out, err := exec.Command(program, "-T", "add", "-f", s.path("slapd.conf"), "-l", s.path("init.ldif")).CombinedOutput(); err != nil {
		t.Fatalf("slapadd: %v\n%s", err, out)
	}
	// Ports that were free a moment ago may be taken when slapd gets there: then others are tried.
	for try := 0; ; try++ {
		plain, secure := freePort(t), freePort(t)
		s.URL, s.TLSURL = "ldap://127.0.0.1:"+strconv.Itoa(plain), "ldaps://127.0.0.1:"+strconv.Itoa(secure)
		err := s.run()
		if err == nil {
			break
		}
		if try == 5 {
			t.Fatalf("slapd does not start: %v\n%s", err, s.log)
		}
	}
	t.Cleanup(s.Stop)
	return s
}

func (s *Server) path(name string) string { return filepath.Join(s.dir, name) }

func (s *Server) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func freePort(t testing.TB) int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func (s *Server) run() error {
	s.log = &bytes.Buffer{}
	s.cmd = exec.Command(program, "-d", "0", "-f", s.path("slapd.conf"), "-h", s.URL+"/ "+s.TLSURL+"/")
	s.cmd.Stderr, s.cmd.Stdout = s.log, s.log
	s.cmd.SysProcAttr = dieWithParent()
	if err := s.cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func(cmd *exec.Cmd) { ended <- cmd.Wait() }(s.cmd)
	s.end = ended
	tick := time.NewTicker(10 * time.Millisecond) // another process: there is nothing to wait on but its answer
	defer tick.Stop()
	deadline := time.After(time.Minute)
	for {
		select {
		case err := <-ended:
			s.cmd = nil
			return fmt.Errorf("it ended at once: %v", err)
		case <-deadline:
			s.Stop()
			return fmt.Errorf("it does not answer")
		case <-tick.C:
			if c, err := s.dial(); err == nil {
				c.Close()
				return nil
			}
		}
	}
}

// Stop stops the server; its data stays until the test ends.
func (s *Server) Stop() {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.end:
	case <-time.After(time.Minute):
		_ = s.cmd.Process.Kill()
		<-s.end
	}
	s.cmd = nil
}

// Restart starts the server again on the same ports.
func (s *Server) Restart() {
	s.t.Helper()
	s.Stop()
	s.must(s.run())
}

// Reconfigure starts the server again with further lines of slapd.conf for the database, instead of those given by an earlier call.
func (s *Server) Reconfigure(lines ...string) {
	s.t.Helper()
	o := s.o
	o.Lines = append(slices.Clone(o.Lines), lines...)
	s.must(os.WriteFile(s.path("slapd.conf"), []byte(configuration(s.dir, o)), 0o600))
	s.Restart()
}

func (s *Server) dial() (*ldap.Conn, error) {
	c, err := ldap.DialURL(s.URL, ldap.DialWithDialer(&net.Dialer{Timeout: 20 * time.Second}))
	if err != nil {
		return nil, err
	}
	c.SetTimeout(30 * time.Second)
	if err := c.Bind(rootDN, rootPassword); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// Do works on the directory as its superuser, as somebody behind Muster's back would.
func (s *Server) Do(t testing.TB, work func(c *ldap.Conn) error) {
	t.Helper()
	c, err := s.dial()
	if err != nil {
		t.Fatalf("connect to slapd: %v", err)
	}
	defer c.Close()
	if err := work(c); err != nil {
		t.Fatalf("work on slapd: %v", err)
	}
}

// Search gives the entries below the base that match a filter, with all attributes, operational ones too.
func (s *Server) Search(t testing.TB, filter string) []*ldap.Entry {
	t.Helper()
	var found []*ldap.Entry
	s.Do(t, func(c *ldap.Conn) error {
		r, err := c.SearchWithPaging(ldap.NewSearchRequest(BaseDN, ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, 0, 0, false, filter, []string{"*", "+"}, nil), 1000)
		if err == nil {
			found = r.Entries
		}
		return err
	})
	return found
}

// Raw gives all that the directory knows of the entry of an entryUUID, as text to compare.
func (s *Server) Raw(t testing.TB, entryUUID string) string {
	t.Helper()
	var b strings.Builder
	for _, e := range s.Search(t, "(entryUUID="+ldap.EscapeFilter(entryUUID)+")") {
		fmt.Fprintf(&b, "dn: %s\n", e.DN)
		slices.SortFunc(e.Attributes, func(x, y *ldap.EntryAttribute) int { return strings.Compare(x.Name, y.Name) })
		for _, a := range e.Attributes {
			fmt.Fprintf(&b, "%s: %q\n", a.Name, a.Values)
		}
	}
	return b.String()
}

// Writes counts the add, modify, rename and delete requests that the server has answered since it started, refused ones too.
func (s *Server) Writes(t testing.TB) int {
	t.Helper()
	sum := 0
	s.Do(t, func(c *ldap.Conn) error {
		for _, op := range []string{"Add", "Modify", "Modrdn", "Delete"} {
			r, err := c.Search(ldap.NewSearchRequest("cn="+op+",cn=Operations,cn=Monitor", ldap.ScopeBaseObject, ldap.NeverDerefAliases, 0, 0, false,
				"(objectClass=*)", []string{"monitorOpCompleted"}, nil))
			if err != nil {
				return err
			}
			n, err := strconv.Atoi(r.Entries[0].GetAttributeValue("monitorOpCompleted"))
			if err != nil {
				return err
			}
			sum += n
		}
		return nil
	})
	return sum
}

// Plant makes a stranger's account below ou=people and gives its entryUUID.
func (s *Server) Plant(t testing.TB, username string) string {
	t.Helper()
	return s.PlantAt(t, "uid="+ldap.EscapeDN(username)+","+People, map[string][]string{
		"objectClass": {"inetOrgPerson"}, "uid": {username}, "cn": {"Stranger"}, "sn": {"Stranger"}, "mail": {"stranger@example.net"},
	})
}

// PlantAt makes any entry and gives its entryUUID.
func (s *Server) PlantAt(t testing.TB, dn string, attributes map[string][]string) (id string) {
	t.Helper()
	s.Do(t, func(c *ldap.Conn) error {
		add := ldap.NewAddRequest(dn, nil)
		for name, values := range attributes {
			add.Attribute(name, values)
		}
		if err := c.Add(add); err != nil {
			return err
		}
		r, err := c.Search(ldap.NewSearchRequest(dn, ldap.ScopeBaseObject, ldap.NeverDerefAliases, 0, 0, false, "(objectClass=*)", []string{"entryUUID"}, nil))
		if err == nil {
			id = r.Entries[0].GetAttributeValue("entryUUID")
		}
		return err
	})
	return id
}

// Usernames gives the uid of every entry below ou=people.
func (s *Server) Usernames(t testing.TB) []string {
	t.Helper()
	var names []string
	for _, e := range s.Search(t, "(&(objectClass=inetOrgPerson)(uid=*))") {
		names = append(names, e.GetAttributeValue("uid"))
	}
	return names
}
