package rehearsal

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/connector"
	"github.com/musterid/muster/internal/secret"
)

// standing is what became of an account in its person's hands.
type standing struct {
	progress connector.Progress
	mailed   time.Time // the last mail; zero is none
	password string    // hash
}

// A Mail is one that the rehearsal target sent to the person of an account.
type Mail struct {
	ExternalID string
	To         string // the address that the account had then
	At         time.Time
	Life       time.Duration // of its link
}

// replayPerson carries out an entry that changes no account, and says whether it was one.
func (s *Server) replayPerson(e entry) bool {
	id := e.Account.ExternalID
	now := s.people[id]
	switch e.Op {
	case mailed:
		now.mailed = e.At
		s.mails = append(s.mails, Mail{ExternalID: id, To: s.accounts[id].Attributes.Text("email"), At: e.At, Life: e.Life})
	case progressed:
		now.progress = e.Progress
	case passworded:
		now.password, now.progress = e.Password, connector.Activated
	default:
		return false
	}
	s.people[id] = now
	return true
}

// Mails gives all mails that were sent, in their order.
func (s *Server) Mails() []Mail {
	_ = s.lock() // what was read so far is shown
	defer s.unlock()
	return slices.Clone(s.mails)
}

// SetProgress has the person of an account come so far.
func (s *Server) SetProgress(externalID string, p connector.Progress) {
	_ = s.lock()
	defer s.unlock()
	_ = s.record(entry{Op: progressed, Account: connector.Account{ExternalID: externalID}, Progress: p})
}

// PasswordIs says whether an account can be signed in to with a password.
func (s *Server) PasswordIs(ctx context.Context, externalID, password string) (bool, error) {
	_ = s.lock()
	hash, a := s.people[externalID].password, s.accounts[externalID]
	s.unlock()
	if hash == "" || !a.Enabled {
		return false, nil
	}
	ok, _, err := secret.CheckPassword(ctx, hash, password)
	return ok, err
}

// Invite sends the mail of an account.
func (c conn) Invite(ctx context.Context, externalID string, life time.Duration) error {
	return c.change(ctx, "mail to "+externalID, func() error { return c.s.invite(externalID, life, time.Now()) })
}

// SetPassword sets the password of an account.
func (c conn) SetPassword(ctx context.Context, externalID, password string) error {
	if least := c.s.Faults().LeastCharacters; utf8.RuneCountInString(password) < least {
		return connector.Permanent(muster.Errorf(muster.Policy, "password", "The rehearsal target wants a password of at least %d characters.", least))
	}
	hash, err := secret.HashPassword(ctx, password)
	if err != nil {
		return err
	}
	return c.change(ctx, "password of "+externalID, func() error { return c.s.setPassword(externalID, hash) })
}

// change is a call that changes something other than an account, with the faults that such a call may have.
func (c conn) change(ctx context.Context, name string, work func() error) error {
	if err := c.s.call(ctx); err != nil {
		return err
	}
	before, after := c.s.lots(name)
	if before {
		return errors.New("rehearsal: the connection broke before the work was done")
	}
	err := work()
	if err == nil && after {
		return errors.New("rehearsal: the connection broke before the answer came")
	}
	return err
}

// Activations says how far the people of some accounts have come.
func (c conn) Activations(ctx context.Context, externalIDs []string, each func(string, connector.Progress) error) error {
	if err := c.s.call(ctx); err != nil {
		return err
	}
	for _, id := range externalIDs {
		if err := ctx.Err(); err != nil {
			return err
		}
		progress, there, err := c.s.progress(id, time.Now())
		if err == nil && there {
			err = each(id, progress)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) invite(externalID string, life time.Duration, now time.Time) error {
	err := s.lock()
	defer s.unlock()
	a, ok := s.accounts[externalID]
	switch email := a.Attributes.Text("email"); {
	case err != nil:
		return err
	case !ok:
		return connector.ErrNotFound
	case email == "":
		return connector.Permanent(muster.Errorf(muster.Required, "email", "The account has no e-mail address at the rehearsal target."))
	case slices.ContainsFunc(s.faults.RefuseMail, func(prefix string) bool { return prefix != "" && strings.HasPrefix(email, prefix) }):
		return connector.Permanent(muster.Errorf(muster.Policy, "email", "The rehearsal target refuses to send mail to %s.", email))
	}
	return s.record(entry{Op: mailed, Account: connector.Account{ExternalID: externalID}, At: now, Life: life})
}

func (s *Server) setPassword(externalID, hash string) error {
	err := s.lock()
	defer s.unlock()
	if err != nil {
		return err
	}
	if _, ok := s.accounts[externalID]; !ok {
		return connector.ErrNotFound
	}
	return s.record(entry{Op: passworded, Account: connector.Account{ExternalID: externalID}, Password: hash})
}

func (s *Server) progress(externalID string, now time.Time) (p connector.Progress, there bool, err error) {
	err = s.lock()
	defer s.unlock()
	_, there = s.accounts[externalID]
	person := s.people[externalID]
	after := time.Duration(s.faults.ActivateAfterSecs) * time.Second
	if after > 0 && !person.mailed.IsZero() && now.Sub(person.mailed) >= after {
		return connector.Activated, there, err
	}
	return person.progress, there, err
}
