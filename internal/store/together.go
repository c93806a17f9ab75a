package store

import (
	"fmt"
	"strconv"
	"strings"
)

// A together is an UPDATE of many rows, each to values of its own, with one statement of PostgreSQL: it plans a statement for as long as it takes
// to write a row or two. The values are lists of numbers or texts, a column each, joined as v.
type together struct {
	args   []any
	names  []string
	arrays []string
}

// numbers adds a column of numbers.
func (u *together) numbers(name string, list []int64) { u.add(name, "bigint", list) }

// texts adds a column of texts. None of them is nil, so "" has to stand for it.
func (u *together) texts(name string, list []string) { u.add(name, "text", list) }

func (u *together) add(name, kind string, list any) {
	u.names = append(u.names, name)
	u.arrays = append(u.arrays, u.arg(list)+"::"+kind+"[]")
}

// arg gives an argument of the statement, by its number.
func (u *together) arg(v any) string {
	u.args = append(u.args, v)
	return "$" + strconv.Itoa(len(u.args))
}

// from joins the lists.
func (u *together) from() string {
	return " FROM unnest(" + strings.Join(u.arrays, ", ") + ") AS v(" + strings.Join(u.names, ", ") + ") "
}

// each has every row found by its key, for the column of that name in v. An equation would do as well, and then PostgreSQL may well read the whole
// table, in the order of the key, and sort out which rows are meant: with 100,000 people that took three times as long as writing 5,000 of them. What
// else is asked of a row must be no equation of one of its columns either.
func (u *together) each(key string) string { return "t." + key + " = ANY (ARRAY[v." + key + "])" }

// all makes a list of one value of each element.
func all[E, V any](list []E, of func(e *E) V) []V {
	values := make([]V, len(list))
	for i := range list {
		values[i] = of(&list[i])
	}
	return values
}

// write runs an UPDATE and says how many rows it changed. A unique key that is held is ErrClash.
func (u *together) write(tx *Tx, query string) (int64, error) {
	n, err := tx.affect(query, u.args...)
	if clash(err) {
		return 0, fmt.Errorf("%w: %w", ErrClash, err)
	}
	return n, err
}
