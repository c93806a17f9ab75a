package provision_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/provision"
)

// An order of thousands of people is made while somebody waits, and its run takes them chunk by chunk.
func TestAnOrderOfMany(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	eachYard(t, func(y *yard) {
		const many, some = 4_000, 2_000
		s := y.aim(marked, "")
		y.pause(s, true) // what is delivered comes at the target's pace
		y.ordersFrom(s.view.Name)
		rows := make([]string, many)
		for i := range rows {
			rows[i] = fmt.Sprintf("first_name=Jean last_name=Dupont%d", i%1000)
		}
		source := y.imports(onRequest, 0, rows...)
		begun := time.Now()
		o := y.order(source)
		if o.Total != many {
			y.t.Errorf("%d items for %d people", o.Total, many)
		}
		first := time.Since(begun)
		begun = time.Now()
		if once := y.order(source); once.Total != many {
			y.t.Errorf("%d items after ordering once more", once.Total)
		}
		again := time.Since(begun)
		begun = time.Now()
		y.run(o, provision.RunStarted, many)
		y.until("the run is on its way", func() bool { return y.now(o).NextIndex >= some })
		y.t.Logf("%s: ordered in %s, once more in %s, %d run in %s", y.store.Engine(), first, again, some, time.Since(begun))
		if b := y.now(o); b.Waiting != many-b.NextIndex || b.Counts.Pending(b.Total) != many || b.State != muster.Running {
			y.t.Errorf("%s with %d pending, of which %d wait", b.State, b.Counts.Pending(b.Total), b.Waiting)
		}
		begun = time.Now()
		items, err := y.provision.OrderItems(y.t.Context(), y.caller, o.ID, some-100, 100)
		if err != nil || len(items) != 100 || items[99].Account == nil {
			y.t.Errorf("a page is %+v, %v", items, err)
		}
		y.t.Logf("%s: a page in %s", y.store.Engine(), time.Since(begun))
	})
}
