package access

import (
	"context"
	"errors"
	"unicode/utf8"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/secret"
)

// PasswordMin is the least number of characters of a new password, unless DemandPasswords says otherwise.
const PasswordMin = 8

// DemandPasswords sets the least number of characters of a new password. It is called before anything is served.
func (a *Access) DemandPasswords(least int) { a.passwordMin = least }

// CheckNewPassword says what is wrong with a password that somebody is to have. It is the one rule for all surfaces; the field is theirs to name.
func (a *Access) CheckNewPassword(password string) *muster.Error {
	switch {
	case password == "":
		return muster.Errorf(muster.Required, "password", "The password is empty.")
	case !utf8.ValidString(password):
		return muster.Errorf(muster.Invalid, "password", "The password is not valid UTF-8.")
	case len(password) > secret.MaxPassword:
		return muster.Errorf(muster.Policy, "password", "A password has at most %d bytes.", secret.MaxPassword)
	case utf8.RuneCountInString(password) < a.passwordMin:
		return muster.Errorf(muster.Policy, "password", "A password has at least %d characters.", a.passwordMin)
	}
	return nil
}

// HashFor gives what is stored of a new password, once it has passed CheckNewPassword.
func (a *Access) HashFor(ctx context.Context, password string) (hash string, err error) {
	if fault := a.CheckNewPassword(password); fault != nil {
		return "", fault
	}
	hash, err = secret.HashPassword(ctx, password)
	if errors.Is(err, context.DeadlineExceeded) {
		return "", muster.Errorf(muster.Unavailable, "", "Too many passwords are being worked on. Try again in a moment.").Because(err)
	}
	return hash, err
}
