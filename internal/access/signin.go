package access

import (
	"context"
	"crypto/subtle"
	"errors"
	"runtime"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/secret"
	"github.com/musterid/muster/internal/store"
)

const (
	maxLogin = 512 // bytes

	// answerStep is the grid on which refusals are given, so that their time says nothing of what was looked up and written.
	answerStep = 400 * time.Millisecond
	// trySlots is how many wait for a hash at a time, for each core: those who come when all are taken are told to come again.
	trySlots = 8
	// lookAgain is how often somebody is looked up who changes all the while.
	lookAgain = 4
	// tryWithin is how long a password may take to be checked.
	tryWithin = 20 * time.Second
)

// SignIn turns a login, which is a username or an e-mail address, and a password into a caller, who may do what the person's roles give. tenantHint is
// the code of the tenant; it may be empty where there is only one. Whatever is wrong is muster.Unauthenticated in the same words, and takes the same
// time. When more passwords come than can be checked it is muster.Unavailable.
//
// A password that was right a short time ago is known again without a hash: see proofs. What is there of the person is read each time, so that a new
// password, a suspension or a deletion takes effect at once, in every process. Wrong passwords are slowed down person by person: see tries.go.
//
// The caller's Surface and RequestID are the surface's to fill in.
func (a *Access) SignIn(ctx context.Context, tenantHint, login, password string) (muster.Caller, error) {
	began := time.Now()
	for range lookAgain {
		s, err := a.signInOf(ctx, tenantHint, login)
		if err != nil {
			return muster.Caller{}, err
		}
		if s.may() && len(password) <= secret.MaxPassword && a.proofs.has(s.proof(a.proofs, password), a.st.Now()) {
			return muster.Caller{Tenant: s.tenant, Name: "person:" + s.Username, Person: s.Person, Grants: grantsOf(s.catalogue, s.roles)}, nil
		}
		right, err := a.verify(ctx, s, password)
		if err != nil && !errors.Is(err, errChanged) {
			return muster.Caller{}, err
		}
		if err == nil && !right {
			break
		}
		// It was right for what there was before the hash, which takes its time: what is there now counts.
	}
	return muster.Caller{}, a.refuseAt(ctx, began)
}

// errChanged says that a password came in place of the one that was to be checked, which may be the same one, hashed meanwhile.
var errChanged = errors.New("access: another password meanwhile")

// refuseAt gives the one refusal there is, when its time has come.
func (a *Access) refuseAt(ctx context.Context, began time.Time) error {
	step := a.answerStep
	took := time.Since(began)
	wait := time.NewTimer(took.Truncate(step) + step - took)
	defer wait.Stop()
	select {
	case <-wait.C:
	case <-ctx.Done():
		return ctx.Err()
	}
	return muster.Errorf(muster.Unauthenticated, "", "This login and password do not belong together. Check both, wait a moment before trying again, or ask for a new password.")
}

// signing is somebody who wants to come in. The zero signing is nobody.
type signing struct {
	store.SignInRow
	tenant    int64
	catalogue muster.Catalogue
	roles     []store.RoleHeld
}

// may says whether the person could come in with the right password.
func (s *signing) may() bool {
	return s.Person != 0 && s.State == muster.Active && (s.Hash != "" || s.Waiting != nil)
}

// proof names that somebody has given this password while it is the one that counts.
func (s *signing) proof(p *proofs, password string) proof {
	kept := []byte(s.Hash)
	if s.Waiting != nil {
		kept = s.Waiting.Sealed
	}
	return p.of(s.tenant, s.Person, kept, password)
}

// signInOf looks up who a login is. Nobody is no error.
func (a *Access) signInOf(ctx context.Context, tenantHint, login string) (*signing, error) {
	var s *signing
	err := a.st.View(ctx, store.Everyone, func(tx *store.Tx) error {
		s = &signing{}
		if len(login) > maxLogin || len(tenantHint) > maxLogin || !plain(login) || !plain(tenantHint) {
			return nil
		}
		tenant, err := tenantOf(tx, strings.TrimSpace(tenantHint))
		if err != nil || tenant.Seq == 0 {
			return err
		}
		own := tx.Of(tenant.Seq)
		person, err := personOf(own, muster.FoldKey(login))
		if err != nil || person == 0 {
			return err
		}
		s.tenant, s.catalogue = tenant.Seq, muster.CatalogueOf(tenant.Settings)
		if s.SignInRow, err = own.SignIn(person); err != nil {
			return err
		}
		s.roles, err = own.RolesHeld(person)
		return err
	})
	return s, err
}

func plain(text string) bool { return utf8.ValidString(text) && !strings.ContainsRune(text, 0) }

// tenantOf gives the tenant of a code, or the only one; the zero tenant when that says nothing.
func tenantOf(tx *store.Tx, code string) (muster.Tenant, error) {
	if code == "" {
		return tx.SoleTenant()
	}
	tenant, err := tx.TenantByCode(code)
	if muster.CodeOf(err) == muster.NotFound {
		err = nil
	}
	return tenant, err
}

// personOf gives who has a login: as a username, else as an e-mail address. 0 is nobody.
func personOf(tx *store.Tx, key string) (int64, error) {
	for _, column := range []store.KeyColumn{store.UsernameKey, store.EmailKey} {
		holders, err := tx.Holders(column, []string{key})
		if err != nil || holders[key] != 0 {
			return holders[key], err
		}
	}
	return 0, nil
}

// verify checks a password the long way. Those who send the same one for the same person at the same time share the work, so that a client that opens
// several connections at once does not use up the person's tries.
func (a *Access) verify(ctx context.Context, s *signing, password string) (ok bool, err error) {
	if !s.may() || password == "" || len(password) > secret.MaxPassword {
		return false, a.hashNothing(ctx)
	}
	key := s.proof(a.proofs, password)
	return a.proofs.once(ctx, key, func() (bool, error) {
		// It goes on when the one who began it has left, because others may wait for it.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tryWithin)
		defer cancel()
		ok, err := a.try(ctx, s, password)
		if ok && err == nil {
			a.proofs.add(key, a.st.Now())
		}
		return ok, err
	})
}

// try uses up one of the person's tries, and gives it back when the password is right.
func (a *Access) try(ctx context.Context, s *signing, password string) (ok bool, err error) {
	leave, err := a.enter()
	if err != nil {
		return false, err
	}
	defer leave()
	allowed, err := a.takeTry(ctx, s)
	if err != nil {
		return false, err
	}
	if !allowed {
		return false, slowly(secret.CheckNothing(ctx, password))
	}
	stale := false
	if s.Waiting == nil {
		if ok, stale, err = secret.CheckPassword(ctx, s.Hash, password); err != nil {
			return false, slowly(err)
		}
	} else {
		sealed, err := a.key.Open(store.SealedPurpose(s.Waiting.Batch, s.Waiting.Index), s.Waiting.Sealed)
		ok = err == nil && subtle.ConstantTimeCompare(sealed, []byte(password)) == 1
		if err := secret.CheckNothing(ctx, password); err != nil {
			return false, slowly(err)
		}
	}
	if !ok {
		return false, nil
	}
	if stale {
		a.rehash(ctx, s, password)
	}
	return true, a.giveTriesBack(ctx, s)
}

// hashNothing takes as long as the check of a password does.
func (a *Access) hashNothing(ctx context.Context) error {
	leave, err := a.enter()
	if err != nil {
		return err
	}
	defer leave()
	ctx, cancel := context.WithTimeout(ctx, tryWithin)
	defer cancel()
	return slowly(secret.CheckNothing(ctx, "password"))
}

// enter bounds how many wait for a hash.
func (a *Access) enter() (leave func(), err error) {
	select {
	case a.trying <- struct{}{}:
		return func() { <-a.trying }, nil
	default:
		return nil, errCrowd(nil)
	}
}

// newTrying is the room for those who wait for a hash.
func newTrying() chan struct{} { return make(chan struct{}, trySlots*runtime.GOMAXPROCS(0)) }

// slowly is the error of who waited for a hash in vain.
func slowly(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return errCrowd(err)
	}
	return err
}

func errCrowd(cause error) error {
	return muster.Errorf(muster.Unavailable, "", "Too many passwords are being checked right now. Try again in a moment.").Because(cause)
}

// rehash keeps a hash of today's cost in place of a cheaper one. Nobody waits for it, and when it fails the next sign-in tries again.
func (a *Access) rehash(ctx context.Context, s *signing, password string) {
	a.beside(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), touchTimeout)
		defer cancel()
		hash, err := secret.HashPassword(ctx, password)
		if err == nil {
			_ = a.st.Update(ctx, s.tenant, func(tx *store.Tx) error { return tx.Rehash(s.Person, s.Version, s.Hash, hash) })
		}
	})
}
