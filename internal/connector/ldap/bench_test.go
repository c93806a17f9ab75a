package ldap_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/connector"
	"github.com/musterid/muster/internal/connector/ldap"
	"github.com/musterid/muster/internal/connector/ldap/ldaptest"
)

// BenchmarkCreate makes accounts through the connector and with bare adds in turn, 8 at once, on a directory that waits for the disk, and reports
// what share of the bare rate is left.
func BenchmarkCreate(b *testing.B) {
	s := ldaptest.StartWith(b, ldaptest.Options{Durable: true})
	eight := env
	eight.Size = 8
	c, err := ldap.Kind.Open(b.Context(), decode(b, basic(s, settings{"start_tls": "none"})), eight)
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	var bare [8]*goldap.Conn
	for i := range bare {
		if bare[i], err = goldap.DialURL(s.URL); err != nil {
			b.Fatal(err)
		}
		defer bare[i].Close()
		if err := bare[i].Bind(ldaptest.ServiceDN, ldaptest.ServicePassword); err != nil {
			b.Fatal(err)
		}
	}
	const round = 400
	var serial atomic.Int64
	var spent [2]time.Duration
	for b.Loop() {
		for way := range spent {
			start := time.Now()
			var wg sync.WaitGroup
			for worker := range 8 {
				wg.Go(func() {
					for range round / 8 {
						username := fmt.Sprintf("bench%06d", serial.Add(1))
						if way == 0 {
							mustAddBare(b, bare[worker], username)
						} else {
							mustApply(b, c, benchStep(username))
						}
					}
				})
			}
			wg.Wait()
			spent[way] += time.Since(start)
		}
	}
	b.ReportMetric(float64(round*b.N)/spent[0].Seconds(), "bare/s")
	b.ReportMetric(float64(round*b.N)/spent[1].Seconds(), "connector/s")
	b.ReportMetric(spent[0].Seconds()/spent[1].Seconds(), "share")
}

func benchStep(username string) connector.Step {
	wanted := muster.Record{"username": username, "enabled": true, "first_name": "Ana", "last_name": "Díaz", "display_name": "Ana Díaz", "email": username + "@example.org"}
	return creation(wanted)
}

func mustAddBare(b *testing.B, c *goldap.Conn, username string) {
	add := goldap.NewAddRequest("uid="+username+","+ldaptest.People, nil)
	for name, value := range map[string]string{
		"uid": username, "cn": "Ana Díaz", "sn": "Díaz", "givenName": "Ana", "displayName": "Ana Díaz", "mail": username + "@example.org", "labeledURI": "urn:uuid:" + username + " muster",
	} {
		add.Attribute(name, []string{value})
	}
	add.Attribute("objectClass", []string{"inetOrgPerson", "organizationalPerson", "person", "top"})
	if err := c.Add(add); err != nil {
		b.Error(err)
	}
}
