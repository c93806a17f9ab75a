package access

import (
	"context"
	"time"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/secret"
	"github.com/musterid/muster/internal/store"
)

// CallerOfKey turns a bare API key into a caller. A key that is mistyped, unknown, revoked or expired, or whose person may not sign in, is
// muster.Unauthenticated, always in the same words. Nothing is cached: a revoked key is refused at once, by every process.
//
// The caller's Surface and RequestID are the surface's to fill in.
func (a *Access) CallerOfKey(ctx context.Context, plain string) (muster.Caller, error) {
	hash, ok := secret.HashAPIKey(plain)
	if !ok {
		return muster.Caller{}, unknownKey()
	}
	key, err := a.looks.key(ctx, string(hash), func(ctx context.Context) (key store.KeyRow, err error) {
		err = a.st.Peek(ctx, store.Everyone, func(tx *store.Tx) (err error) {
			key, err = tx.KeyByHash(hash)
			return err
		})
		return key, err
	})
	if muster.CodeOf(err) == muster.NotFound {
		return muster.Caller{}, unknownKey()
	}
	if err != nil {
		return muster.Caller{}, err
	}
	now := a.st.Now()
	expired := !key.ExpiresAt.IsZero() && !now.Before(key.ExpiresAt)
	if expired || key.Person != 0 && key.PersonState != muster.Active {
		return muster.Caller{}, unknownKey()
	}
	a.touch(ctx, key, now)
	caller := muster.Caller{Tenant: key.Tenant, Name: "key:" + key.Name, Key: key.Seq, Person: key.Person, Grants: key.Scope.Grants()}
	if key.Person != 0 {
		caller.Name = "person:" + key.Username
	}
	return caller, nil
}

func unknownKey() error {
	return muster.Errorf(muster.Unauthenticated, "", "This API key is not valid. Check that it is whole, or ask for a new one.")
}

const (
	touchStep    = time.Minute // how exact the time of last use is
	touchTimeout = 30 * time.Second
	touchedMost  = 10_000
)

// touch records that a key was used, at most once a minute and beside the request, which neither waits for it nor fails with it.
func (a *Access) touch(ctx context.Context, key store.KeyRow, now time.Time) {
	if !key.LastUsedAt.IsZero() && now.Sub(key.LastUsedAt) < touchStep {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if last, known := a.touched[key.Seq]; a.closed || known && now.Sub(last) < touchStep {
		return
	}
	select {
	case a.writers <- struct{}{}:
	default: // the next use of this key tries again
		return
	}
	if len(a.touched) >= touchedMost {
		clear(a.touched)
	}
	a.touched[key.Seq] = now
	a.done.Go(func() {
		defer func() { <-a.writers }()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), touchTimeout)
		defer cancel()
		_ = a.st.Update(ctx, key.Tenant, func(tx *store.Tx) error { return tx.TouchKey(key.Seq, touchStep) })
	})
}
