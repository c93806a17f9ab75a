package store

import (
	"database/sql"
	"fmt"

	"github.com/musterid/muster"
)

var newAuditColumns = []string{"tenant", "at", "actor", "surface", "request", "action", "object", "person", "batch", "change", "digest"}

// Audit records changes of state. Entries are written once and never changed.
func (tx *Tx) Audit(entries []muster.AuditEntry) error {
	rows := make([][]any, len(entries))
	for i := range entries {
		e := &entries[i]
		e.At = tx.now
		var change any
		if !e.Change.Empty() {
			b, err := e.Change.AppendJSON(nil)
			if err != nil {
				return fmt.Errorf("store: audit change: %w", err)
			}
			change = string(b)
		}
		rows[i] = []any{
			tx.tenant, e.At.UnixMicro(), e.Actor, e.Surface, e.Request, e.Action, e.Object, orNullNumber(e.Person), orNullNumber(e.Batch), change, orNull(e.Digest),
		}
	}
	if tx.store.engine == SQLite || tx.single {
		return tx.insertRows("audit", newAuditColumns, rows)
	}
	query := tx.insertInto("audit", newAuditColumns, 1)
	for _, row := range rows {
		if err := tx.later(query, row...); err != nil {
			return err
		}
	}
	return nil
}

// AuditOfPerson gives what was done to a person outside batches, newest first, from before a seq (0: from the newest).
func (tx *Tx) AuditOfPerson(person, before int64, limit int) ([]muster.AuditEntry, error) {
	w := where{}
	w.add("person = ?", person)
	w.add("tenant = ?", tx.tenant)
	if before > 0 {
		w.add("seq < ?", before)
	}
	return tx.audits("SELECT seq, at, actor, surface, request, action, object, person, batch, change, digest FROM audit WHERE "+w.sql()+" ORDER BY seq DESC LIMIT "+w.arg(limit), w.args)
}

func (tx *Tx) audits(query string, args []any) ([]muster.AuditEntry, error) {
	var list []muster.AuditEntry
	err := tx.each(query, args, func(scan func(...any) error) error {
		var e muster.AuditEntry
		var at sql.NullInt64
		var person, batch sql.NullInt64
		var change string
		if err := scan(&e.Seq, &at, &e.Actor, &e.Surface, &e.Request, &e.Action, &e.Object, &person, &batch, text{&change}, text{&e.Digest}); err != nil {
			return err
		}
		e.At, e.Person, e.Batch = fromMicros(at), person.Int64, batch.Int64
		if change != "" {
			var err error
			if e.Change, err = muster.ParseChange([]byte(change)); err != nil {
				return fmt.Errorf("store: audit change: %w", err)
			}
		}
		list = append(list, e)
		return nil
	})
	return list, err
}
