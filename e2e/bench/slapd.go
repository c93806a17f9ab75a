package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	goldap "github.com/go-ldap/ldap/v3"
)

// slapd is an OpenLDAP server of this run: Debian's, on a loopback port, which waits for the disk with every write.
type slapd struct {
	url string
	run *exec.Cmd
}

const (
	slapdProgram  = "/usr/sbin/slapd"
	slapdBase     = "dc=example,dc=org"
	slapdPeople   = "ou=people," + slapdBase
	slapdRoot     = "cn=root," + slapdBase
	slapdPassword = "root"
)

const slapdEntries = `dn: ` + slapdBase + `
objectClass: dcObject
objectClass: organization
dc: example
o: Example

dn: ` + slapdPeople + `
objectClass: organizationalUnit
ou: people
`

// startSlapd starts a server with the entries that are given as LDIF.
func startSlapd(ctx context.Context, dir string, more ...string) (*slapd, error) {
	if _, err := os.Stat(slapdProgram); err != nil {
		return nil, errors.New("slapd is not installed (Debian package slapd)")
	}
	dir, err := os.MkdirTemp(dir, "slapd-")
	if err != nil {
		return nil, err
	}
	if err := os.Mkdir(filepath.Join(dir, "db"), 0o700); err != nil {
		return nil, err
	}
	config := strings.Join([]string{
		"include /etc/ldap/schema/core.schema", "include /etc/ldap/schema/cosine.schema", "include /etc/ldap/schema/inetorgperson.schema",
		"modulepath /usr/lib/ldap", "moduleload back_mdb", "pidfile " + filepath.Join(dir, "pid"),
		"database mdb", "maxsize 1073741824", `suffix "` + slapdBase + `"`, `rootdn "` + slapdRoot + `"`, "rootpw " + slapdPassword,
		"directory " + filepath.Join(dir, "db"), "index objectClass,uid,cn,mail,entryUUID,labeledURI eq", "",
	}, "\n")
	file, entries := filepath.Join(dir, "slapd.conf"), filepath.Join(dir, "entries.ldif")
	for path, content := range map[string]string{file: config, entries: slapdEntries + strings.Join(more, "")} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			return nil, err
		}
	}
	if out, err := exec.CommandContext(ctx, slapdProgram, "-T", "add", "-q", "-f", file, "-l", entries).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("slapadd: %w: %s", err, out)
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	s := &slapd{url: "ldap://127.0.0.1:" + strconv.Itoa(port)}
	s.run = exec.Command(slapdProgram, "-d", "0", "-f", file, "-h", s.url+"/")
	if err := s.run.Start(); err != nil {
		return nil, err
	}
	for range 100 {
		c, err := s.dial()
		if err == nil {
			return s, c.Close()
		}
		time.Sleep(50 * time.Millisecond)
	}
	s.stop()
	return nil, errors.New("slapd does not answer")
}

func (s *slapd) stop() {
	_ = s.run.Process.Signal(syscall.SIGTERM)
	_ = s.run.Wait()
}

func (s *slapd) dial() (*goldap.Conn, error) {
	c, err := goldap.DialURL(s.url)
	if err != nil {
		return nil, err
	}
	c.SetTimeout(30 * time.Second)
	if err := c.Bind(slapdRoot, slapdPassword); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// empty deletes everybody, so that each run finds the same directory.
func (s *slapd) empty(ctx context.Context) error {
	c, err := s.dial()
	if err != nil {
		return err
	}
	defer c.Close()
	found, err := c.SearchWithPaging(goldap.NewSearchRequest(slapdPeople, goldap.ScopeSingleLevel, goldap.NeverDerefAliases, 0, 0, false, "(objectClass=*)", []string{"1.1"}, nil), 1000)
	if err != nil {
		return err
	}
	_, err = s.each(ctx, len(found.Entries), func(c *goldap.Conn, i int) error { return c.Del(goldap.NewDelRequest(found.Entries[i].DN, nil)) })
	return err
}

// each does something n times on atOnce connections, and gives the time that took.
func (s *slapd) each(ctx context.Context, n int, do func(c *goldap.Conn, i int) error) (time.Duration, error) {
	var conns [atOnce]*goldap.Conn
	for i := range conns {
		c, err := s.dial()
		if err != nil {
			return 0, err
		}
		defer c.Close()
		conns[i] = c
	}
	var next atomic.Int64
	errs := make([]error, atOnce)
	start := time.Now()
	var working sync.WaitGroup
	for w, c := range conns {
		working.Go(func() {
			for i := int(next.Add(1)) - 1; i < n && errs[w] == nil && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				errs[w] = do(c, i)
			}
		})
	}
	working.Wait()
	return time.Since(start), errors.Join(append(errs, ctx.Err())...)
}

// settings are those of a target of the kind ldap.
func (s *slapd) settings() map[string]any {
	return map[string]any{"url": s.url, "start_tls": "none", "bind_dn": slapdRoot, "bind_password": slapdPassword, "base_dn": slapdPeople}
}
