package invite

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/google/uuid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/intake"
	"github.com/musterid/muster/internal/lang"
	"github.com/musterid/muster/internal/mail"
	"github.com/musterid/muster/internal/store"
)

// A report tells whoever sent an import what became of it: how many rows did what, the first that failed and why, and where the rest is read. It
// holds no value of a row but what a reason says of it.

const (
	toldFailures = 10  // rows of which a report says why they failed
	toldReasons  = 3   // of one row
	toldText     = 300 // characters of what is wrong with one row
)

// report makes a mail of the end of an import. There is one for each, whoever asks and however often. Without a mail server or an address there is
// none: nobody waits for it.
func (i *Invite) report(ctx context.Context, args intake.ReportArgs) error {
	if i.server == nil {
		return nil
	}
	return i.store.Update(ctx, args.Tenant, func(tx *store.Tx) error {
		b, err := tx.BatchBySeq(args.Batch)
		if muster.CodeOf(err) == muster.NotFound {
			return nil
		}
		if err != nil {
			return err
		}
		if _, known, err := i.readerOf(tx, &b); err != nil || !known {
			return err
		}
		err = tx.CreateMail(&store.MailRow{Batch: b.Seq, MessageID: i.messageID(uuid.NewString())})
		if errors.Is(err, store.ErrClash) {
			return nil
		}
		if err != nil {
			return err
		}
		return i.wake(tx)
	})
}

// reader is who is told of an import.
type reader struct {
	person        int64 // 0 is nobody of the directory
	name, address string
	locale        string
}

// readerOf finds who is told: the person whose credential the import came with, while they are active and can be written to, else whom the tenant
// names. known is false when that is nobody.
func (i *Invite) readerOf(tx *store.Tx, b *store.BatchRow) (r reader, known bool, err error) {
	o, err := intake.OptionsOf(*b)
	if err != nil {
		return r, false, err
	}
	people, err := tx.People([]int64{o.Submitter})
	if err != nil {
		return r, false, err
	}
	if p, ok := people[o.Submitter]; ok && p.State == muster.Active && mail.CheckAddress(p.Email) == nil {
		return reader{person: p.Seq, name: short(p.Shown()), address: p.Email, locale: i.localeOf(p.Person)}, true, nil
	}
	tenant, err := tx.Own()
	to := tenant.Settings.ReportTo
	return reader{address: to, locale: i.locale}, to != "" && mail.CheckAddress(to) == nil, err
}

// reportWords are what the templates of the report may say.
type reportWords struct {
	Name, Tenant  string // Name may be empty
	Job           string // as the surface calls it that it came over
	State, Reason string // Reason is why it ended before its end
	Began, Ended  string
	Total         int
	Counts        muster.Counts
	Failures      []failure
	More          int // failed rows of which Failures does not tell
	FromZero      bool
	Results       string // where they are read
	Batch         string // as the command line knows it
	Quiet         string // what to send so that no mail comes
}

// failure is a row that failed.
type failure struct {
	Row  int
	Text string
}

// reportLetter writes the mail of an import's end. wanted is false when nobody is to have it any longer.
func (i *Invite) reportLetter(ctx context.Context, m store.MailRow) (l letter, wanted bool, err error) {
	var (
		b      store.BatchRow
		r      reader
		tenant muster.Tenant
		items  []muster.Item
	)
	err = i.store.View(ctx, m.Tenant, func(tx *store.Tx) (err error) {
		if b, err = tx.BatchBySeq(m.Batch); err != nil {
			return err
		}
		if tenant, err = tx.Own(); err != nil {
			return err
		}
		if r, wanted, err = i.readerOf(tx, &b); err != nil {
			return err
		}
		items, err = tx.Items(b.Seq, muster.FailedItem, 0, toldFailures)
		return err
	})
	if err != nil || !wanted {
		return l, false, err
	}
	o, err := intake.OptionsOf(b)
	if err != nil {
		return l, false, err
	}
	w := i.reportWords(&b, lang.Of(r.locale), items, o.Rules.FromZero)
	w.Name, w.Tenant = r.name, short(tenant.Name)
	l = letter{person: r.person, object: "batch " + b.ID.String(), batch: b.Seq}
	l.message, err = write("report", r.locale, r.name, w)
	i.address(&l, m, r.address)
	return l, true, err
}

func (i *Invite) reportWords(b *store.BatchRow, t lang.T, items []muster.Item, fromZero bool) reportWords {
	w := reportWords{
		State: string(b.State), Began: clock(b.CreatedAt), Ended: clock(b.FinishedAt), Total: b.Total, Counts: b.Counts, FromZero: fromZero, Batch: b.ID.String(),
		More: b.Counts.Failed - len(items),
	}
	if b.Message != "" {
		w.Reason = line(t.Text(b.Message))
	}
	place := Place{Name: b.ID.String(), Path: "/v1/batches/" + b.ID.String() + "/items?state=failed"}
	if i.place != nil {
		if p, elsewhere := i.place(b.Batch); elsewhere {
			place = p
		}
	}
	w.Job, w.Quiet, w.Results = place.Name, place.Quiet, strings.TrimSuffix(i.publicURL(), "/")+place.Path
	for n := range items {
		w.Failures = append(w.Failures, failureOf(&items[n], t, fromZero))
	}
	return w
}

func failureOf(item *muster.Item, t lang.T, fromZero bool) failure {
	f := failure{Row: item.Row}
	if fromZero || f.Row == 0 {
		f.Row = item.Index
	}
	var parts []string
	for _, reason := range item.Reasons[:min(len(item.Reasons), toldReasons)] {
		text := t.Error(reason)
		if reason.Field != "" {
			text = reason.Field + ": " + text
		}
		parts = append(parts, text)
	}
	if more := len(item.Reasons) - toldReasons; more > 0 {
		parts = append(parts, fmt.Sprintf("(+%d)", more))
	}
	f.Text = line(strings.Join(parts, " "))
	return f
}

// clock is a time as reports say it.
func clock(at time.Time) string { return at.UTC().Format("2006-01-02 15:04 UTC") }

// line makes a text of several parts fit to stand in one line.
func line(text string) string {
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
	if list := []rune(text); len(list) > toldText {
		return string(list[:toldText-1]) + "…"
	}
	return text
}
