package store

import (
	"time"
)

// Idempotency is a request that its sender may repeat, and what it was answered.
type Idempotency struct {
	Key       string
	Route     string
	Digest    []byte
	Status    int  // 0 while the request is being worked on
	Withheld  bool // the answer held a secret and was not kept
	Answer    []byte
	StartedAt time.Time // also tells one attempt from another
}

// Idempotency gives what is known of a key. ok is false when nothing is.
func (tx *Tx) Idempotency(key string) (r Idempotency, ok bool, err error) {
	err = tx.each("SELECT idem_key, route, digest, status, withheld, answer, created_at FROM idempotency WHERE tenant = $1 AND idem_key = $2", []any{tx.tenant, key},
		func(scan func(...any) error) error {
			var withheld, started int64
			err := scan(&r.Key, &r.Route, &r.Digest, &r.Status, &withheld, &r.Answer, &started)
			r.Withheld, r.StartedAt, ok = withheld == 1, time.UnixMicro(started).UTC(), true
			return err
		})
	return r, ok, err
}

// StartIdempotent records that a request is being worked on from now, in place of the attempt that began at before (zero: none is known). When
// somebody else was faster it is ErrClash.
func (tx *Tx) StartIdempotent(r *Idempotency, before time.Time) error {
	r.Status, r.Withheld, r.Answer, r.StartedAt = 0, false, nil, tx.now
	replaced := int64(0)
	if !before.IsZero() {
		replaced = before.UnixMicro()
	}
	n, err := tx.affect(`INSERT INTO idempotency (tenant, idem_key, route, digest, status, withheld, created_at) VALUES ($1, $2, $3, $4, 0, 0, $5)
 ON CONFLICT (tenant, idem_key) DO UPDATE SET route = excluded.route, digest = excluded.digest, status = 0, withheld = 0, answer = NULL, created_at = excluded.created_at
 WHERE idempotency.created_at = $6`, tx.tenant, r.Key, r.Route, r.Digest, tx.now.UnixMicro(), replaced)
	if err == nil && n == 0 {
		return ErrClash
	}
	return err
}

// FinishIdempotent records the answer of an attempt. It gives false when another attempt has taken its place.
func (tx *Tx) FinishIdempotent(r Idempotency) (bool, error) {
	n, err := tx.affect("UPDATE idempotency SET status = $1, withheld = $2, answer = $3 WHERE tenant = $4 AND idem_key = $5 AND created_at = $6 AND status = 0",
		r.Status, flag(r.Withheld), r.Answer, tx.tenant, r.Key, r.StartedAt.UnixMicro())
	return n == 1, err
}

// DropIdempotent forgets an attempt that came to nothing, so that the request can be sent again.
func (tx *Tx) DropIdempotent(r Idempotency) error {
	return tx.exec("DELETE FROM idempotency WHERE tenant = $1 AND idem_key = $2 AND created_at = $3 AND status = 0", tx.tenant, r.Key, r.StartedAt.UnixMicro())
}

// SweepIdempotency deletes up to limit requests, of all tenants, that began before a time, and says how many.
func (tx *Tx) SweepIdempotency(before time.Time, limit int) (int, error) {
	n, err := tx.affect(`DELETE FROM idempotency WHERE (tenant, idem_key) IN
 (SELECT tenant, idem_key FROM idempotency WHERE created_at < $1 ORDER BY created_at LIMIT $2)`, before.UnixMicro(), limit)
	return int(n), err
}
