package store

import (
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/musterid/muster"
)

// UnitRow is a unit with the number of its parent.
type UnitRow struct {
	muster.Unit
	ParentSeq int64 // of Parent, which is looked up for reading; writing takes this
}

const unitColumns = `t.seq, t.id, t.version, t.kind, t.code, t.name, t.parent, (SELECT p.id FROM unit p WHERE p.seq = t.parent), t.path, t.closed,
 t.attributes, t.created_at, t.updated_at`

func scanUnit(scan func(...any) error, before ...any) (UnitRow, error) {
	var u UnitRow
	var parent sql.NullInt64
	var parentID uuid.NullUUID
	var closed int64
	var attributes string
	var created, updated sql.NullInt64
	err := scan(append(before, &u.Seq, &u.ID, &u.Version, &u.Kind, &u.Code, &u.Name, &parent, &parentID, &u.Path, &closed, text{&attributes}, &created, &updated)...)
	if err != nil {
		return u, err
	}
	u.ParentSeq, u.Parent, u.Closed = parent.Int64, parentID.UUID, closed == 1
	u.CreatedAt, u.UpdatedAt = fromMicros(created), fromMicros(updated)
	if attributes != "" {
		if err := json.Unmarshal([]byte(attributes), &u.Attributes); err != nil {
			return u, fmt.Errorf("store: attributes of unit %d: %w", u.Seq, err)
		}
	}
	return u, nil
}

// LockTree makes everybody else who wants to change the tenant's tree wait until this transaction ends. Whoever makes, moves or removes units
// takes it before reading them: two moves at once could make a circle, though neither does alone.
func (tx *Tx) LockTree() error {
	var seq int64
	err := tx.row("SELECT seq FROM tenant WHERE seq = $1"+tx.locking("FOR NO KEY UPDATE"), []any{tx.tenant}, &seq)
	if err != nil {
		return fmt.Errorf("store: lock units of tenant %d: %w", tx.tenant, err)
	}
	return nil
}

// locking is a lock on the rows that a query reads. SQLite has one writer and needs none.
func (tx *Tx) locking(clause string) string {
	if tx.store.engine == Postgres {
		return " " + clause
	}
	return ""
}

// lockRows locks the rows of a set of numbers, in their order. A row that went away meanwhile is ErrClash.
func (tx *Tx) lockRows(table string, seqs []int64, clause string) error {
	if len(seqs) == 0 || tx.store.engine != Postgres {
		return nil
	}
	seqs = sortedSet(seqs)
	locked := 0
	query := tx.perNumber("t.seq", table, "t.seq = k.value AND t.tenant = $2") + tx.locking(clause)
	err := tx.each(query, []any{tx.numbers(seqs), tx.tenant}, func(scan func(...any) error) error {
		var asked, seq int64
		locked++
		return scan(&asked, &seq)
	})
	if err == nil && locked < len(seqs) {
		err = fmt.Errorf("%w: a %s was removed", ErrClash, table)
	}
	return err
}

// KeepUnits sees to it that none of these units, which were read before, is removed until this transaction ends.
func (tx *Tx) KeepUnits(seqs []int64) error { return tx.lockRows("unit", seqs, "FOR KEY SHARE") }

// Units gives units by seq. Those who are not there, or are another tenant's, are absent from the result.
func (tx *Tx) Units(seqs []int64) (map[int64]UnitRow, error) {
	found := make(map[int64]UnitRow, len(seqs))
	if len(seqs) == 0 {
		return found, nil
	}
	query := tx.perNumber(unitColumns, "unit", "t.seq = k.value AND t.tenant = $2")
	err := tx.each(query, []any{tx.numbers(seqs), tx.tenant}, func(scan func(...any) error) error {
		var asked int64
		u, err := scanUnit(scan, &asked)
		found[u.Seq] = u
		return err
	})
	return found, err
}

// UnitsByID is Units for ids.
func (tx *Tx) UnitsByID(ids []uuid.UUID) (map[uuid.UUID]UnitRow, error) {
	found := make(map[uuid.UUID]UnitRow, len(ids))
	if len(ids) == 0 {
		return found, nil
	}
	query := tx.perText(unitColumns, "unit", tx.isID()+" AND t.tenant = $2")
	err := tx.each(query, []any{tx.ids(ids), tx.tenant}, func(scan func(...any) error) error {
		var asked string
		u, err := scanUnit(scan, &asked)
		found[u.ID] = u
		return err
	})
	return found, err
}

// ids is a set of ids as one argument, for a query of perText on the condition isID.
func (tx *Tx) ids(list []uuid.UUID) any {
	digits := make([]string, len(list))
	for i, id := range list {
		digits[i] = hex.EncodeToString(id[:])
	}
	return tx.texts(digits)
}

func (tx *Tx) isID() string {
	if tx.store.engine == Postgres {
		return "t.id = cast(k.value AS uuid)"
	}
	return "t.id = unhex(k.value)"
}

// UnitsByCode gives the units of each code, of all kinds, sorted by kind.
func (tx *Tx) UnitsByCode(codes []string) (map[string][]UnitRow, error) {
	found := make(map[string][]UnitRow, len(codes))
	if len(codes) == 0 {
		return found, nil
	}
	query := tx.perText(unitColumns, "unit", "t.tenant = $2 AND t.code = k.value") + " ORDER BY t.code, t.kind"
	err := tx.each(query, []any{tx.texts(distinct(codes)), tx.tenant}, func(scan func(...any) error) error {
		var code string
		u, err := scanUnit(scan, &code)
		found[code] = append(found[code], u)
		return err
	})
	return found, err
}

// UnitQuery is which units to list. Zero fields do not filter.
type UnitQuery struct {
	Kind   string
	Parent int64 // seq
	Top    bool  // only those without a parent
	Below  string
	Within []string // paths: these and all below; nil does not filter
	Code   string
	Name   string // the beginning, as people type it
	Closed *bool

	AfterSeq int64 // of the last one of the page before
	Limit    int
}

// ListUnits gives one page of units in the order in which they came. Below is a path, and includes the unit of that path.
func (tx *Tx) ListUnits(q UnitQuery) ([]UnitRow, error) {
	w := where{}
	w.add("t.tenant = ?", tx.tenant)
	w.add("t.seq > ?", q.AfterSeq)
	if q.Kind != "" {
		w.add("t.kind = ?", q.Kind)
	}
	if q.Code != "" {
		w.add("t.code = ?", q.Code)
	}
	if q.Parent != 0 {
		w.add("t.parent = ?", q.Parent)
	}
	if q.Top {
		w.add("t.parent IS NULL")
	}
	if q.Below != "" {
		w.add("t.path >= ? AND t.path < ?", q.Below, q.Below+"\x7f")
	}
	if q.Within != nil {
		w.parts = append(w.parts, "t.seq IN (SELECT u.seq FROM "+tx.unitsWithin(w.arg(tx.tenant), w.arg(tx.texts(q.Within)))+")")
	}
	if q.Closed != nil {
		w.add("t.closed = ?", flag(*q.Closed))
	}
	w.addPrefix("t.name_key", "t.name", q.Name)
	var list []UnitRow
	query := "SELECT " + unitColumns + " FROM unit t WHERE " + w.sql() + " ORDER BY t.seq LIMIT " + w.arg(q.Limit)
	err := tx.each(query, w.args, func(scan func(...any) error) error {
		u, err := scanUnit(scan)
		list = append(list, u)
		return err
	})
	return list, err
}

// addPrefix asks for names that begin so, ignoring case and accents. A text that has no letter to fold is compared as it is.
func (w *where) addPrefix(key, name, prefix string) {
	if prefix == "" {
		return
	}
	if folded := foldName(prefix); folded != "" {
		w.add(key+" >= ? AND "+key+" < ?", folded, folded+"\x7f")
		return
	}
	w.add(name+" = ?", prefix)
}

// NextUnits takes n numbers for new units.
func (tx *Tx) NextUnits(n int) ([]int64, error) { return tx.nextSeqs("unit", n) }

var newUnitColumns = []string{
	"seq", "id", "tenant", "version", "kind", "code", "name", "name_key", "parent", "path", "closed", "attributes", "created_at", "updated_at",
}

// InsertUnits writes new units, whose Seq and Path are set, parents before their children. It gives them version, times, and an id where there is
// none yet. A code that is held is ErrClash.
func (tx *Tx) InsertUnits(units []*UnitRow) error {
	attributes := make([]any, len(units))
	for i, u := range units {
		u.Version, u.CreatedAt, u.UpdatedAt = 1, tx.now, tx.now
		if u.ID == uuid.Nil {
			u.ID = tx.newID()
		}
		attributes[i] = attributesJSON(u.Attributes)
	}
	return tx.copyRows("unit", newUnitColumns, len(units), func(i int) []any {
		u := units[i]
		return []any{
			u.Seq, tx.uuid(u.ID), tx.tenant, u.Version, u.Kind, u.Code, u.Name, foldName(u.Name), orNullNumber(u.ParentSeq), u.Path, flag(u.Closed), attributes[i],
			micros(u.CreatedAt), micros(u.UpdatedAt),
		}
	})
}

func attributesJSON(attributes map[string]string) any {
	if len(attributes) == 0 {
		return nil
	}
	return asJSON(attributes)
}

// UpdateUnit writes a unit back, except for its place in the tree and its kind, and raises its version. One that moved on since it was read, or a
// code that is held, is ErrClash.
func (tx *Tx) UpdateUnit(u *UnitRow) error {
	err := tx.saved(tx.affect(`UPDATE unit SET version = version + 1, code = $1, name = $2, name_key = $3, closed = $4, attributes = $5, updated_at = $6
 WHERE seq = $7 AND tenant = $8 AND version = $9`, u.Code, u.Name, foldName(u.Name), flag(u.Closed), attributesJSON(u.Attributes), micros(tx.now), u.Seq, tx.tenant, u.Version))
	if err != nil {
		return fmt.Errorf("store: update unit %d: %w", u.Seq, err)
	}
	u.Version, u.UpdatedAt = u.Version+1, tx.now
	return nil
}

// saved judges a write that is guarded by a version.
func (tx *Tx) saved(rows int64, err error) error {
	if clash(err) {
		return fmt.Errorf("%w: %w", ErrClash, err)
	}
	if err == nil && rows != 1 {
		return fmt.Errorf("%w: the row has moved on", ErrClash)
	}
	return err
}

// MoveUnit hangs a unit, with all below it, under another parent, or puts it at the top when parent is nil. It changes the paths of all of them
// in one statement, and those of the rows given. The caller holds LockTree and has seen that parent is not below the unit.
func (tx *Tx) MoveUnit(u, parent *UnitRow) error {
	from, to := u.Path, UnitPath(parent, u.Seq)
	u.ParentSeq, u.Parent, u.Path = 0, uuid.Nil, to
	if parent != nil {
		u.ParentSeq, u.Parent = parent.Seq, parent.ID
	}
	if err := tx.exec("UPDATE unit SET parent = $1 WHERE seq = $2 AND tenant = $3", orNullNumber(u.ParentSeq), u.Seq, tx.tenant); err != nil {
		return err
	}
	return tx.exec("UPDATE unit SET path = cast($1 AS text) || substr(path, cast($2 AS integer)) WHERE tenant = $3 AND path >= $4 AND path < $5",
		to, len(from)+1, tx.tenant, from, from+"\x7f")
}

// UnitPath is the path of a unit under a parent, or at the top when parent is nil.
func UnitPath(parent *UnitRow, seq int64) string {
	if parent == nil {
		return fmt.Sprintf("/%d/", seq)
	}
	return fmt.Sprintf("%s%d/", parent.Path, seq)
}

// UnitDepth is how many units a path leads through, its own included.
func UnitDepth(path string) int { return strings.Count(path, "/") - 1 }

// DepthBelow is the depth of the deepest unit at or below a path.
func (tx *Tx) DepthBelow(path string) (depth int, err error) {
	err = tx.row("SELECT coalesce(max(length(path) - length(replace(path, '/', ''))), 1) - 1 FROM unit WHERE tenant = $1 AND path >= $2 AND path < $3",
		[]any{tx.tenant, path, path + "\x7f"}, &depth)
	return depth, err
}

// Use is what stands in the way of removing a unit.
type Use struct {
	Children int
	Members  bool // people who are not deleted
}

// UnitsInUse says what is in units.
func (tx *Tx) UnitsInUse(seqs []int64) (map[int64]Use, error) {
	found := make(map[int64]Use, len(seqs))
	if len(seqs) == 0 {
		return found, nil
	}
	query := tx.perNumber(`(SELECT count(*) FROM unit c WHERE c.parent = t.seq), CASE WHEN EXISTS (SELECT 1 FROM membership m JOIN person p ON p.seq = m.person
 WHERE m.unit = t.seq AND p.state <> 'deleted') THEN 1 ELSE 0 END`, "unit", "t.seq = k.value AND t.tenant = $2")
	err := tx.each(query, []any{tx.numbers(seqs), tx.tenant}, func(scan func(...any) error) error {
		var seq, members int64
		var use Use
		err := scan(&seq, &use.Children, &members)
		use.Members = members == 1
		found[seq] = use
		return err
	})
	return found, err
}

// KeepOutOfUnits lets nobody join these units before this transaction ends, and waits for those who are joining. It comes before UnitsInUse.
func (tx *Tx) KeepOutOfUnits(seqs []int64) error { return tx.lockRows("unit", seqs, "FOR UPDATE") }

// DeleteUnits removes units for good, the deepest first as they are given, with what deleted people still hold in them.
func (tx *Tx) DeleteUnits(seqs []int64) error {
	for _, seq := range seqs {
		if err := tx.exec("DELETE FROM membership WHERE unit = $1 AND tenant = $2", seq, tx.tenant); err != nil {
			return err
		}
		if err := tx.exec("DELETE FROM unit WHERE seq = $1 AND tenant = $2", seq, tx.tenant); err != nil {
			return err
		}
	}
	return nil
}
