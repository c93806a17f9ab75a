package muster

import "time"

// Mailer says who sends the mail by which somebody activates an account.
type Mailer string

const (
	MailByNobody Mailer = "none"   // whoever runs the target sees to it
	MailByMuster Mailer = "muster" // we send a ticket, by which the person sets a password here
	MailByTarget Mailer = "target" // the target sends its own link, on our request
)

// ActivationState is how far somebody has come in making an account theirs.
type ActivationState string

const (
	NoActivation      ActivationState = "none"    // nobody is to be mailed: no address, or nobody mails
	ActivationOwed    ActivationState = "owed"    // the mail has yet to be sent
	ActivationSent    ActivationState = "sent"    // the mail has been handed over
	ActivationPending ActivationState = "pending" // the person has begun: opened the mail's link, or did a part of what is required
	ActivationDone    ActivationState = "done"    // the account can be signed in to by its person
	ActivationExpired ActivationState = "expired" // the mail's life time is over and nothing came of it
	ActivationFailed  ActivationState = "failed"  // the mail could not be sent, for good
)

// Activation is where an account stands between being made and being its person's.
type Activation struct {
	State     ActivationState
	By        Mailer
	SentAt    time.Time // of the last mail
	ExpiresAt time.Time // of what the last mail offers
	DoneAt    time.Time
	LastError *Error // why the mail could not be sent
}

// Open says whether something may yet become of a mail that was sent.
func (a Activation) Open() bool { return a.State == ActivationSent || a.State == ActivationPending }
