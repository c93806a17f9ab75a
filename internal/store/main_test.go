package store_test

import (
	"testing"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/store"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// write runs f in a transaction that must succeed.
func write(t testing.TB, st *store.Store, tenant int64, f func(tx *store.Tx) error) {
	t.Helper()
	if err := st.Update(t.Context(), tenant, f); err != nil {
		t.Fatal(err)
	}
}

// look runs f in a view that must succeed.
func look(t testing.TB, st *store.Store, tenant int64, f func(tx *store.Tx) error) {
	t.Helper()
	if err := st.View(t.Context(), tenant, f); err != nil {
		t.Fatal(err)
	}
}

// secondTenant makes another tenant and gives its seq.
func secondTenant(t testing.TB, st *store.Store) int64 {
	t.Helper()
	other := muster.Tenant{Code: "other", Name: "Other", Settings: muster.DefaultSettings()}
	write(t, st, store.Everyone, func(tx *store.Tx) error { return tx.CreateTenant(&other) })
	return other.Seq
}

// wantCode checks the code of an error.
func wantCode(t testing.TB, what string, err error, code muster.Code) {
	t.Helper()
	if got := muster.CodeOf(err); got != code {
		t.Errorf("%s: %q (%v), want %q", what, got, err, code)
	}
}
