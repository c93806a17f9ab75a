package access

import (
	"context"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/secret"
)

const (
	// PasswordMin is the least number of characters of a new password, unless DemandPasswords says otherwise.
	PasswordMin = 8
	// PasswordMax is how many characters it may have; more is no password, but work for whoever hashes it.
	PasswordMax = 256
)

// PasswordRule is what a password is held to that somebody is to have from now on. It is the one rule for all surfaces. A target may demand more.
type PasswordRule struct {
	Least int // number of characters
}

// Check says what is wrong with a password, about the field "password"; nil is nothing.
func (r PasswordRule) Check(password string) *muster.Error {
	n := utf8.RuneCountInString(password)
	switch {
	case password == "":
		return muster.Errorf(muster.Required, "password", "A password is needed.")
	case !utf8.ValidString(password) || strings.ContainsFunc(password, unicode.IsControl):
		return muster.Errorf(muster.Invalid, "password", "The password has characters that cannot be typed everywhere. Choose another one.")
	case n < r.Least:
		return muster.Errorf(muster.Policy, "password", "The password needs at least %d characters.", r.Least)
	case n > PasswordMax:
		return muster.Errorf(muster.TooLong, "password", "The password may have at most %d characters.", PasswordMax)
	}
	return nil
}

// DemandPasswords sets the least number of characters of a new password. It is called before anything is served.
func (a *Access) DemandPasswords(least int) { a.rule = PasswordRule{least} }

// CheckNewPassword says what is wrong with a password that somebody is to have, by the rule of this installation.
func (a *Access) CheckNewPassword(password string) *muster.Error { return a.rule.Check(password) }

// HashFor gives what is stored of a new password, once it has passed CheckNewPassword.
func (a *Access) HashFor(ctx context.Context, password string) (hash string, err error) {
	if fault := a.CheckNewPassword(password); fault != nil {
		return "", fault
	}
	hash, err = secret.HashPassword(ctx, password)
	return hash, slowly(err)
}
