package store

import "github.com/musterid/muster"

// UnitPathsOf gives the paths of the units that people are members of, by person. Who is in none is absent.
func (tx *Tx) UnitPathsOf(people []int64) (map[int64][]string, error) {
	found := make(map[int64][]string, len(people))
	if len(people) == 0 {
		return found, nil
	}
	query, args := tx.unitPathsOf(people)
	err := tx.each(query, args, func(scan func(...any) error) error {
		var person int64
		var path string
		err := scan(&person, &path)
		found[person] = append(found[person], path)
		return err
	})
	return found, err
}

func (tx *Tx) unitPathsOf(people []int64) (string, []any) {
	query := tx.perNumber("(SELECT u.path FROM unit u WHERE u.seq = t.unit)", "membership", "t.person = k.value AND t.tenant = $2")
	return query, []any{tx.numbers(distinct(people)), tx.tenant}
}

// membersWithin is a query for the seqs of the people who are in a unit of these paths or below, each once. tenant and paths are marks of
// arguments.
func (tx *Tx) membersWithin(tenant, paths string) string {
	return "SELECT DISTINCT m.person AS seq FROM " + tx.unitsWithin(tenant, paths) + tx.inTurn("membership", "m", "m.unit = u.seq")
}

// unitsWithin gives, as u, the units of these paths and all below.
func (tx *Tx) unitsWithin(tenant, paths string) string {
	on := "u.tenant = " + tenant + " AND u.path >= w.value AND u.path < w.value || '" + after + "'"
	if tx.store.engine == Postgres {
		return "unnest(" + paths + "::text[]) AS w(value) CROSS JOIN LATERAL (SELECT u.seq FROM unit u WHERE " + on + " OFFSET 0) u"
	}
	return "json_each(" + paths + ") AS w CROSS JOIN unit u ON " + on
}

// inTurn joins a table, under a name, after what stands before, by looking its rows up.
func (tx *Tx) inTurn(table, as, on string) string {
	if tx.store.engine == Postgres {
		return " CROSS JOIN LATERAL (SELECT * FROM " + table + " " + as + " WHERE " + on + " OFFSET 0) " + as
	}
	return " CROSS JOIN " + table + " " + as + " ON " + on
}

// CountWithin says how many people in the units of these paths, or below, are in each state. It reads them all: a unit keeps no counts.
func (tx *Tx) CountWithin(paths []string) (map[muster.State]int, error) {
	counts := map[muster.State]int{}
	query, args := tx.countWithin(paths)
	err := tx.each(query, args, func(scan func(...any) error) error {
		var state string
		var n int
		err := scan(&state, &n)
		counts[muster.State(state)] = n
		return err
	})
	return counts, err
}

// isMemberWithin is the condition that a person is in a unit of these paths, or below.
func (tx *Tx) isMemberWithin(person, paths string) string {
	if tx.store.engine == Postgres { // the fences keep the planner from reading all memberships first
		return "EXISTS (SELECT 1 FROM membership m CROSS JOIN LATERAL (SELECT path FROM unit WHERE unit.seq = m.unit OFFSET 0) u WHERE m.person = " + person +
			" AND " + tx.isWithin("u.path", paths) + " OFFSET 0)"
	}
	return "EXISTS (SELECT 1 FROM membership m CROSS JOIN unit u ON u.seq = m.unit WHERE m.person = " + person + " AND " + tx.isWithin("u.path", paths) + ")"
}

// isWithin is the condition that a path is one of some paths or below.
func (tx *Tx) isWithin(path, paths string) string {
	from := "json_each(" + paths + ") AS w"
	if tx.store.engine == Postgres {
		from = "unnest(" + paths + "::text[]) AS w(value)"
	}
	return "EXISTS (SELECT 1 FROM " + from + " WHERE " + path + " >= w.value AND " + path + " < w.value || '" + after + "')"
}

func (tx *Tx) countWithin(paths []string) (string, []any) {
	from := "(" + tx.membersWithin("$1", "$2") + ") k" + tx.inTurn("person", "p", "p.seq = k.seq")
	return "SELECT p.state, count(*) FROM " + from + " GROUP BY p.state", []any{tx.tenant, tx.texts(paths)}
}

// BatchesWithin is Batches for those that are for a unit of these paths, or below.
func (tx *Tx) BatchesWithin(paths []string, kind muster.BatchKind, state muster.BatchState, before int64, limit int) ([]BatchRow, error) {
	query, args := tx.batchesWithin(paths, kind, state, before, limit)
	var list []BatchRow
	err := tx.each(query, args, func(scan func(...any) error) error {
		b, err := scanBatch(scan)
		list = append(list, b)
		return err
	})
	return list, err
}

func (tx *Tx) batchesWithin(paths []string, kind muster.BatchKind, state muster.BatchState, before int64, limit int) (string, []any) {
	w := where{}
	w.add("t.tenant = ?", tx.tenant)
	w.add("t.state <> 'receiving'")
	if kind != "" {
		w.add("t.kind = ?", string(kind))
	}
	if state != "" {
		w.add("t.state = ?", string(state))
	}
	from := tx.unitsWithin(w.arg(tx.tenant), w.arg(tx.texts(paths))) + tx.inTurn("batch", "t", "t.unit = u.seq")
	if before > 0 {
		w.add("t.seq < ?", before)
	}
	return "SELECT " + batchColumns + " FROM " + from + " WHERE " + w.sql() + " ORDER BY t.seq DESC LIMIT " + w.arg(limit), w.args
}
