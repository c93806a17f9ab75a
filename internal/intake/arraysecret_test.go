package intake_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/batch"
	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

// kept gives the passwords that are kept for the rows of a batch, by index, as they are when it becomes visible.
func (h *hall) kept(tx *store.Tx, b *store.BatchRow) (map[int]string, error) {
	indexes := make([]int, b.Total)
	for i := range indexes {
		indexes[i] = i
	}
	sealed, err := tx.SealedPasswords(b.Seq, indexes)
	kept := map[int]string{}
	for index, s := range sealed {
		plain, err := h.key.Open(store.SealedPurpose(b.Seq, index), s.Sealed)
		if err != nil {
			return nil, err
		}
		kept[index] = string(plain)
	}
	return kept, err
}

func (h *hall) rows(b store.BatchRow) []batch.Row {
	h.t.Helper()
	rows, err := h.engine.Rows(h.t.Context(), h.caller, b, 0, 1_000)
	if err != nil {
		h.t.Fatal(err)
	}
	return rows
}

// Passwords are cut out of rows however they are written, and kept apart; of several the last one counts.
func TestArrayPasswords(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		h := openHall(t, st)
		row := func(n int, rest string) string {
			return `{"username":"u` + string(rune('a'+n)) + `"` + rest + `}`
		}
		bodies := []string{
			row(0, ``),
			row(1, `,"password":"planted-1"`),
			row(2, `,"password":"planted-old","p\u0061ssword" : "planted-\u0032"`),
			row(3, `,"password":"planted-x","password":null`),
			row(4, `,"password":null`),
			row(5, `,"password":""`),
			row(6, `,"password":["planted-list"]`),
			row(7, `,"password":"pla"`),
			row(8, `,"Password":"planted-other","attributes":{"pwd":"planted-deep","x":[{"mot de passe":"planted-deeper"}]}`),
			`{"password":"planted-9", "username":"uj" }`,
			`{"password":"planted-10"}`,
			row(11, `,"password":"planted-\ud83d"`),
			row(12, `,"firstname":"?","password":"planted-12"`),
		}
		a := h.array
		var kept map[int]string
		a.Also = func(tx *store.Tx, b *store.BatchRow) (err error) {
			kept, err = h.kept(tx, b)
			return err
		}
		b := h.send("["+strings.Join(bodies, ",")+"]", a)
		want := map[int]string{1: "planted-1", 2: "planted-2", 9: "planted-9", 10: "planted-10", 11: "planted-\ufffd", 12: "planted-12"}
		if !maps.Equal(kept, want) {
			t.Errorf("kept %v, want %v", kept, want)
		}
		h.expect(b, "done mode state username", "done mode password state username", "done mode password state username", "done mode state username", "done mode state username",
			"failed password:invalid", "failed password:invalid", "failed password:policy", "failed attributes.x:invalid Password:unsupported",
			"done mode password state username", "failed :required", "failed :invalid", "failed firstname:invalid")
		for i, row := range h.rows(b) {
			if _, secret := want[i]; secret != row.Secret || strings.Contains(string(row.JSON), "planted") || !json.Valid(row.JSON) || i < 10 && !strings.Contains(string(row.JSON), `"username"`) {
				t.Errorf("row %d is kept as %s, %t", i, row.JSON, row.Secret)
			}
		}
		if reasons, err := json.Marshal(h.items(b)); err != nil || strings.Contains(string(reasons), "planted") {
			t.Errorf("items: %s %v", reasons, err)
		}
	})
}

// What is said about passwords is none.
func TestArrayPasswordFlags(t *testing.T) {
	h := openHall(t, storetest.Open(t, store.SQLite))
	row := `{"password_never_expires":true,"password_date":"2026-01-01","password_expired":false,"password_expiration_date":null,"external_password_expiration_date":"x","restrictedFields":[{"field":"password"}]}`
	if got := h.rows(h.create("[" + row + "]"))[0]; string(got.JSON) != row || got.Secret {
		t.Errorf("%s is kept as %s", row, got.JSON)
	}
}

func TestArrayPasswordsOfThoseWhoAreHere(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		h := openHall(t, st)
		h.create(`[{"username":"ann"}]`)
		before := h.people()[0]
		b := h.update(`[{"id":"` + h.id("ann") + `","password":"planted-1"},{"id":"` + h.id("ann") + `","password":null},{"id":"` + h.id("ann") + `","firstname":"A","password":"planted-2"}]`)
		h.expect(b, "done password", "done password:unsupported", "done first_name password")
		if p := h.people()[0]; p.Version != before.Version+1 || b.Counts.Updated != 2 || b.Counts.Unchanged != 1 {
			t.Errorf("%+v after %+v", p, b.Counts)
		}
	})
}

// A row that is tried again has its password again, as long as that is kept.
func TestArrayRetryWithPassword(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		h := openHall(t, st)
		h.create(`[{"username":"ann"}]`)
		b := h.create(`[{"username":"new","password":"planted-0"},{"username":"ann","password":"planted-1"},{"username":"ann"}]`)
		again := func() (store.BatchRow, map[int]string) {
			t.Helper()
			again, err := h.engine.Retry(t.Context(), h.caller, b.ID, batch.Rest)
			if err != nil {
				t.Fatal(err)
			}
			var kept map[int]string
			err = st.View(t.Context(), storetest.Tenant, func(tx *store.Tx) (err error) {
				kept, err = h.kept(tx, &again)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return again, kept
		}
		first, kept := again()
		if !maps.Equal(kept, map[int]string{0: "planted-1"}) || first.Total != 2 {
			t.Errorf("kept for the %d rows that failed: %v", first.Total, kept)
		}
		h.update(`[{"id":"` + h.id("ann") + `","username":"ann2"}]`)
		if _, err := h.engine.Run(t.Context(), h.caller, first.ID); err != nil {
			t.Fatal(err)
		}
		h.expect(h.wait(first, muster.Finished), "done mode password state username", "failed username:conflict")

		if _, err := st.Handle().ExecContext(t.Context(), "DELETE FROM sealed_password"); err != nil { // as after a day
			t.Fatal(err)
		}
		second, kept := again()
		if len(kept) != 0 || !slices.ContainsFunc(h.rows(second), func(r batch.Row) bool { return len(r.Warnings) == 1 && !r.Secret }) {
			t.Errorf("kept after a day: %v", kept)
		}
		h.update(`[{"id":"` + h.id("ann") + `","username":"ann3"}]`)
		if _, err := h.engine.Run(t.Context(), h.caller, second.ID); err != nil {
			t.Fatal(err)
		}
		h.expect(h.wait(second, muster.Finished), "done mode state username password:unsupported", "failed username:conflict")
	})
}
