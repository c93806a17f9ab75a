package intake_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

// bodyOf makes a body of rows.
func bodyOf(rows int, row func(i int) string) string {
	var body strings.Builder
	body.WriteByte('[')
	for i := range rows {
		if i > 0 {
			body.WriteByte(',')
		}
		body.WriteString(row(i))
	}
	return body.String() + "]"
}

// Batches that want the same work in the order in which they were accepted, whatever their size: the first one gets all of it.
func TestArrayRivals(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		h := openHall(t, st)
		const rows = 5_050 // more than one chunk
		create := func(n int) string {
			return bodyOf(n, func(i int) string { return fmt.Sprintf(`{"username":"u%d","email":"u%d@x.test"}`, i, i) })
		}
		first, err := h.post(create(rows), h.array)
		if err != nil {
			t.Fatal(err)
		}
		second, err := h.post(create(rows), h.array)
		if err != nil {
			t.Fatal(err)
		}
		if second = h.wait(second); second.Counts.Failed != rows {
			t.Errorf("the second one: %+v", second.Counts)
		}
		if first = h.wait(first); first.Counts.Created != rows || second.StartedAt.Before(first.FinishedAt) {
			t.Errorf("the first one: %+v, until %s; the second from %s", first.Counts, first.FinishedAt, second.StartedAt)
		}
		for _, index := range []int{0, 5_010} {
			items, err := h.engine.Items(t.Context(), h.caller, second, "", index, 1)
			if err != nil || len(items[0].Reasons) != 2 || strings.Contains(items[0].Reasons[0].Message, "index") {
				t.Errorf("row %d: %v %v", index, items[0].Reasons, err)
			}
		}

		// One frees names while the other, sent right behind it, takes them.
		var ids []string
		items, err := h.engine.Items(t.Context(), h.caller, first, "", 0, 400)
		if err != nil {
			t.Fatal(err)
		}
		people := map[int64]store.PersonRow{}
		var seqs []int64
		for _, item := range items {
			seqs = append(seqs, item.Person)
		}
		if err := st.View(t.Context(), storetest.Tenant, func(tx *store.Tx) error { people, err = tx.People(seqs); return err }); err != nil {
			t.Fatal(err)
		}
		for _, seq := range seqs {
			ids = append(ids, muster.HexID(seq, people[seq].CreatedAt))
		}
		a := h.array
		a.Matching = muster.ByID
		frees, err := h.post(bodyOf(400, func(i int) string { return fmt.Sprintf(`{"id":%q,"email":"free%d@x.test"}`, ids[i], i) }), a)
		if err != nil {
			t.Fatal(err)
		}
		takes, err := h.post(bodyOf(400, func(i int) string { return fmt.Sprintf(`{"id":%q,"email":"u%d@x.test"}`, ids[399-i], i) }), a)
		if err != nil {
			t.Fatal(err)
		}
		if takes = h.wait(takes); takes.Counts.Updated != 400 {
			t.Errorf("they take what was freed: %+v %v", takes.Counts, h.said(takes)[:2])
		}
		if frees = h.wait(frees); frees.Counts.Updated != 400 {
			t.Errorf("they free: %+v", frees.Counts)
		}
	})
}

// A row that the database refuses fails alone, and those around it take effect in their order.
func TestArrayNarrows(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		h := openHall(t, st)
		h.create(`[{"username":"ann"},{"username":"bob"}]`)
		ann, bob := h.id("ann"), h.id("bob")
		if _, err := st.Handle().ExecContext(t.Context(), "CREATE UNIQUE INDEX test_names ON person (first_name) WHERE first_name = 'Twin'"); err != nil {
			t.Fatal(err)
		}
		b := h.update(`[{"id":"` + ann + `","username":"free","firstname":"Twin"},{"id":"` + bob + `","username":"ann","firstname":"Twin"},{"id":"` + bob + `","username":"ann"},{"id":"` + bob + `","last_name":"B"}]`)
		h.expect(b, "done first_name username", "failed :internal", "done username", "done last_name")
	})
}
