package mail

import (
	"errors"
	"net"
	"net/textproto"
	"strings"

	gomail "github.com/wneessen/go-mail"

	"github.com/musterid/muster"
)

// Verdict says what a failure means for the mail.
type Verdict string

const (
	Permanent Verdict = "permanent" // this mail will never be taken: there is no such address, or it is refused as it is
	Again     Verdict = "again"     // this mail may be taken later: a full mailbox, greylisting
	Down      Verdict = "down"      // the server cannot be used by us now, whatever the mail: it is away, busy, or refuses our login or sender
)

// Failure is why a mail was not taken.
type Failure struct {
	Verdict Verdict
	Code    int           // what the server answered, such as 550; 0 when it did not
	Reason  *muster.Error // for whoever looks after accounts; it may have the server's own words
	// Unsure says that the whole mail was sent and the answer never came: the server may have taken it.
	Unsure bool
	cause  error
}

func (f *Failure) Error() string { return "mail: " + f.Reason.Message }

// Unwrap gives the error of the library or the network.
func (f *Failure) Unwrap() error { return f.cause }

// down is a failure of the server as a whole.
func down(err error) *Failure {
	f := &Failure{Verdict: Down, cause: err, Reason: muster.Errorf(muster.Unavailable, "", "The mail server cannot be used: %s.", flat(err.Error()))}
	var answer *textproto.Error
	var wrong net.Error
	switch {
	case errors.As(err, &answer):
		f.Code = answer.Code
		if answer.Code/100 == 5 && strings.Contains(err.Error(), "AUTH") {
			f.Reason = muster.Errorf(muster.Unavailable, "", "The mail server refuses our login: %s.", flat(answer.Error()))
		}
	case errors.As(err, &wrong) && wrong.Timeout():
		f.Reason = muster.Errorf(muster.Unavailable, "", "The mail server does not answer in time.")
	}
	return f
}

// verdict reads what the library says of a mail that was not taken.
func verdict(err error) *Failure {
	var sent *gomail.SendError
	if !errors.As(err, &sent) {
		return down(err)
	}
	f := &Failure{
		Verdict: Down, Code: sent.ErrorCode(), cause: err, Reason: muster.Errorf(muster.Unavailable, "", "The mail server cannot be used: %s.", said(sent)),
	}
	switch sent.Reason {
	case gomail.ErrSMTPMailFrom:
		// Not about this mail, but about who we say we are; the next mail would meet the same.
		f.Reason = muster.Errorf(muster.Unavailable, "", "The mail server does not take mail from our sender: %s.", said(sent))
		return f
	case gomail.ErrGetSender, gomail.ErrGetRcpts, gomail.ErrNoUnencoded:
		f.refuse(sent)
		return f
	}
	switch {
	case f.Code == 421 || f.Code == 0: // 421: it closes the connection for reasons of its own
		f.Unsure = f.Code == 0 && sent.Reason == gomail.ErrSMTPDataClose
	case f.Code/100 == 4:
		f.Verdict, f.Reason = Again, muster.Errorf(muster.Unavailable, "email", "The mail server does not take this mail yet: %s.", said(sent))
	case f.Code/100 == 5:
		f.refuse(sent)
	}
	return f
}

// refuse makes f final.
func (f *Failure) refuse(sent *gomail.SendError) {
	f.Verdict, f.Reason = Permanent, muster.Errorf(muster.Invalid, "email", "The mail server does not take this mail: %s.", said(sent))
}

// said is the server's answer, without what the library puts around it.
func said(e *gomail.SendError) string {
	text := strings.TrimPrefix(e.Error(), e.Reason.String()+":")
	text, _, _ = strings.Cut(text, ", affected recipient(s): ")
	text, _, _ = strings.Cut(text, ", affected message ID: ")
	return flat(text)
}

// flat is a text of a server on one line, without a full stop at its end, not longer than a sentence bears.
func flat(text string) string { return strings.TrimRight(oneLine(text, 300), ". ") }
