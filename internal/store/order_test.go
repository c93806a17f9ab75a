package store_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

func newOrder(tx *store.Tx, source, unit int64) (store.BatchRow, error) {
	b := store.BatchRow{Order: true, Unit: unit}
	b.Kind, b.State, b.SourceBatch = muster.ProvisionBatch, muster.Ready, source
	return b, tx.CreateBatch(&b)
}

func TestOrdersComeBackAsTheyWere(t *testing.T) {
	storetest.EachWithClock(t, func(t *testing.T, st *store.Store, clock *storetest.Clock) {
		source := newBatch(t, st, storetest.Tenant, muster.Finished)
		var b store.BatchRow
		write(t, st, storetest.Tenant, func(tx *store.Tx) (err error) {
			if b, err = newOrder(tx, source.Seq, 7); err != nil {
				return err
			}
			if err := tx.AddToOrder(&b, []int64{31, 32, 33}); err != nil {
				return err
			}
			b.Waiting = 2
			return tx.SaveBatch(&b)
		})
		clock.Advance(time.Minute)
		write(t, st, storetest.Tenant, func(tx *store.Tx) error {
			return tx.UpdateItems([]muster.Item{{Batch: b.Seq, Index: 1, State: muster.FailedItem, Person: 32}})
		})
		other := secondTenant(t, st)
		look(t, st, storetest.Tenant, func(tx *store.Tx) error {
			got, err := tx.Order(b.ID)
			if diff := cmp.Diff(b, got); diff != "" || err != nil {
				t.Errorf("%s %v", diff, err)
			}
			_, err = tx.Order(source.ID)
			wantCode(t, "an import as an order", err, muster.NotFound)
			items, err := tx.OrderItems(b.Seq, 1, 10)
			if err != nil || len(items) != 2 || items[0].Index != 1 || items[0].Person != 32 || !items[0].CreatedAt.Before(items[0].At) || !items[1].CreatedAt.Equal(items[1].At) {
				t.Errorf("items %+v, %v", items, err)
			}
			index, has, err := tx.InOrder(b.Seq, 33)
			if index != 2 || !has || err != nil {
				t.Errorf("the item of a person in the order: %d, %v, %v", index, has, err)
			}
			if _, has, err := tx.InOrder(b.Seq, 34); has || err != nil {
				t.Errorf("somebody else is in the order, %v", err)
			}
			people, err := tx.PeopleIn(b.Seq, false, 1, 3)
			if !slices.Equal(people, []int64{32, 33}) {
				t.Errorf("people of the order from the second on: %v", people)
			}
			return err
		})
		look(t, st, other, func(tx *store.Tx) error {
			_, err := tx.Order(b.ID)
			wantCode(t, "another tenant's order", err, muster.NotFound)
			items, err := tx.OrderItems(b.Seq, 0, 10)
			if list, fault := tx.Orders(0, nil, 0, 10); len(list)+len(items) != 0 || err != nil || fault != nil {
				t.Errorf("another tenant sees %v and %v", list, items)
			}
			return nil
		})
	})
}

func TestAbandonedOrders(t *testing.T) {
	storetest.EachWithClock(t, func(t *testing.T, st *store.Store, clock *storetest.Clock) {
		orders := map[string]store.BatchRow{}
		write(t, st, storetest.Tenant, func(tx *store.Tx) error {
			for _, name := range []string{"ready", "through", "left", "held", "awaited"} {
				b, err := newOrder(tx, 0, 0)
				if err != nil {
					return err
				}
				b.State, b.Total, b.NextIndex = muster.Running, 3, 1
				switch name {
				case "ready":
					b.State = muster.Ready
				case "through":
					b.NextIndex = 3
				}
				if err := tx.SaveBatch(&b); err != nil {
					return err
				}
				orders[name] = b
			}
			if _, err := tx.LeaseBatch(orders["held"].Seq, "somebody", tx.Now().Add(10*time.Second)); err != nil {
				return err
			}
			for seq, want := range map[int64]bool{orders["held"].Seq: false, orders["awaited"].Seq: true} {
				if asked, err := tx.AwaitRun(seq, tx.Now().Add(5*time.Second)); err != nil || asked != want {
					t.Errorf("asked for %d: %v, %v", seq, asked, err)
				}
			}
			return nil
		})
		abandoned := func() (seqs []int64) {
			look(t, st, store.Everyone, func(tx *store.Tx) error {
				list, err := tx.AbandonedOrders()
				for _, a := range list {
					seqs = append(seqs, a.Batch)
				}
				imports, unfollowed := 0, 0
				if list, err := tx.AbandonedBatches(); err == nil {
					imports = len(list)
				}
				if list, err := tx.UnfollowedBatches(tx.Now()); err == nil {
					unfollowed = len(list)
				}
				if imports+unfollowed > 0 {
					t.Errorf("orders are taken for %d imports and %d batches that follow one", imports, unfollowed)
				}
				return err
			})
			return seqs
		}
		for _, step := range []struct {
			after time.Duration
			want  []int64
		}{{0, []int64{orders["left"].Seq}}, {6 * time.Second, []int64{orders["left"].Seq, orders["awaited"].Seq}}, {5 * time.Second, []int64{orders["left"].Seq, orders["held"].Seq, orders["awaited"].Seq}}} {
			clock.Advance(step.after)
			if got := abandoned(); !slices.Equal(got, step.want) {
				t.Errorf("%s later: %v, want %v", step.after, got, step.want)
			}
		}
	})
}

// wholeRead tells that a plan reads batches or items other than by an index that the query narrows.
var wholeRead = regexp.MustCompile(`^SCAN (t|o|batch|item|account)\b( USING (COVERING )?INDEX)?|Seq Scan on (batch|item|account)\b`)

// What a screen asks for every two seconds, and what a run and a repeated order ask for, is read through indexes, whatever else is stored.
func TestPlansOfOrders(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		var source *store.BatchRow
		var order store.BatchRow
		for n := range 40 { // other imports and what follows them stand before and after
			b := newBatch(t, st, storetest.Tenant, muster.Finished)
			write(t, st, storetest.Tenant, func(tx *store.Tx) error {
				follows := store.BatchRow{Batch: muster.Batch{Kind: muster.ProvisionBatch, SourceBatch: b.Seq, State: muster.Finished}}
				if n == 20 {
					source = b
					var err error
					if order, err = newOrder(tx, b.Seq, 7); err != nil {
						return err
					}
					follows = order
				} else if err := tx.CreateBatch(&follows); err != nil {
					return err
				}
				items := make([]muster.Item, 0, 400)
				for i := range 200 {
					items = append(items, muster.Item{Batch: b.Seq, Index: i, State: muster.DoneItem, Person: int64(n*1000 + i)})
					if n != 20 {
						items = append(items, muster.Item{Batch: follows.Seq, Index: i, State: muster.DoneItem, Person: int64(n*1000 + i), Account: int64(i + 1)})
					}
				}
				if err := tx.InsertItems(items); err != nil {
					return err
				}
				if n != 20 {
					return nil
				}
				people := make([]int64, 200)
				for i := range people {
					people[i] = int64(n*1000 + i)
				}
				return tx.AddToOrder(&order, people)
			})
		}
		for _, known := range []bool{false, true} {
			if known {
				if err := st.Analyze(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			look(t, st, storetest.Tenant, func(tx *store.Tx) error {
				for name, read := range map[string]func() ([]string, error){
					"orders":           func() ([]string, error) { return st.OrdersPlan(tx, 0, nil, 20, 10) },
					"orders of a unit": func() ([]string, error) { return st.OrdersPlan(tx, 7, nil, 0, 10) },
					"orders of units":  func() ([]string, error) { return st.OrdersPlan(tx, 0, []string{"/7/"}, 0, 10) },
					"items":            func() ([]string, error) { return st.OrderItemsPlan(tx, order.Seq, 100, 100) },
					"to be ordered":    func() ([]string, error) { return st.PeopleInPlan(tx, source.Seq, true, 0, 200) },
					"to be repeated":   func() ([]string, error) { return st.ToRepeatPlan(tx, order.Seq) },
				} {
					plan, err := read()
					for _, line := range plan {
						if wholeRead.MatchString(strings.TrimLeft(line, " ->")) {
							t.Errorf("%s (statistics: %v): %s\n%s", name, known, line, strings.Join(plan, "\n"))
						}
					}
					if by := strings.Contains(name, "unit"); by != strings.Contains(strings.Join(plan, ""), "batch_unit") {
						t.Errorf("%s (statistics: %v): by unit?\n%s", name, known, strings.Join(plan, "\n"))
					}
					if err != nil || len(plan) == 0 {
						t.Errorf("%s: no plan, %v", name, err)
					}
				}
				return nil
			})
		}
		look(t, st, storetest.Tenant, func(tx *store.Tx) error {
			brought, err := tx.PeopleIn(source.Seq, true, 0, 200)
			if err != nil {
				return err
			}
			ordered, err := tx.PeopleIn(order.Seq, false, 0, order.Total)
			if len(brought) != 200 || !slices.Equal(brought, ordered) {
				t.Errorf("%d people were brought, %d are ordered", len(brought), len(ordered))
			}
			return err
		})
	})
}
