package batch

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/store"
)

// record writes one audit entry for the chunk: the items themselves are the people's record, and the digest holds them to it.
func (e *Engine) record(tx *store.Tx, b *store.BatchRow, first, items int, sum string) error {
	return tx.Audit([]muster.AuditEntry{{
		Actor: b.Batch.Owner, Surface: b.Surface, Action: "batch.chunk", Object: fmt.Sprintf("batch %s rows %d to %d", b.ID, first, first+items-1),
		Batch: b.Seq, Digest: sum,
	}})
}

// digest is over a line for each item: its numbers and state, and its change and reasons in the very text that is stored. packed has these texts; nil
// has them made.
func digest(items []muster.Item, packed *store.PackedItems) (string, error) {
	hash := sha256.New()
	var line []byte
	for n := range items {
		i := &items[n]
		line = strconv.AppendInt(line[:0], int64(i.Index), 10)
		line = strconv.AppendInt(append(line, ' '), int64(i.Row), 10)
		line = append(append(line, ' '), i.State...)
		line = strconv.AppendInt(append(line, ' '), i.Person, 10)
		line = append(strconv.AppendInt(append(line, ' '), i.Guard, 10), ' ')
		var change, reasons string
		if packed != nil {
			change, reasons = packed.Texts(n)
		}
		if change != "" {
			line = append(line, change...)
		} else {
			var err error
			if line, err = i.Change.AppendJSON(line); err != nil {
				return "", fmt.Errorf("batch: digest of item %d: %w", i.Index, err)
			}
		}
		if len(i.Reasons) > 0 && reasons == "" {
			b, err := json.Marshal(i.Reasons)
			if err != nil {
				return "", fmt.Errorf("batch: digest of item %d: %w", i.Index, err)
			}
			reasons = string(b)
		}
		if reasons != "" {
			line = append(append(line, ' '), reasons...)
		}
		hash.Write(append(line, '\n'))
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}
