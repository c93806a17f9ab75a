package store

import (
	"database/sql"
	"fmt"
	"slices"
	"time"

	"github.com/musterid/muster"
)

// SealedPassword is a password that came with a row, sealed for SealedPurpose of its batch and index.
type SealedPassword struct {
	Index  int
	Sealed []byte
	At     time.Time // when it came; zero: now
}

// SealedPurpose is what the password of a row is sealed for.
func SealedPurpose(batch int64, index int) string {
	return fmt.Sprintf("sealed_password/%d/%d", batch, index)
}

// AddSealedPasswords keeps the passwords of rows of a batch until they are hashed. The caller holds the batch (LeaseBatch), so that it is there and stays.
func (tx *Tx) AddSealedPasswords(batch int64, list []SealedPassword) error {
	columns := []string{"batch", "idx", "tenant", "sealed", "created_at"}
	return tx.copyRows("sealed_password", columns, len(list), func(i int) []any {
		at := list[i].At
		if at.IsZero() {
			at = tx.now
		}
		return []any{batch, int64(list[i].Index), tx.tenant, list[i].Sealed, at.UnixMicro()}
	})
}

// SealedPasswords gives the passwords that are kept of rows of a batch which nobody came of, by index, for rows that are sent once more.
func (tx *Tx) SealedPasswords(batch int64, indexes []int) (map[int]SealedPassword, error) {
	found := map[int]SealedPassword{}
	if len(indexes) == 0 {
		return found, nil
	}
	keys := make([]int64, len(indexes))
	for i, index := range indexes {
		keys[i] = int64(index)
	}
	query := tx.perNumber("t.sealed, t.created_at", "sealed_password", "t.batch = $2 AND t.idx = k.value AND t.tenant = $3 AND coalesce(t.person, 0) = 0")
	err := tx.each(query, []any{tx.numbers(keys), batch, tx.tenant}, func(scan func(...any) error) error {
		var p SealedPassword
		var at sql.NullInt64
		err := scan(&p.Index, &p.Sealed, &at)
		p.At = fromMicros(at)
		found[p.Index] = p
		return err
	})
	return found, err
}

const firstUnsettled = "SELECT min(idx) FROM sealed_password WHERE batch = $1 AND idx < $2 AND person IS NULL"

var settleSealed = fmt.Sprintf(`UPDATE sealed_password SET person = coalesce((SELECT i.person FROM item i WHERE i.id = sealed_password.batch * %d + sealed_password.idx
 AND i.state = 'done' AND i.tenant = $3), 0) WHERE batch = $1 AND idx < $2 AND person IS NULL AND tenant = $3`, muster.MaxItems)

// SettleSealedPasswords says of the passwords of a batch's rows before an index whose they are, now that the items of these rows are stored. A
// person's newer password takes the place of an older one that waits. It gives how many wait to be hashed because of it.
func (tx *Tx) SettleSealedPasswords(batch int64, before int) (waiting int, err error) {
	var first sql.NullInt64
	err = tx.row(firstUnsettled, []any{batch, before}, &first)
	if err != nil || !first.Valid {
		return 0, err
	}
	err = tx.exec(settleSealed, batch, before, tx.tenant)
	if err != nil {
		return 0, err
	}
	return tx.supersede(batch, int(first.Int64), before)
}

// supersede leaves each of the people whose passwords stand between two indexes of a batch with the last of them, and with none of other batches: those
// were carried out before.
func (tx *Tx) supersede(batch int64, first, before int) (waiting int, err error) {
	newest, stale := map[int64]int64{}, [][2]int64{}
	var people []int64
	query := "SELECT idx, person FROM sealed_password WHERE batch = $1 AND idx >= $2 AND idx < $3 AND person > 0 AND tenant = $4 ORDER BY idx"
	err = tx.each(query, []any{batch, first, before, tx.tenant}, func(scan func(...any) error) error {
		var index, person int64
		err := scan(&index, &person)
		if older, twice := newest[person]; twice {
			stale = append(stale, [2]int64{batch, older})
		} else {
			people = append(people, person)
		}
		newest[person] = index
		return err
	})
	if err != nil || len(people) == 0 {
		return 0, err
	}
	// Also what stands in this batch before the window.
	query = tx.perNumber("t.batch, t.idx", "sealed_password", "t.person = k.value AND t.person > 0 AND t.tenant = $2 AND (t.batch <> $3 OR t.idx < $4)")
	err = tx.each(query, []any{tx.numbers(people), tx.tenant, batch, first}, func(scan func(...any) error) error {
		var person int64
		var at [2]int64
		err := scan(&person, &at[0], &at[1])
		stale = append(stale, at)
		return err
	})
	if err != nil {
		return 0, err
	}
	return len(people), tx.dropSealed(stale)
}

// dropSealed forgets the passwords of rows, each given by batch and index.
func (tx *Tx) dropSealed(rows [][2]int64) error {
	if len(rows) == 0 {
		return nil
	}
	stmt, err := tx.prepared("DELETE FROM sealed_password WHERE batch = $1 AND idx = $2 AND tenant = $3")
	if err != nil {
		return err
	}
	slices.SortFunc(rows, func(a, b [2]int64) int { return slices.Compare(a[:], b[:]) })
	for _, r := range rows {
		if _, err := stmt.ExecContext(tx.ctx, r[0], r[1], tx.tenant); err != nil {
			return fmt.Errorf("store: forget a sealed password: %w", err)
		}
	}
	return nil
}
