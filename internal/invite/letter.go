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

	"github.com/google/uuid"

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
	account int64
	person  int64
	object  uuid.UUID // of the account
	life    time.Duration
}

// words are what the templates of the activation mail may say. Nothing in them changes between two attempts but what people changed.
type words struct {
	Name, Username, Tenant, Link string
	Days                         int
}

// letter writes a mail from what is known now. wanted is false when nobody is to have it any longer: the account or its person is gone (then l has the
// account), it was activated meanwhile, or somebody else mails.
func (i *Invite) letter(ctx context.Context, m store.MailRow) (l letter, wanted bool, err error) {
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
	l = letter{account: ticket.Subject, person: account.Person, object: account.ID, life: time.Duration(days) * 24 * time.Hour}
	username := account.Username
	if username == "" {
		username = person.Username
	}
	w := words{
		Name: short(person.Shown()), Username: short(username), Tenant: short(tenant.Name), Days: days,
		Link: strings.TrimSuffix(i.publicURL(), "/") + "/ticket/" + i.token(ticket),
	}
	l.message, err = write(i.localeOf(person), w)
	l.message.ID, l.message.Address, l.message.Date = m.MessageID, person.Email, i.store.Now()
	if !strings.Contains(l.message.ID, "@") {
		l.message.ID = i.messageID(l.message.ID)
	}
	return l, true, err
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

// write says the words in a language.
func write(locale string, w words) (mail.Message, error) {
	var text, html bytes.Buffer
	if err := asText.ExecuteTemplate(&text, "activation."+locale+".txt", w); err != nil {
		return mail.Message{}, fmt.Errorf("invite: write mail: %w", err)
	}
	if err := asHTML.ExecuteTemplate(&html, "activation."+locale+".html", w); err != nil {
		return mail.Message{}, fmt.Errorf("invite: write mail: %w", err)
	}
	subject, body, _ := strings.Cut(text.String(), "\n")
	return mail.Message{Name: w.Name, Subject: subject, Text: strings.TrimLeft(body, "\n"), HTML: html.String()}, nil
}

// short makes a name that people chose fit to stand within a line.
func short(name string) string {
	name = strings.Join(strings.FieldsFunc(name, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
	if list := []rune(name); len(list) > 80 {
		return string(list[:79]) + "…"
	}
	return name
}

// note records in the audit what was done for an account.
func note(tx *store.Tx, action string, l letter) error {
	return tx.Audit([]muster.AuditEntry{{Actor: "muster", Surface: "mail", Action: action, Object: "account " + l.object.String(), Person: l.person}})
}
