package scopetest

import (
	"testing"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/roster"
	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

// Whoever sets somebody's password is that person: it takes all of their units, and the tenant where the person may have rights over it.
func TestPasswordsOfPeople(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		w := open(t, st)
		root, flagged := w.person("root", w.mine), w.person("flagged", w.mine)
		w.must(w.change(w.admin, root, muster.Draft{"mode": "root_visible"}))
		w.must(w.change(w.admin, flagged, muster.Draft{"flags.sudo": true}))
		stranger := w.person("stranger", w.other)
		mine, both := writer(w.mine), writer(w.mine)
		both.Grants = append(both.Grants, writer(w.other).Grants...)
		reader := over(w.mine, muster.ReadPeople)
		for _, c := range []struct {
			what   string
			caller muster.Caller
			person roster.Person
			code   muster.Code
		}{
			{"of one's unit", mine, w.ann, ""},
			{"of other units too", mine, w.sam, muster.Forbidden},
			{"of all their units", both, w.sam, ""},
			{"of another unit", mine, stranger, muster.NotFound},
			{"with a special mode", mine, root, muster.Forbidden},
			{"with flags", mine, flagged, muster.Forbidden},
			{"by who reads", reader, w.ann, muster.Forbidden},
			{"of anybody, by the tenant's", w.admin, root, ""},
		} {
			hash := "hash " + c.what
			wish := roster.Wish{Person: c.person.ID, PasswordHash: hash, Draft: muster.Draft{"nickname": c.what}}
			_, err := results(w.roster.Change(w.Context(), c.caller, []roster.Wish{wish}))
			w.wants(c.what, err, c.code)
			w.must(st.View(w.Context(), w.admin.Tenant, func(tx *store.Tx) error {
				has, err := tx.Credential(c.person.Seq)
				if (has.Hash == hash) != (c.code == "") {
					t.Errorf("%s: the password is %q", c.what, has.Hash)
				}
				if muster.CodeOf(err) == muster.NotFound {
					err = nil
				}
				return err
			}))
		}
	})
}
