package e2e

import (
	"net/http"
	"net/url"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/musterid/muster/e2e/people"
	"github.com/musterid/muster/examples"
	"github.com/musterid/muster/internal/connector/ldap/ldaptest"
)

// ofPeople selects the entries of people, those of strangers too.
const ofPeople = "(&(objectClass=inetOrgPerson)(uid=*))"

// ldapTarget makes a target of a real directory, as an operator would.
func ldapTarget(t *testing.T, s *server, directory *ldaptest.Server) (id string) {
	t.Helper()
	target := call[struct {
		ID string `json:"id"`
	}](t, s, http.MethodPost, "/v1/targets", map[string]any{
		"name": "directory", "kind": "ldap", "policy": map[string]any{"concurrency": 4, "allow": []string{"127.0.0.1"}},
		"config": map[string]any{
			"url": directory.URL, "ca": directory.CA, "bind_dn": ldaptest.ServiceDN, "bind_password": ldaptest.ServicePassword, "base_dn": ldaptest.People,
		},
	})
	call[any](t, s, http.MethodPost, "/v1/targets/"+target.ID+"/check", nil)
	return target.ID
}

// 537 real people and a real directory: brought in, brought in again, changed, retired, renamed, beside a stranger, and through an outage.
func TestSlapd(t *testing.T) {
	t.Parallel()
	directory := ldaptest.StartWith(t, ldaptest.Options{Lines: []string{"limits users size=unlimited"}}) // for ldapsearch to count
	s := start(t, options{})
	target := ldapTarget(t, s, directory)
	file := string(examples.Legislators)

	step := func(name string, f func(t *testing.T)) {
		t.Helper()
		if !t.Failed() { // each step begins where the one before ended
			t.Run(name, f)
		}
	}
	step("import", func(t *testing.T) {
		b := s.imported(t, file, "legislators.csv")
		if b.Total != 537 || b.Counts.Created != 537 || b.Provision.Counts.Created != 537 {
			t.Errorf("%+v, accounts %+v", b, b.Provision)
		}
		provesEntries(t, s, directory, target, 537)
		askLdapsearch(t, directory, 537)
		if n := directory.Writes(t); n != 537 {
			t.Errorf("%d writes for 537 people", n)
		}
	})
	step("import again", func(t *testing.T) {
		writes := directory.Writes(t)
		b := s.imported(t, file, "legislators again.csv")
		if b.Counts.Unchanged != 537 || b.Provision.Counts.Unchanged != b.Provision.Total || directory.Writes(t) != writes {
			t.Errorf("%+v, accounts %+v, %d writes", b, b.Provision, directory.Writes(t)-writes)
		}
	})
	step("change one name", func(t *testing.T) {
		writes := directory.Writes(t)
		b := s.imported(t, strings.Replace(file, "Amy,Jean,Klobuchar", "Amélie,Jean,Klobuchar", 1), "one name changed.csv")
		if b.Counts.Updated != 1 || b.Counts.Unchanged != 536 || directory.Writes(t) != writes+1 {
			t.Errorf("%+v, accounts %+v, %d writes", b, b.Provision, directory.Writes(t)-writes)
		}
		if e := directory.Search(t, "(givenName=Amélie)"); len(e) != 1 || e[0].GetAttributeValue("uid") != "amy.klobuchar001" {
			t.Errorf("entries named so: %+v", e)
		}
	})
	step("retire", func(t *testing.T) { retiresOne(t, s, directory) })
	step("stranger", func(t *testing.T) { meetsStranger(t, s, directory) })
	step("rename", func(t *testing.T) { renamesOne(t, s, directory) })
	step("outage", func(t *testing.T) { survivesOutage(t, s, directory, target) })
	s.provesBatches(t)
}

// provesEntries proves that the entries that are ours are the people we have, one each.
func provesEntries(t *testing.T, s *server, directory *ldaptest.Server, target string, want int) {
	t.Helper()
	var f findings
	defer f.report(t)
	byUsername := map[string]personView{}
	for _, p := range list[personView](t, s, "/v1/people", nil) {
		byUsername[strings.ToLower(p.Username)] = p
	}
	ids, ours := map[string]bool{}, 0
	for _, e := range directory.Search(t, "(&"+ofPeople+"(labeledURI=*))") {
		p, ok := byUsername[strings.ToLower(e.GetAttributeValue("uid"))]
		marker, _, _ := strings.Cut(e.GetAttributeValue("labeledURI"), " ")
		if !ok || !strings.HasSuffix(marker, p.ID) || e.GetAttributeValue("givenName") != p.FirstName || e.GetAttributeValue("sn") != p.LastName {
			f.add("entry %s (%s) is not that of %+v", e.DN, marker, p)
		}
		if disabled := e.GetAttributeValue("employeeType") == "disabled"; disabled != (p.State != "active") {
			f.add("entry %s is disabled: %v; the person is %s", e.DN, disabled, p.State)
		}
		ids[e.GetAttributeValue("entryUUID")] = true
		ours++
	}
	if ours != want || len(byUsername) != want {
		f.add("%d entries for %d people, want %d", ours, len(byUsername), want)
	}
	for _, a := range list[accountView](t, s, "/v1/accounts", url.Values{"target": {target}}) {
		if a.State != "delivered" || !ids[a.ExternalID] {
			f.add("account %+v is no entry", a)
		}
		delete(ids, a.ExternalID)
	}
	if len(ids) > 0 {
		f.add("%d entries have no account on record", len(ids))
	}
}

// askLdapsearch counts with a program that is not ours, where it is installed.
func askLdapsearch(t *testing.T, directory *ldaptest.Server, want int) {
	t.Helper()
	search, err := exec.LookPath("ldapsearch")
	if err != nil {
		t.Log("ldapsearch is not installed; counted with our own client alone")
		return
	}
	out, err := exec.CommandContext(t.Context(), search, "-x", "-LLL", "-H", directory.URL, "-D", ldaptest.ReaderDN, "-w", ldaptest.ReaderPassword,
		"-b", ldaptest.People, ofPeople, "uid").Output()
	if err != nil {
		t.Fatalf("ldapsearch: %v", err)
	}
	if n := strings.Count("\n"+string(out), "\ndn: "); n != want {
		t.Errorf("ldapsearch finds %d entries, want %d", n, want)
	}
}

// named gives the one person of a username.
func (s *server) named(t *testing.T, username string) personView {
	t.Helper()
	for _, p := range list[personView](t, s, "/v1/people", nil) {
		if p.Username == username {
			return p
		}
	}
	t.Fatalf("nobody is called %s", username)
	return personView{}
}

// entry waits until the directory has one entry of a filter, and gives its id and name.
func entry(t *testing.T, directory *ldaptest.Server, filter string) (id, dn string) {
	t.Helper()
	until(t, 15*time.Second, "the directory has one entry "+filter, func() bool {
		found := directory.Search(t, filter)
		if len(found) == 1 {
			id, dn = found[0].GetAttributeValue("entryUUID"), found[0].DN
		}
		return len(found) == 1
	})
	return id, dn
}

func retiresOne(t *testing.T, s *server, directory *ldaptest.Server) {
	writes := directory.Writes(t)
	p := s.named(t, "maria.cantwell001")
	call[personView](t, s, http.MethodPost, "/v1/people/"+p.ID+"/retire", map[string]string{"reason": "left office"})
	entry(t, directory, "(&(uid=maria.cantwell001)(employeeType=disabled))")
	if n := directory.Writes(t) - writes; n != 1 {
		t.Errorf("%d writes to disable one account", n)
	}
}

// A stranger holds the username that would be next.
func meetsStranger(t *testing.T, s *server, directory *ldaptest.Server) {
	stranger := directory.Plant(t, "jean.dupont001")
	before := directory.Raw(t, stranger)
	b := s.imported(t, "last_name,first_name,email\nDupont,Jean,jean.dupont@example.org\n", "jean.csv")
	if b.Counts.Created != 1 || b.Provision.Counts.Created != 1 {
		t.Errorf("%+v, accounts %+v", b, b.Provision)
	}
	if after := directory.Raw(t, stranger); before == "" || after != before {
		t.Errorf("the stranger's entry was\n%s\nand is\n%s", before, after)
	}
	p := s.named(t, "jean.dupont002")
	id, _ := entry(t, directory, "(uid=jean.dupont002)")
	if id == stranger || p.Email != "jean.dupont@example.org" {
		t.Errorf("%+v has the entry %s", p, id)
	}
}

func renamesOne(t *testing.T, s *server, directory *ldaptest.Server) {
	id, from := entry(t, directory, "(uid=jean.dupont002)")
	p := s.named(t, "jean.dupont002")
	writes := directory.Writes(t)
	call[personView](t, s, http.MethodPatch, "/v1/people/"+p.ID, map[string]string{"username": "jean.martin001"})
	renamed, to := entry(t, directory, "(uid=jean.martin001)")
	if renamed != id || to == from || !strings.HasPrefix(to, "uid=jean.martin001,") {
		t.Errorf("entry %s of %s became %s of %s", from, id, to, renamed)
	}
	until(t, 10*time.Second, "the account is on record as renamed", func() bool {
		accounts := list[accountView](t, s, "/v1/accounts", url.Values{"person": {p.ID}})
		return len(accounts) == 1 && accounts[0].Username == "jean.martin001" && accounts[0].State == "delivered"
	})
	if n := directory.Writes(t) - writes; n != 1 {
		t.Errorf("%d writes to rename one entry", n)
	}
}

// The directory goes away in the middle of a run, and comes back.
func survivesOutage(t *testing.T, s *server, directory *ldaptest.Server, target string) {
	_, file := some(people.New(luck(t).Uint64(), "s"), 1000)
	b := s.upload(t, file, "outage.csv", "run")
	until(t, 20*time.Second, "some entries are made", func() bool {
		now := s.batch(t, b.ID)
		return now.Provision != nil && now.Provision.Counts.Created > 100
	})
	directory.Stop()
	made := 0
	until(t, 20*time.Second, "the server has noticed", func() bool {
		last := made
		made = s.batch(t, b.ID).Provision.Counts.Created
		return last == made && s.targetMessage(t, target) != ""
	})
	if made >= 1000 {
		t.Fatal("the run had ended before the directory was stopped")
	}
	directory.Restart()
	b = s.finished(t, b.ID, true, 60*time.Second)
	if b.Counts.Created != 1000 || b.Provision.Counts.Done != 1000 {
		t.Errorf("%+v, accounts %+v", b, b.Provision)
	}
	provesEntries(t, s, directory, target, 537+1+1000)
	if n := directory.Writes(t); n > 1000-made { // since it was started again
		t.Errorf("%d writes for the %d people that were left", n, 1000-made)
	}
}

// targetMessage is what is wrong with a target as a whole.
func (s *server) targetMessage(t *testing.T, target string) string {
	t.Helper()
	return call[struct {
		Message string `json:"message"`
	}](t, s, http.MethodGet, "/v1/targets/"+target, nil).Message
}
