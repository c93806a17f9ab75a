package access_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/access"
	"github.com/musterid/muster/internal/store"
)

const route = "POST /v1/people"

func (h *house) replay(t *testing.T, c muster.Caller, key, body string) (*access.Answer, *access.Claim, error) {
	t.Helper()
	return h.Replay(t.Context(), c, key, route, []byte(body))
}

func (h *house) mustClaim(t *testing.T, c muster.Caller, key, body string) *access.Claim {
	t.Helper()
	answer, claim, err := h.replay(t, c, key, body)
	if err != nil || answer != nil || claim == nil {
		t.Fatalf("%s: %v, %v, %v", key, answer, claim, err)
	}
	return claim
}

func TestReplayGivesTheFirstAnswer(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		claim := h.mustClaim(t, h.admin, "k", "body")
		_, _, err := h.replay(t, h.admin, "k", "body")
		want(t, "while the first is being worked on", err, muster.Unavailable)
		_, _, err = h.replay(t, h.admin, "k", "another body")
		want(t, "another body meanwhile", err, muster.Conflict)
		if err := h.Finish(t.Context(), claim, access.Answer{Status: 201, Body: []byte{0, 255, '{'}}); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			answer, claim, err := h.replay(t, h.admin, "k", "body")
			if err != nil || claim != nil || answer == nil || answer.Status != 201 || string(answer.Body) != "\x00\xff{" {
				t.Errorf("%+v, %v, %v", answer, claim, err)
			}
		}
		_, _, err = h.replay(t, h.admin, "k", "another body")
		want(t, "another body", err, muster.Conflict)
		_, _, err = h.Replay(t.Context(), h.admin, "k", "POST /v1/units", []byte("body"))
		want(t, "another route", err, muster.Conflict)
	})
}

func TestAnswersWithoutBodyAndWithSecret(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		if err := h.Finish(t.Context(), h.mustClaim(t, h.admin, "empty", ""), access.Answer{Status: 204}); err != nil {
			t.Fatal(err)
		}
		if answer, _, err := h.replay(t, h.admin, "empty", ""); err != nil || answer == nil || answer.Status != 204 || len(answer.Body) != 0 {
			t.Errorf("%+v, %v", answer, err)
		}
		if err := h.Finish(t.Context(), h.mustClaim(t, h.admin, "secret", ""), access.Answer{Status: 201, Body: []byte(h.plain), Secret: true}); err != nil {
			t.Fatal(err)
		}
		_, claim, err := h.replay(t, h.admin, "secret", "")
		want(t, "a secret", err, muster.Conflict)
		if claim != nil || !strings.Contains(err.Error(), "shown once") {
			t.Errorf("%v, %v", claim, err)
		}
		err = h.st.View(t.Context(), h.admin.Tenant, func(tx *store.Tx) error {
			var n int
			if err := tx.SQL().QueryRowContext(t.Context(), "SELECT count(*) FROM idempotency WHERE withheld = 1 AND answer IS NULL").Scan(&n); err != nil || n != 1 {
				t.Errorf("%d withheld answers, %v", n, err)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestCallersAndTenantsDoNotShareKeys(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		if _, err := h.CreateTenant(t.Context(), h.admin, access.NewTenant{Code: "school", Name: "School"}); err != nil {
			t.Fatal(err)
		}
		elsewhere, err := h.InTenant(t.Context(), h.admin, "school")
		if err != nil {
			t.Fatal(err)
		}
		plain, _ := h.create(t, h.admin, access.NewKey{Name: "other", Scope: muster.WriteScope})
		for _, c := range []muster.Caller{h.admin, elsewhere, h.caller(t, plain)} {
			if err := h.Finish(t.Context(), h.mustClaim(t, c, "1", c.Name), access.Answer{Status: 200, Body: []byte(c.Name)}); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestADeadRequestIsTakenOver(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		dead := h.mustClaim(t, h.admin, "k", "body")
		h.clock.Advance(time.Minute - time.Microsecond)
		_, _, err := h.replay(t, h.admin, "k", "body")
		want(t, "within the minute", err, muster.Unavailable)
		h.clock.Advance(time.Microsecond)
		alive := h.mustClaim(t, h.admin, "k", "body")

		// The dead one was only slow: its work is refused with its transaction, and its late answer is not kept.
		err = h.st.Update(t.Context(), h.admin.Tenant, func(tx *store.Tx) error { return dead.Remember(tx, access.Answer{Status: 200}) })
		want(t, "the slow one's transaction", err, muster.Conflict)
		if err := h.Finish(t.Context(), dead, access.Answer{Status: 200, Body: []byte("late")}); err != nil {
			t.Error(err)
		}
		if err := h.Abandon(t.Context(), dead, nil); err != nil {
			t.Error(err)
		}
		if err := h.Finish(t.Context(), alive, access.Answer{Status: 201, Body: []byte("kept")}); err != nil {
			t.Error(err)
		}
		if answer, _, err := h.replay(t, h.admin, "k", "body"); err != nil || string(answer.Body) != "kept" {
			t.Errorf("%+v, %v", answer, err)
		}
	})
}

func TestRememberGoesWithItsTransaction(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		claim := h.mustClaim(t, h.admin, "k", "body")
		broken := errors.New("broken")
		err := h.st.Update(t.Context(), h.admin.Tenant, func(tx *store.Tx) error {
			return errors.Join(claim.Remember(tx, access.Answer{Status: 500}), broken)
		})
		if !errors.Is(err, broken) {
			t.Error(err)
		}
		if err := h.Abandon(t.Context(), claim, errors.New("out of order")); err != nil {
			t.Error(err)
		}
		claim = h.mustClaim(t, h.admin, "k", "body") // at once
		if err := h.st.Update(t.Context(), h.admin.Tenant, func(tx *store.Tx) error { return claim.Remember(tx, access.Answer{Status: 201}) }); err != nil {
			t.Error(err)
		}
		if answer, _, err := h.replay(t, h.admin, "k", "body"); err != nil || answer.Status != 201 {
			t.Errorf("%+v, %v", answer, err)
		}
	})
}

// What may have been done is not done again before its claim is over.
func TestUncertainWorkKeepsItsClaim(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		claim := h.mustClaim(t, h.admin, "k", "body")
		if err := h.Abandon(t.Context(), claim, fmt.Errorf("enrol: %w", store.ErrUncertain)); err != nil {
			t.Error(err)
		}
		if answer, again, err := h.replay(t, h.admin, "k", "body"); muster.CodeOf(err) != muster.Unavailable {
			t.Errorf("a repeat gets %+v %+v %v", answer, again, err)
		}
	})
}

func TestRequestsWithoutClaim(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		err := h.st.Update(t.Context(), h.admin.Tenant, func(tx *store.Tx) error {
			return (*access.Claim)(nil).Remember(tx, access.Answer{Status: 200})
		})
		if err := errors.Join(err, h.Finish(t.Context(), nil, access.Answer{Status: 200}), h.Abandon(t.Context(), nil, nil)); err != nil {
			t.Error(err)
		}
		for _, key := range []string{"", strings.Repeat("k", 256), "a\nb", "é"} {
			_, _, err := h.replay(t, h.admin, key, "")
			want(t, key, err, muster.Invalid)
		}
	})
}

func TestOneOfManyRequestsAtOnceIsWorkedOn(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		var done sync.WaitGroup
		var mu sync.Mutex
		claims, refused := 0, 0
		for range 8 {
			done.Go(func() {
				answer, claim, err := h.Replay(context.Background(), h.admin, "k", route, []byte("body"))
				mu.Lock()
				defer mu.Unlock()
				switch {
				case claim != nil && answer == nil && err == nil:
					claims++
				case muster.CodeOf(err) == muster.Unavailable:
					refused++
				default:
					t.Errorf("%v, %v, %v", answer, claim, err)
				}
			})
		}
		done.Wait()
		if claims != 1 || refused != 7 {
			t.Errorf("%d claims, %d refused", claims, refused)
		}
	})
}

func TestAnswersAreKeptForADay(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		if err := h.Finish(t.Context(), h.mustClaim(t, h.admin, "old", "body"), access.Answer{Status: 200}); err != nil {
			t.Fatal(err)
		}
		h.clock.Advance(time.Hour)
		if err := h.Finish(t.Context(), h.mustClaim(t, h.admin, "young", "body"), access.Answer{Status: 200}); err != nil {
			t.Fatal(err)
		}
		h.clock.Advance(23*time.Hour - time.Microsecond)
		if answer, _, err := h.replay(t, h.admin, "old", "body"); err != nil || answer == nil {
			t.Errorf("within a day: %v, %v", answer, err)
		}
		h.clock.Advance(time.Microsecond)
		h.mustClaim(t, h.admin, "old", "another body") // forgotten, swept or not
		h.clock.Advance(time.Hour)
		if n, err := h.Sweep(t.Context()); n != 0 || err != nil { // exactly a day old; and the other one is new
			t.Errorf("swept %d, %v", n, err)
		}
		h.clock.Advance(time.Microsecond)
		if n, err := h.Sweep(t.Context()); n != 1 || err != nil {
			t.Errorf("swept %d, %v", n, err)
		}
	})
}
