package invite_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/batch"
	"github.com/musterid/muster/internal/intake"
	"github.com/musterid/muster/internal/invite"
	"github.com/musterid/muster/internal/invite/invitetest"
	"github.com/musterid/muster/internal/mail/mailtest"
	"github.com/musterid/muster/internal/roster"
	"github.com/musterid/muster/internal/sheet"
	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

// sent sends an import of objects over the surface "desk", and has it carried out.
func sent(o *invitetest.Office, options intake.Options, then batch.Then, rows ...string) store.BatchRow {
	o.T.Helper()
	options.Matching, options.Format = muster.Upsert, sheet.Format{Kind: sheet.NDJSON}
	packed, err := json.Marshal(options)
	if err != nil {
		o.T.Fatal(err)
	}
	r, err := o.Engine.Receive(o.T.Context(), o.Caller, batch.Submission{Surface: "desk", Name: "rows", Options: packed})
	if err != nil {
		o.T.Fatal(err)
	}
	for n, row := range rows {
		if err := r.Add(o.T.Context(), batch.Row{Number: n + 1, JSON: json.RawMessage(row)}); err != nil {
			o.T.Fatal(err)
		}
	}
	b, err := r.Finish(o.T.Context(), then, nil)
	if err != nil {
		o.T.Fatal(err)
	}
	return b
}

// ended waits for the end of an import.
func ended(o *invitetest.Office, b store.BatchRow) store.BatchRow {
	o.T.Helper()
	o.Until("the end", func() (over bool) {
		err := o.Store.View(o.T.Context(), o.Caller.Tenant, func(tx *store.Tx) (err error) {
			b, err = tx.BatchBySeq(b.Seq)
			return err
		})
		if err != nil {
			o.T.Error(err)
		}
		return err != nil || b.State.Final()
	})
	return b
}

// mails waits until so many mails have come in and are recorded as sent.
func mails(o *invitetest.Office, n int) []mailtest.Message {
	o.T.Helper()
	o.Until(fmt.Sprint(n, " mails"), func() bool { return counted(o, "SELECT count(*) FROM mail WHERE state = 'sent'") == n })
	return o.Sink.Messages()
}

// quietly has nobody get an account, and so no mail of one.
func quietly(o *invitetest.Office) {
	o.T.Helper()
	if err := o.Provision.DeleteTarget(o.T.Context(), o.Caller, o.Target.ID); err != nil {
		o.T.Fatal(err)
	}
}

func reportTo(o *invitetest.Office, address string) {
	o.T.Helper()
	err := o.Store.Update(o.T.Context(), o.Caller.Tenant, func(tx *store.Tx) error {
		tenant, err := tx.Own()
		if err != nil {
			return err
		}
		tenant.Settings.ReportTo = address
		return tx.SaveTenant(tenant)
	})
	if err != nil {
		o.T.Fatal(err)
	}
}

func row(n int) string {
	return fmt.Sprintf(`{"first_name":"Ana","last_name":"Souza","email":"ana%d@example.org"}`, n)
}

func TestWhoeverSentAnImportIsToldOfItsEnd(t *testing.T) {
	invitetest.Each(t, func(o *invitetest.Office) {
		quietly(o)
		admin := o.Enrol(muster.Draft{"first_name": "Ada", "last_name": "Min", "email": "ada@example.org", "locale": "en"})[0]
		reportTo(o, "office@example.org")
		rows := []string{row(1), row(2), `{"first_name":"<b>Eve</b>","email":"no address"}`}
		for range 12 {
			rows = append(rows, `{"first_name":"Two","username":"same one"}`)
		}
		b := ended(o, sent(o, intake.Options{Report: true, Submitter: admin.Seq}, batch.CarryIt, rows...))
		m := mails(o, 1)[0]
		if m.To[0] != "ada@example.org" || m.Subject != "Import finished: 2 done, 13 failed – School" || !m.Encrypted {
			t.Errorf("to %v, encrypted %v: %q", m.To, m.Encrypted, m.Subject)
		}
		link := fmt.Sprintf("%s/desk/%d", invitetest.PublicURL, b.Seq)
		for _, text := range []string{
			"Hello Ada Min,", fmt.Sprintf("D%d", b.Seq), "School", "2", "13", "email: ", "no address", "… and 3 more.", link, b.ID.String(), "quiet=true",
		} {
			if !strings.Contains(m.Text, text) || !strings.Contains(m.HTML, text) {
				t.Errorf("the mail does not say %q:\n%s\n%s", text, m.Text, m.HTML)
			}
		}
		if n := strings.Count(m.Text, "\n4  ") + strings.Count(m.Text, "\n12  ") + strings.Count(m.Text, "\n13  "); n != 2 {
			t.Errorf("rows are not numbered as in the file, or too many are told of:\n%s", m.Text)
		}
		if strings.Contains(m.HTML, "<b>") {
			t.Errorf("a row's own HTML is in the mail: %s", m.HTML)
		}
		if n := counted(o, fmt.Sprintf("SELECT count(*) FROM audit WHERE action = 'mail.send' AND object = 'batch %s'", b.ID)); n != 1 {
			t.Errorf("%d notes in the audit", n)
		}
	})
}

func TestReportsGoToWhomTheTenantNames(t *testing.T) {
	invitetest.Each(t, func(o *invitetest.Office) {
		quietly(o)
		reportTo(o, "office@example.org")
		gone := o.Enrol(muster.Draft{"first_name": "Left", "email": "left@example.org", "locale": "en"}, muster.Draft{"username": "without.address"})
		if results, err := o.Roster.Retire(t.Context(), o.Caller, "left", []roster.Wish{{Person: gone[0].ID}}); err != nil || results[0].Err != nil {
			t.Fatal(err, results)
		}
		for n, submitter := range []int64{0, gone[0].Seq, gone[1].Seq, 1 << 40} {
			ended(o, sent(o, intake.Options{Report: true, Submitter: submitter}, batch.CarryIt, row(n)))
			m := mails(o, n+1)[n]
			if m.To[0] != "office@example.org" || m.Subject != "Import terminé : 1 réussies, 0 en échec – School" || !strings.Contains(m.Text, "Bonjour,\n") {
				t.Errorf("%v: %q\n%s", m.To, m.Subject, m.Text)
			}
		}
	})
}

func TestNobodyIsToldWhoIsNotToBe(t *testing.T) {
	invitetest.Each(t, func(o *invitetest.Office) {
		quietly(o)
		ended(o, sent(o, intake.Options{Report: true}, batch.CarryIt, row(1))) // there is no address
		o.Until("its job is done", func() bool {
			return counted(o, "SELECT count(*) FROM river_job WHERE kind = 'report' AND state = 'completed'") == 1
		})
		reportTo(o, "office@example.org")
		ended(o, sent(o, intake.Options{}, batch.CarryIt, row(2))) // nobody asked
		failed := ended(o, sent(o, intake.Options{Report: true}, batch.CarryIt, `{"email":"nothing"}`))
		mails(o, 1)
		retry, err := o.Engine.Retry(t.Context(), o.Caller, failed.ID, batch.CarryIt)
		if err != nil {
			t.Fatal(err)
		}
		ended(o, retry)
		planned := sent(o, intake.Options{Report: true}, batch.PlanIt, row(3))
		o.Until("planned", func() bool {
			return counted(o, fmt.Sprintf("SELECT count(*) FROM batch WHERE seq = %d AND state = 'planned'", planned.Seq)) == 1
		})
		if n := counted(o, "SELECT count(*) FROM mail"); n != 1 {
			t.Errorf("%d mails", n)
		}
		if _, err := o.Engine.Cancel(t.Context(), o.Caller, planned.ID); err != nil {
			t.Fatal(err)
		}
		m := mails(o, 2)[1]
		if !strings.HasPrefix(m.Subject, "Import annulé : 0 ") || !strings.Contains(m.Text, "Le lot a été annulé") || !strings.Contains(m.Text, "Non traitées : 1") {
			t.Errorf("%q\n%s", m.Subject, m.Text)
		}
	})
}

// The process dies between the mail server's yes and our record of it: the report goes out again, the same one, and no third time.
func TestAReportIsRepeatedOnlyAfterADeath(t *testing.T) {
	invitetest.Each(t, func(o *invitetest.Office) {
		quietly(o)
		reportTo(o, "office@example.org")
		o.Stop()
		died := make(chan struct{})
		var once sync.Once
		o.Run(func(i *invite.Invite) {
			i.AfterAnswer(func() {
				once.Do(func() { close(died) })
				panic("killed")
			})
		})
		b := sent(o, intake.Options{Report: true}, batch.CarryIt, row(1))
		storetest.Await(t, died, "the death of the process")
		o.Stop()
		o.Clock.Advance(3 * time.Minute)
		o.Run(nil)
		all := mails(o, 1)
		if len(all) != 2 || all[0].ID() == "" || all[0].ID() != all[1].ID() || all[0].Text != all[1].Text {
			t.Fatalf("%d mails: %+v", len(all), all)
		}
		// The job that makes the mail comes again, as one does whose process died.
		for range 2 {
			if err := o.Invite.Report(t.Context(), intake.ReportArgs{Tenant: o.Caller.Tenant, Batch: b.Seq}); err != nil {
				t.Fatal(err)
			}
		}
		if n := counted(o, "SELECT count(*) FROM mail"); n != 1 {
			t.Errorf("%d mails are recorded", n)
		}
		if n := counted(o, "SELECT count(*) FROM audit WHERE action = 'mail.repeat'"); n != 1 {
			t.Errorf("%d repeats are in the audit", n)
		}
	})
}

// A report that the mail server refuses ends as that: the import is what it is, and other mail goes on.
func TestARefusedReportStopsNothing(t *testing.T) {
	invitetest.Each(t, func(o *invitetest.Office) {
		reportTo(o, "office@example.org")
		o.Sink.Refuse(func(stage mailtest.Stage, address string) error {
			if stage == mailtest.AtRecipient && address == "office@example.org" {
				return mailtest.Reply(550, "no such user here")
			}
			return nil
		})
		if b := ended(o, sent(o, intake.Options{Report: true}, batch.CarryIt, row(1))); b.Counts.Done != 1 {
			t.Errorf("the import is %+v", b.Counts)
		}
		o.Until("refused", func() bool {
			return counted(o, "SELECT count(*) FROM mail WHERE state = 'failed' AND batch IS NOT NULL") == 1
		})
		o.Until("the other mail", func() bool {
			return counted(o, "SELECT count(*) FROM mail WHERE state = 'sent' AND ticket IS NOT NULL") == 1
		})
		if !strings.Contains(o.Log(), "the report of an import could not be mailed") {
			t.Error("the log does not tell")
		}
	})
}
