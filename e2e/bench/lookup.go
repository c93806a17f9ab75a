package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/musterid/muster/e2e/people"
)

const lookups = 1_500 // of each kind

// measureLookups finds one person among many, by what people are found by, and one entry among as many in slapd, in turn, on one connection each.
func measureLookups(ctx context.Context, b *bench) error {
	directory, err := startSlapd(ctx, b.dir, entriesOf(b.seed, b.present)...)
	if err != nil {
		b.printf("  OpenLDAP is left out: %v\n", err)
	} else {
		defer directory.stop()
	}
	t := b.table("database", "people", "found by", "p50 ms", "p99 ms", "slapd p50 ms", "p99 ms", "p50 / p50", "a request without work p50 ms")
	for _, e := range b.kinds() {
		if err := e.lookups(ctx, t, directory); err != nil {
			return fmt.Errorf("%s: %w", e.name, err)
		}
	}
	t.print()
	return nil
}

// found is somebody as the native API shows them.
type found struct {
	ID       string `json:"id"`
	Username string `json:"username"`
	Email    string `json:"email"`
	SourceID string `json:"source_id"`
}

func (e *engine) lookups(ctx context.Context, t *table, directory *slapd) error {
	s, err := e.serve(ctx, e.b.present)
	if err != nil {
		return err
	}
	defer s.end()
	w := s.wire()
	defer w.close()
	sample, err := sampled(w, "/v1/people?limit=50")
	if err != nil {
		return err
	}
	ways := []struct {
		name string
		path func(found) string
	}{
		{"id", func(p found) string { return "/v1/people/" + p.ID }},
		{"username", func(p found) string { return "/v1/people?username=" + url.QueryEscape(p.Username) }},
		{"e-mail address", func(p found) string { return "/v1/people?email=" + url.QueryEscape(p.Email) }},
	}
	took := make([][]time.Duration, len(ways))
	var entries, idles []time.Duration
	var c *goldap.Conn
	if directory != nil {
		if c, err = directory.dial(); err != nil {
			return err
		}
		defer c.Close()
	}
	for i := range lookups + 50 {
		someone := sample[i*7919%len(sample)]
		for n, way := range ways {
			answer, d, err := w.ask(http.MethodGet, way.path(someone), "")
			if err == nil && !bytes.Contains(answer, []byte(someone.ID)) {
				err = errors.New("somebody is not found")
			}
			if err = firstOf(err, ctx.Err()); err != nil {
				return err
			}
			took[n] = append(took[n], d)
		}
		d, err := w.get("/healthz")
		if err != nil {
			return err
		}
		idles = append(idles, d)
		if c == nil {
			continue
		}
		if d, err = find(c, fmt.Sprintf("bare%06d", i*7919%e.b.present)); err != nil {
			return err
		}
		entries = append(entries, d)
	}
	for n, way := range ways {
		list := took[n][50:] // the first ones open connections and caches
		ratio := any("-")
		if c != nil {
			ratio = share(float64(percentile(list, 50)) / float64(percentile(entries[50:], 50)))
		}
		t.row(e.name, s.people, way.name, millis2(list, 50), millis2(list, 99), millis2(entries, 50), millis2(entries, 99), ratio, millis2(idles, 50))
	}
	return nil
}

// sampled gives a few hundred people from everywhere in a list.
func sampled(w *wire, path string) ([]found, error) {
	pages, err := deepPages(w, path)
	if err != nil {
		return nil, err
	}
	var list []found
	for _, path := range pages {
		answer, _, err := w.ask(http.MethodGet, path, "")
		if err != nil {
			return nil, err
		}
		var page struct {
			Items []found `json:"items"`
		}
		if err := json.Unmarshal(answer, &page); err != nil {
			return nil, err
		}
		list = append(list, page.Items...)
	}
	return list, nil
}

// find reads one entry of the directory by uid.
func find(c *goldap.Conn, uid string) (time.Duration, error) {
	start := time.Now()
	result, err := c.Search(goldap.NewSearchRequest(slapdPeople, goldap.ScopeSingleLevel, goldap.NeverDerefAliases, 1, 0, false, "(uid="+uid+")", nil, nil))
	took := time.Since(start)
	if err == nil && len(result.Entries) != 1 {
		err = fmt.Errorf("slapd finds %d entries of %s", len(result.Entries), uid)
	}
	return took, err
}

// entriesOf are entries as LDIF, for a directory to begin with.
func entriesOf(seed uint64, n int) []string {
	list := make([]string, n)
	m := people.New(seed, "bare")
	for i := range list {
		add := addRequest(m.Next(), fmt.Sprintf("bare%06d", i))
		var text bytes.Buffer
		fmt.Fprintf(&text, "\ndn: %s\n", add.DN)
		for _, a := range add.Attributes {
			for _, v := range a.Vals {
				fmt.Fprintf(&text, "%s:: %s\n", a.Type, base64.StdEncoding.EncodeToString([]byte(v)))
			}
		}
		list[i] = text.String()
	}
	return list
}
