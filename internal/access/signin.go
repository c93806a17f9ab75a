package access

import (
	"context"

	"github.com/musterid/muster"
)

// SignIn turns a login, which is a username or an e-mail address, and a password into a caller. tenantHint is the code of the tenant; it may be empty
// where there is only one. Whatever is wrong is muster.Unauthenticated in the same words, and takes the same time.
//
// The caller's Surface and RequestID are the surface's to fill in.
func (a *Access) SignIn(_ context.Context, _, _, _ string) (muster.Caller, error) {
	return muster.Caller{}, errSignIn()
}

func errSignIn() error {
	return muster.Errorf(muster.Unauthenticated, "", "This login and password are not valid. Check both, or ask for a new password.")
}
