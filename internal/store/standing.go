package store

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/musterid/muster"
)

// Standing is what is known of whoever holds a key: who they are, and whether they are what is said of them. Person 0 is nobody.
type Standing struct {
	Person, Version int64
	Alike           bool
}

// Said is what is said of people: texts of fields. Texts gives those of one of them, in the order of the fields; "" says nothing of one.
type Said struct {
	Fields []string // each is Comparable
	Texts  func(i int) []string
}

// comparedColumns are the fields that are columns, and the keys.
var comparedColumns = []string{
	"username", string(UsernameKey), "email", string(EmailKey), "employee_id", "code", "source", "source_id", "first_name", "last_name", "display_name", "state", "reason", "locale",
}

// Comparable says whether Standings can compare a field.
func Comparable(field string) bool {
	return slices.Contains(comparedColumns, field) || profileField(&muster.Profile{}, []byte(field)) != nil
}

// ComparesStandings says whether Standings is there: on PostgreSQL, in bulk, where rows can be looked at as the server sends them. No person is made of
// them then, which for a list of people of whom nothing changes was most of the work.
func (tx *Tx) ComparesStandings() bool {
	return tx.store.engine == Postgres && tx.conn != nil && !tx.single
}

// Standings gives the standing of the holder of each key, in the order of the keys. It may say that somebody is not alike who is.
func (tx *Tx) Standings(column KeyColumn, keys []string, said Said) ([]Standing, error) {
	standings := make([]Standing, len(keys))
	if len(keys) == 0 {
		return standings, nil
	}
	c, columns := newComparison(said)
	query := "SELECT k.n, t.seq, t.version" + columns + " FROM unnest($1::text[]) WITH ORDINALITY AS k(value, n) CROSS JOIN LATERAL (SELECT * FROM person t WHERE t.tenant = $2 AND t." +
		string(column) + " = k.value OFFSET 0) t"
	err := tx.flush()
	if err == nil {
		err = tx.conn.Raw(func(conn any) error { return c.read(tx, conn.(*stdlib.Conn).Conn(), query, keys, standings) })
	}
	if err != nil {
		return nil, fmt.Errorf("store: %s: %w", head(query), err)
	}
	return standings, nil
}

// comparison compares rows of PostgreSQL with what is said.
type comparison struct {
	said    Said
	plain   []int // fields that are columns, in the order in which the query gives them
	profile []int // fields of the profile, which comes last
}

func newComparison(said Said) (c comparison, columns string) {
	c.said = said
	for i, field := range said.Fields {
		if slices.Contains(comparedColumns, field) {
			c.plain, columns = append(c.plain, i), columns+", t."+field
		} else {
			c.profile = append(c.profile, i)
		}
	}
	if len(c.profile) > 0 {
		columns += ", t.profile"
	}
	return c, columns
}

var errStanding = errors.New("a standing is not what it was")

func (c *comparison) read(tx *Tx, conn *pgx.Conn, query string, keys []string, standings []Standing) error {
	rows, err := conn.Query(tx.ctx, query, pgx.QueryResultFormats{pgx.BinaryFormatCode}, keys, tx.tenant)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		values := rows.RawValues()
		if len(values) < 3 || len(values[0]) != 8 || len(values[1]) != 8 || len(values[2]) != 8 {
			return errStanding
		}
		n := binary.BigEndian.Uint64(values[0])
		if n < 1 || n > uint64(len(standings)) {
			return errStanding
		}
		i := int(n - 1)
		standings[i] = Standing{int64(binary.BigEndian.Uint64(values[1])), int64(binary.BigEndian.Uint64(values[2])), c.alike(c.said.Texts(i), values[3:])}
	}
	return rows.Err()
}

// alike compares what is said of somebody with their row.
func (c *comparison) alike(texts []string, values [][]byte) bool {
	for n, i := range c.plain {
		if texts[i] != "" && texts[i] != string(values[n]) {
			return false
		}
	}
	return len(c.profile) == 0 || c.profileAlike(texts, values[len(c.plain)])
}

// profileAlike compares with a profile as it is stored. What is said is in it word for word, but for a profile that is not plain.
func (c *comparison) profileAlike(texts []string, stored []byte) bool {
	said := 0
	for _, i := range c.profile {
		if texts[i] != "" {
			said++
		}
	}
	if said == 0 {
		return true
	}
	found, plain := c.found(texts, stored)
	if plain {
		return found == said
	}
	var p muster.Profile
	if json.Unmarshal(stored, &p) != nil {
		return false // whoever reads the person says so
	}
	for _, i := range c.profile {
		if at := profileField(&p, []byte(c.said.Fields[i])); texts[i] != "" && *at != texts[i] {
			return false
		}
	}
	return true
}

// found counts the texts that stand in a profile of nothing but texts in which nothing is escaped; plain is false for any other one.
func (c *comparison) found(texts []string, stored []byte) (found int, plain bool) {
	plain = plainTexts(stored, func(name, value []byte) bool {
		for _, i := range c.profile {
			if c.said.Fields[i] == string(name) && texts[i] != "" && texts[i] == string(value) {
				found++
			}
		}
		return true
	})
	return found, plain
}
