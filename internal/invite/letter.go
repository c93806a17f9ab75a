package invite

import (
	"bytes"
	"context"
	"embed"
	"fmt"
	htmltemplate "html/template"
	"strings"
	texttemplate "text/template"
	"time"
	"unicode"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/lang"
	"github.com/musterid/muster/internal/mail"
	"github.com/musterid/muster/internal/store"
)

//go:embed texts
var texts embed.FS

// The templates: a text whose first line is the subject, and the same as HTML, for each language.
var (
	asText = texttemplate.Must(texttemplate.ParseFS(texts, "texts/*.txt"))
	asHTML = htmltemplate.Must(htmltemplate.ParseFS(texts, "texts/*.html"))
)

// letter is a mail, ready to be sent, with what its outcome is noted on.
type letter struct {
	message mail.Message
	account int64 // 0 for a report
	person  int64 // who gets it; 0 is nobody of the directory
	object  string
	batch   int64         // of a report
	life    time.Duration // of the link
}

// words are what the templates of the activation mail may say. Nothing in them changes between two attempts but what people changed.
type words struct {
	Name, Username, Tenant, Link string
	Days                         int
}

// letter writes a mail from what is known now. wanted is false when nobody is to have it any longer.
func (i *Invite) letter(ctx context.Context, m store.MailRow) (l letter, wanted bool, err error) {
	if m.Batch != 0 {
		return i.reportLetter(ctx, m)
	}
	return i.activationLetter(ctx, m)
}

// activationLetter writes the mail by which somebody makes an account theirs. Nobody is to have it any longer when the account or its person is gone
// (then l has the account), it was activated meanwhile, or somebody else mails.
func (i *Invite) activationLetter(ctx context.Context, m store.MailRow) (l letter, wanted bool, err error) {
	var ticket store.TicketRow
	var tenant muster.Tenant
	err = i.store.View(ctx, m.Tenant, func(tx *store.Tx) (err error) {
		if ticket, err = tx.Ticket(m.Ticket); err == nil {
			tenant, err = tx.Own()
		}
		return err
	})
	if err != nil {
		return l, false, err
	}
	account, person, err := i.provision.AccountToActivate(ctx, m.Tenant, ticket.Subject)
	if code := muster.CodeOf(err); code == muster.Gone || code == muster.NotFound {
		return letter{account: ticket.Subject}, false, nil
	}
	if err != nil {
		return l, false, err
	}
	if account.Activation.State != muster.ActivationOwed || account.Activation.By != muster.MailByMuster || ticket.Rotation != m.Rotation {
		return l, false, nil
	}
	days, err := i.days(ctx, m.Tenant, account.Target)
	if err != nil {
		return l, false, err
	}
	l = letter{account: ticket.Subject, person: account.Person, object: "account " + account.ID.String(), life: time.Duration(days) * 24 * time.Hour}
	username := account.Username
	if username == "" {
		username = person.Username
	}
	w := words{
		Name: short(person.Shown()), Username: short(username), Tenant: short(tenant.Name), Days: days,
		Link: strings.TrimSuffix(i.publicURL(), "/") + "/ticket/" + i.token(ticket),
	}
	l.message, err = write("activation", i.localeOf(person), w.Name, w)
	i.address(&l, m, person.Email)
	return l, true, err
}

// address puts on a letter where it goes, and what every attempt has in common.
func (i *Invite) address(l *letter, m store.MailRow, to string) {
	l.message.ID, l.message.Address, l.message.Date = m.MessageID, to, i.store.Now()
	if !strings.Contains(l.message.ID, "@") {
		l.message.ID = i.messageID(l.message.ID)
	}
}

// days is how long a link works that is mailed for accounts on a target.
func (i *Invite) days(ctx context.Context, tenant, target int64) (days int, err error) {
	err = i.store.View(ctx, tenant, func(tx *store.Tx) error {
		row, err := tx.TargetBySeq(target)
		days = row.Policy.ActivationDays
		return err
	})
	if days == 0 {
		days = muster.DefaultTargetPolicy().ActivationDays
	}
	if days == 0 {
		days = 7
	}
	return days, err
}

// localeOf is the language in which a person is written to: theirs when it is one of ours, else the one that is set.
func (i *Invite) localeOf(p muster.Person) string {
	if tag := spoken(p.Locale); tag != "" {
		return tag
	}
	return i.locale
}

// spoken is the language of a locale such as fr-CH, and "" when it is none of ours.
func spoken(locale string) string {
	primary := strings.ToLower(strings.TrimSpace(locale))
	if end := strings.IndexAny(primary, "-_."); end >= 0 {
		primary = primary[:end]
	}
	if tag := lang.Of(primary).Tag(); tag == primary {
		return tag
	}
	return ""
}

// write says words in a language, with the templates of a kind of letter.
func write(kind, locale, name string, words any) (mail.Message, error) {
	var text, html bytes.Buffer
	if err := asText.ExecuteTemplate(&text, kind+"."+locale+".txt", words); err != nil {
		return mail.Message{}, fmt.Errorf("invite: write mail: %w", err)
	}
	if err := asHTML.ExecuteTemplate(&html, kind+"."+locale+".html", words); err != nil {
		return mail.Message{}, fmt.Errorf("invite: write mail: %w", err)
	}
	subject, body, _ := strings.Cut(text.String(), "\n")
	return mail.Message{Name: name, Subject: subject, Text: strings.TrimLeft(body, "\n"), HTML: html.String()}, nil
}

// short makes a name that people chose fit to stand within a line.
func short(name string) string {
	name = strings.Join(strings.FieldsFunc(name, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
	if list := []rune(name); len(list) > 80 {
		return string(list[:79]) + "…"
	}
	return name
}

// note records in the audit what was done with a letter.
func note(tx *store.Tx, action string, l letter) error {
	return tx.Audit([]muster.AuditEntry{{Actor: "muster", Surface: "mail", Action: action, Object: l.object, Person: l.person, Batch: l.batch}})
}
