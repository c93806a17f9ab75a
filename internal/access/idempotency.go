package access

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"
	"time"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/store"
)

// A sender who does not know whether a request arrived sends it again, with the same idempotency key, and must get the answer of the first one
// instead of a second effect:
//
//	answer, claim, err := access.Replay(ctx, caller, key, route, digest)   // err: refuse; answer: send it, do nothing
//	… do the work …
//	err = access.Finish(ctx, claim, answer)                               // or Abandon, when the work came to nothing
//
// Work that ends with one transaction calls claim.Remember in it instead of Finish: then the work is done exactly when its answer is kept.
const (
	replayFor     = 24 * time.Hour  // how long answers are kept
	takeoverAfter = 1 * time.Minute // when a request that was never answered counts as dead
	maxIdemKey    = 255
	sweepChunk    = 1000
)

// Answer is what a request was answered.
type Answer struct {
	Status int
	Body   []byte
	// Secret says that the body holds a bare key or the like. It is not kept, and whoever repeats the request is told so.
	Secret bool
}

// Claim is the right to work on a request that may be sent again.
type Claim struct {
	tenant int64
	row    store.Idempotency
}

// Replay looks for an earlier request with the same idempotency key of the same caller. It gives the answer of that request, or a claim when there
// was none (or it died before it was answered). The same key for another route or body is muster.Conflict; a request that is still being worked on is
// muster.Unavailable.
func (a *Access) Replay(ctx context.Context, caller muster.Caller, key, route string, digest []byte) (*Answer, *Claim, error) {
	if key == "" || len(key) > maxIdemKey || strings.ContainsFunc(key, func(r rune) bool { return r < ' ' || r > '~' }) {
		return nil, nil, muster.Errorf(muster.Invalid, "Idempotency-Key", "An idempotency key has 1 to %d printable ASCII characters.", maxIdemKey)
	}
	digest = a.Digest(digest)
	var answer *Answer
	var claim *Claim
	err := a.st.Update(ctx, caller.Tenant, func(tx *store.Tx) error {
		answer, claim = nil, nil
		wanted := store.Idempotency{Key: ownKey(caller, key), Route: route, Digest: digest}
		known, there, err := tx.Idempotency(wanted.Key)
		if err != nil {
			return err
		}
		age := tx.Now().Sub(known.StartedAt)
		if there && age < replayFor {
			if known.Route != route || string(known.Digest) != string(digest) {
				return usedForAnother()
			}
			if known.Status != 0 {
				answer, err = answerOf(known)
				return err
			}
			if age < takeoverAfter {
				return muster.Errorf(muster.Unavailable, "Idempotency-Key", "The first request with this idempotency key is still being worked on. Try again later.")
			}
		}
		claim = &Claim{tenant: caller.Tenant, row: wanted}
		return tx.StartIdempotent(&claim.row, known.StartedAt)
	})
	if err != nil {
		return nil, nil, err
	}
	return answer, claim, nil
}

// Digest is what may be stored of the digest of a body, so that the body is known again. A body may hold a password, and from a bare digest of a short
// body it could be guessed.
func (a *Access) Digest(sum []byte) []byte {
	return []byte(a.key.Derive("digest of a body", string(sum)))
}

// SameBody reads what is left of a body whose digest grows in sum as it is read, and says with muster.Conflict when it is not the one that was answered,
// whose Digest was kept: a key was used for something else. One longer than most bytes is not it either.
func (a *Access) SameBody(body io.Reader, most int64, sum hash.Hash, kept []byte) error {
	n, err := io.Copy(io.Discard, io.LimitReader(body, most+1))
	if err != nil {
		return fmt.Errorf("access: read the body of a repeat: %w", err)
	}
	if n > most || !bytes.Equal(a.Digest(sum.Sum(nil)), kept) {
		return usedForAnother()
	}
	return nil
}

func usedForAnother() error {
	return muster.Errorf(muster.Conflict, "Idempotency-Key", "This idempotency key was used for another request. Take a new one for each request.")
}

func answerOf(r store.Idempotency) (*Answer, error) {
	if r.Withheld {
		return nil, muster.Errorf(muster.Conflict, "Idempotency-Key", "This request was carried out before. Its answer held a secret, which is shown once and was not kept.")
	}
	return &Answer{Status: r.Status, Body: r.Answer}, nil
}

// ownKey is the key as it is stored: one caller's keys never meet another's, and the length is bounded.
func ownKey(caller muster.Caller, key string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d/%d/%q/%s", caller.Key, caller.Person, caller.Name, key))
	return hex.EncodeToString(sum[:])
}

// Remember keeps the answer of a claimed request in the transaction that does its work. When another attempt has taken the request over meanwhile
// it is muster.Conflict, and the transaction must be given up. A nil Claim remembers nothing.
func (c *Claim) Remember(tx *store.Tx, answer Answer) error {
	if c == nil {
		return nil
	}
	row := c.row
	row.Status, row.Withheld, row.Answer = answer.Status, answer.Secret, answer.Body
	if answer.Secret {
		row.Answer = nil
	}
	kept, err := tx.FinishIdempotent(row)
	if err == nil && !kept {
		return muster.Errorf(muster.Conflict, "Idempotency-Key", "This request took so long that another attempt has taken its place.")
	}
	return err
}

// Finish keeps the answer of a claimed request after its work is done. Where another attempt has taken the request over, that one's answer stays. A
// nil Claim finishes nothing.
func (a *Access) Finish(ctx context.Context, c *Claim, answer Answer) error {
	if c == nil {
		return nil
	}
	err := a.st.Update(context.WithoutCancel(ctx), c.tenant, func(tx *store.Tx) error { return c.Remember(tx, answer) })
	var fault *muster.Error
	if errors.As(err, &fault) && fault.Code == muster.Conflict {
		return nil
	}
	return err
}

// Abandon says that the work came to nothing, such as after an error on our side: the request may be sent again at once. Where the cause leaves open
// whether it did, the claim stays until its time is over. A nil Claim abandons nothing.
func (a *Access) Abandon(ctx context.Context, c *Claim, cause error) error {
	if c == nil || errors.Is(cause, store.ErrUncertain) {
		return nil
	}
	return a.st.Update(context.WithoutCancel(ctx), c.tenant, func(tx *store.Tx) error { return tx.DropIdempotent(c.row) })
}

// Sweep forgets answers whose time is over, and says how many.
func (a *Access) Sweep(ctx context.Context) (swept int, err error) {
	for {
		var n int
		err := a.st.Update(ctx, store.Everyone, func(tx *store.Tx) (err error) {
			n, err = tx.SweepIdempotency(tx.Now().Add(-replayFor), sweepChunk)
			return err
		})
		if swept += n; err != nil || n < sweepChunk {
			return swept, err
		}
	}
}
