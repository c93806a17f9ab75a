package store_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

// Mails that waited in an older version wait after the upgrade, with the same Message-ID, and mails of batches stand beside them.
func TestMailsSurviveTheUpgrade(t *testing.T) {
	for _, engine := range storetest.Engines {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			st := openBlank(t, storetest.Blank(t, engine))
			if err := st.MigrateTo(t.Context(), 5); err != nil {
				t.Fatal(err)
			}
			fillMails(t, st)
			if err := st.Migrate(t.Context()); err != nil {
				t.Fatal(err)
			}
			var claimed store.MailRow
			write(t, st, store.Everyone, func(tx *store.Tx) (err error) {
				claimed, _, err = tx.ClaimMail("us", tx.Now().Add(time.Minute))
				return err
			})
			if claimed.Seq != 3 || claimed.Ticket != 1 || claimed.Batch != 0 || claimed.Rotation != 3 || claimed.MessageID != "message-3" || claimed.Attempts != 8 {
				t.Errorf("the waiting mail is %+v", claimed)
			}
			write(t, st, 1, func(tx *store.Tx) error {
				b := store.BatchRow{}
				b.Kind, b.State = muster.ImportBatch, muster.Finished
				if err := tx.CreateBatch(&b); err != nil {
					return err
				}
				m := store.MailRow{Batch: b.Seq, MessageID: "of a batch"}
				if err := tx.CreateMail(&m); err != nil || m.Seq <= 3 {
					t.Errorf("a mail of a batch: %d, %v", m.Seq, err)
				}
				if err := tx.CreateMail(&store.MailRow{Batch: b.Seq}); !errors.Is(err, store.ErrClash) {
					t.Errorf("a second one: %v", err)
				}
				if err := tx.CreateMail(&store.MailRow{Ticket: 1, Rotation: 2}); !errors.Is(err, store.ErrClash) {
					t.Errorf("a second one of a link: %v", err)
				}
				if got, err := tx.LockMail(m.Seq); err != nil || got.Batch != b.Seq || got.Ticket != 0 {
					t.Errorf("read back: %+v, %v", got, err)
				}
				return nil
			})
		})
	}
}

// fillMails writes what a server of version 5 had: a ticket whose first two mails were sent and whose third is put off.
func fillMails(t *testing.T, st *store.Store) {
	t.Helper()
	at := firstTime.UnixMicro()
	write(t, st, store.Everyone, func(tx *store.Tx) error {
		err := tx.Exec("INSERT INTO tenant (seq, id, code, name, settings, created_at) VALUES (1, $1, 'school', 'School', '{}', $2)", tx.UUID(uuid.UUID{15: 1}), at)
		if err != nil {
			return err
		}
		err = tx.Exec(`INSERT INTO ticket (seq, id, tenant, purpose, subject, rotation, hash, created_at, updated_at) VALUES (1, $1, 1, 'set_password', 7, 3, $2, $3, $3)`,
			tx.UUID(uuid.UUID{15: 2}), []byte("hash"), at)
		if err != nil {
			return err
		}
		for n := 1; n <= 3; n++ {
			state, due := "sent", any(nil)
			if n == 3 {
				state, due = "waiting", at
			}
			err := tx.Exec(`INSERT INTO mail (seq, tenant, ticket, rotation, nonce, message_id, state, attempts, repeats, trying, due, last_error, created_at, updated_at)
 VALUES ($1, 1, 1, $1, 1, $2, $3, 7, 0, 0, $4, NULL, $5, $5)`, n, fmt.Sprint("message-", n), state, due, at)
			if err != nil {
				return err
			}
		}
		return nil
	})
}
