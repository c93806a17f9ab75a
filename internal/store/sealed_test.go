package store_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

// manySealed makes a batch whose rows had passwords, of which some came to nothing and some were not reached.
func manySealed(t *testing.T, st *store.Store, rows, reached int) int64 {
	t.Helper()
	b := store.BatchRow{Batch: muster.Batch{Kind: muster.ImportBatch, State: muster.Running, Total: rows}}
	write(t, st, storetest.Tenant, func(tx *store.Tx) error {
		b.Seq = 0
		if err := tx.CreateBatch(&b); err != nil {
			return err
		}
		sealed, items := make([]store.SealedPassword, rows), make([]muster.Item, reached)
		for i := range sealed {
			sealed[i] = store.SealedPassword{Index: i, Sealed: []byte(strings.Repeat("sealed", 10))}
		}
		for i := range items {
			items[i] = muster.Item{Batch: b.Seq, Index: i, State: muster.DoneItem, Person: b.Seq*1_000_000 + int64(i)}
			if i%10 == 0 {
				items[i].State, items[i].Person = muster.FailedItem, 0
			}
		}
		if err := tx.AddSealedPasswords(b.Seq, sealed); err != nil {
			return err
		}
		if err := tx.InsertItems(items); err != nil {
			return err
		}
		waiting, err := tx.SettleSealedPasswords(b.Seq, reached)
		if err == nil && waiting != reached-(reached+9)/10 {
			t.Errorf("%d wait of %d", waiting, reached)
		}
		return err
	})
	return b.Seq
}

// byIndex is the index that a statement must use: others hold the whole line of a tenant.
var byIndex = map[string]string{
	"of a person": "sealed_password_person", "of people": "sealed_password_person", "drop a person's": "sealed_password_person", "old": "sealed_password_age",
	"settle": "sealed_password_new", "first unsettled": "sealed_password_new", "waiting": "sealed_password_due", "next tenant": "sealed_password_due",
}

var wholeTable = regexp.MustCompile(`^SCAN (sealed_password|item|i|t)( |$)|^SCAN .* USING (COVERING )?INDEX sqlite_autoindex|Seq Scan on (sealed_password|item)`)

// Every statement about the line goes by an index, however long the line is.
func TestPlansOfSealedPasswords(t *testing.T) {
	storetest.EachWithClock(t, func(t *testing.T, st *store.Store, clock *storetest.Clock) {
		var batch int64
		for range 4 {
			batch = manySealed(t, st, 5000, 4000)
		}
		for _, analyzed := range []bool{false, true} {
			look(t, st, storetest.Tenant, func(tx *store.Tx) error {
				for name, sql := range tx.LineSQL(batch, batch*1_000_000+1, clock.Now()) {
					plan, err := st.ReadPlan(tx, sql.Query, sql.Args)
					if err != nil {
						t.Errorf("%s: %v", name, err)
						continue
					}
					if by := byIndex[name]; !strings.Contains(strings.Join(plan, "\n"), by) {
						t.Errorf("%s (analyzed: %v) does not go by %s\n%s", name, analyzed, by, strings.Join(plan, "\n"))
					}
					for _, line := range plan {
						if wholeTable.MatchString(strings.TrimLeft(line, " ->")) && !strings.Contains(line, "sealed_password_due") {
							t.Errorf("%s (analyzed: %v): %s\n%s", name, analyzed, line, strings.Join(plan, "\n"))
						}
					}
				}
				return nil
			})
			write(t, st, storetest.Tenant, func(tx *store.Tx) error { return tx.Exec("ANALYZE") })
		}
	})
}

func TestSettlingInParts(t *testing.T) {
	storetest.EachWithClock(t, func(t *testing.T, st *store.Store, _ *storetest.Clock) {
		batch := manySealed(t, st, 30, 20)
		write(t, st, storetest.Tenant, func(tx *store.Tx) error {
			if n, err := tx.SettleSealedPasswords(batch, 20); n != 0 || err != nil {
				t.Errorf("settled a second time: %d, %v", n, err)
			}
			items := []muster.Item{{Batch: batch, Index: 20, State: muster.DoneItem, Person: batch*1_000_000 + 1}, {Batch: batch, Index: 21, State: muster.SkippedItem}}
			if err := tx.InsertItems(items); err != nil {
				return err
			}
			if n, err := tx.SettleSealedPasswords(batch, 22); n != 1 || err != nil {
				t.Errorf("of the next part %d wait, %v", n, err)
			}
			s, err := tx.Strings("SELECT idx || ':' || person FROM sealed_password WHERE batch = $1 AND (idx >= 20 OR idx <= 1) AND person IS NOT NULL ORDER BY idx", batch)
			// The password of row 1 gave way to that of row 20, of the same person.
			if want := []string{"0:0", fmt.Sprint("20:", batch*1_000_000+1), "21:0"}; strings.Join(s, " ") != strings.Join(want, " ") {
				t.Errorf("settled %v, want %v", s, want)
			}
			return err
		})
	})
}
