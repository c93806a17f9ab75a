package intake_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/batch"
	"github.com/musterid/muster/internal/intake"
	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

func TestOldInputIsGoneAndSaysSo(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		h := open(t, st)
		b := h.run(three, intake.Upload{})
		err := st.Update(t.Context(), store.Everyone, func(tx *store.Tx) error {
			n, err := tx.DropOldBlocks(tx.Now().Add(-batch.InputRetention), 10)
			if n != 0 {
				t.Errorf("%d batches of today lost their input", n)
			}
			if err != nil {
				return err
			}
			if n, err = tx.DropOldBlocks(tx.Now().Add(time.Minute), 10); n != 1 {
				t.Errorf("%d old batches were cleared, want 1", n)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		r, err := h.intake.Result(h.caller, b)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Write(t.Context(), &bytes.Buffer{}); muster.CodeOf(err) != muster.Gone {
			t.Errorf("result sheet: %v", err)
		}
		if got := h.items(b); len(got) != 3 || got[0].State != muster.DoneItem {
			t.Errorf("the outcomes went too: %+v", got)
		}
	})
}
