package roster_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/roster"
	"github.com/musterid/muster/internal/store"
)

// What is listed, page by page, is what is counted; and what was never searched for is told from counters.
func TestListedAndCounted(t *testing.T) {
	eachCampus(t, func(c *campus) {
		units := c.grow("establishment:lycee")
		var list []roster.Admission
		for i := range 23 {
			a := roster.Admission{Draft: muster.Draft{"first_name": fmt.Sprintf("É%02d", 22-i), "last_name": "Bâ", "email": fmt.Sprintf("e%d@x.test", i)}}
			if i%2 == 0 {
				a.Joins = []roster.Place{{Unit: roster.ParseUnitRef("lycee"), Roles: []roster.RoleGrant{{Role: []string{"teacher", "student"}[i%4/2]}}}}
			}
			list = append(list, a)
		}
		for i, r := range c.admit(idt, list...) {
			if r.Err != nil {
				c.t.Fatal(r.Err)
			}
			if i == 22 {
				if _, err := c.Delete(c.t.Context(), c.caller, []roster.Wish{{Person: r.Person.ID}}); err != nil {
					c.t.Fatal(err)
				}
			}
		}
		lycee := units["establishment:lycee"].Seq
		for name, q := range map[string]struct {
			roster.Query
			want int
		}{
			"everybody":          {roster.Query{}, 22},
			"everybody in order": {roster.Query{Sort: store.ByFirstName}, 22},
			"active":             {roster.Query{State: muster.Active}, 22},
			"deleted":            {roster.Query{State: muster.Deleted}, 1},
			"searched":           {roster.Query{Search: "e1 bâ", Sort: "-first_name"}, 18},
			"in the unit":        {roster.Query{Unit: lycee, Offset: 0}, 11},
			"teachers":           {roster.Query{Unit: lycee, Role: "teacher"}, 6},
			"nobody":             {roster.Query{Search: "zz"}, 0},
		} {
			n, err := c.CountPeople(c.t.Context(), c.caller, q.Query)
			if err != nil || n != q.want {
				c.t.Errorf("%s: counted %d, %v, want %d", name, n, err, q.want)
			}
			met := map[int64]bool{}
			for offset := 0; ; offset += 5 {
				page := q.Query
				page.Offset, page.Limit = offset, 5
				people, err := c.People(c.t.Context(), c.caller, page)
				if err != nil {
					c.t.Fatal(err)
				}
				for _, p := range people {
					met[p.Seq] = true
				}
				if len(people) < 5 {
					break
				}
			}
			if len(met) != q.want {
				c.t.Errorf("%s: met %d, want %d", name, len(met), q.want)
			}
		}
	})
}

func TestSearchesAreBounded(t *testing.T) {
	eachCampus(t, func(c *campus) {
		for name, s := range map[string]struct {
			q    roster.Query
			want string
		}{
			"long":        {roster.Query{Search: strings.Repeat("é", 257)}, "too_long search"},
			"words":       {roster.Query{Search: "a b c d e f g h i"}, "too_long search"},
			"long name":   {roster.Query{FirstName: strings.Repeat("é", 257)}, "too_long first_name"},
			"backwards":   {roster.Query{Offset: -1}, "invalid offset"},
			"order":       {roster.Query{Sort: "shoe"}, "invalid sort"},
			"just fits":   {roster.Query{Search: strings.Repeat("é", 256)}, "ok"},
			"eight words": {roster.Query{Search: "a b c d e f g h"}, "ok"},
		} {
			_, err := c.People(c.t.Context(), c.caller, s.q)
			if got := fault(muster.Faults(err)); got != s.want {
				c.t.Errorf("%s: %v, want %s", name, err, s.want)
			}
		}
		nobody := c.caller
		nobody.Grants = nil
		if _, err := c.People(c.t.Context(), nobody, roster.Query{Search: "a"}); muster.CodeOf(err) != muster.Forbidden {
			c.t.Errorf("of a caller without rights: %v", err)
		}
	})
}

// Each caller searches once at a time, others do not wait for them, and who waits too long is told so.
func TestSearchesTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r roster.Roster
		ana, bob := muster.Caller{Tenant: 1, Name: "ana"}, muster.Caller{Tenant: 1, Name: "bob"}
		var mu sync.Mutex
		busy, most := map[string]int{}, map[string]int{}
		enter := func(name string, n int) {
			mu.Lock()
			defer mu.Unlock()
			busy[name] += n
			most[name] = max(most[name], busy[name])
		}
		search := func(caller muster.Caller, takes time.Duration) error {
			return r.Searching(t.Context(), caller, roster.Query{Search: "a"}, func(ctx context.Context) error {
				enter(caller.Name, 1)
				defer enter(caller.Name, -1)
				select {
				case <-ctx.Done():
					return ctx.Err()
				case <-time.After(takes):
					return nil
				}
			})
		}
		results := make(chan error, 4)
		start := time.Now()
		for range 3 {
			go func() { results <- search(ana, 2*time.Second) }()
		}
		synctest.Wait()
		if err := search(bob, time.Second); err != nil || time.Since(start) != time.Second {
			t.Errorf("another caller waited: %v after %v", err, time.Since(start))
		}
		refused := 0
		for range 3 {
			if err := <-results; err != nil {
				refused++
				if muster.CodeOf(err) != muster.Unavailable {
					t.Error(err)
				}
			}
		}
		if refused != 1 || most["ana"] != 1 {
			t.Errorf("%d refused, %d at once", refused, most["ana"])
		}
		if err := search(ana, time.Minute); muster.CodeOf(err) != muster.Unavailable {
			t.Errorf("a search that takes too long: %v", err)
		}
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if err := r.Searching(gone, ana, roster.Query{}, func(ctx context.Context) error { return ctx.Err() }); !errors.Is(err, context.Canceled) || muster.CodeOf(err) == muster.Unavailable {
			t.Errorf("of a caller who left: %v", err)
		}
		if n := r.SearchesKept(); n != 0 {
			t.Errorf("%d turns are kept", n)
		}
	})
}
