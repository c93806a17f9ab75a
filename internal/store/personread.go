package store

import (
	"context"
	"database/sql"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/musterid/muster"
)

// EachPerson is People, one after the other. Whoever stands in seqs twice is given twice.
func (tx *Tx) EachPerson(seqs []int64, f func(p *PersonRow)) error {
	if len(seqs) == 0 {
		return nil
	}
	query := tx.perNumber(personColumns, "person", "t.seq = k.value AND t.tenant = $2")
	return tx.eachPerson(query, len(seqs), []any{tx.numbers(seqs), tx.tenant}, func(_ string, p *PersonRow) { f(p) })
}

// PeopleHolding gives the people who hold these keys: key to person.
func (tx *Tx) PeopleHolding(column KeyColumn, keys []string) (map[string]*PersonRow, error) {
	found := make(map[string]*PersonRow, len(keys))
	if len(keys) == 0 {
		return found, nil
	}
	query := tx.perText(personColumns, "person", "t.tenant = $2 AND t."+string(column)+" = k.value")
	err := tx.eachPerson(query, len(keys), []any{tx.texts(keys), tx.tenant}, func(key string, p *PersonRow) { found[key] = p })
	return found, err
}

// fewPeople are read the usual way. More are read as PostgreSQL sends them: database/sql has the driver make a value of every column and then copies
// it, which for thousands of people takes longer than finding them.
const fewPeople = 8

// eachPerson reads people by a query of so many keys that gives a key and personColumns.
func (tx *Tx) eachPerson(query string, keys int, args []any, f func(key string, p *PersonRow)) error {
	if tx.store.engine == SQLite || tx.conn == nil || tx.single || keys <= fewPeople {
		return tx.each(query, args, func(scan func(...any) error) error {
			var key sql.RawBytes
			p, err := scanPerson(scan, &key)
			f(string(key), &p)
			return err
		})
	}
	err := tx.flush()
	if err == nil {
		err = tx.conn.Raw(func(c any) error { return rawPeople(tx.ctx, connOf(c), query, args, f) })
	}
	if err != nil {
		return fmt.Errorf("store: %s: %w", head(query), err)
	}
	return nil
}

func rawPeople(ctx context.Context, conn *pgx.Conn, query string, args []any, f func(key string, p *PersonRow)) error {
	rows, err := conn.Query(ctx, query, append([]any{pgx.QueryResultFormats{pgx.BinaryFormatCode}}, args...)...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		values := rows.RawValues()
		p, err := rawPerson(values[1:])
		if err != nil {
			return err
		}
		f(string(values[0]), p) // of a number nobody asks for the key
	}
	return rows.Err()
}

// rawRow is a row in PostgreSQL's binary form, of which one column after the other is taken. Its texts share one piece of memory.
type rawRow struct {
	values [][]byte
	texts  string
	bad    bool
}

func (r *rawRow) next() []byte {
	if len(r.values) == 0 {
		r.bad = true
		return nil
	}
	v := r.values[0]
	r.values = r.values[1:]
	return v
}

func (r *rawRow) text() string {
	n := len(r.next())
	s := r.texts[:n]
	r.texts = r.texts[n:]
	return s
}

// number gives 0 for NULL.
func (r *rawRow) number() int64 {
	switch v := r.next(); len(v) {
	case 0:
		return 0
	case 2:
		return int64(int16(binary.BigEndian.Uint16(v)))
	case 8:
		return int64(binary.BigEndian.Uint64(v))
	}
	r.bad = true
	return 0
}

func (r *rawRow) id() (id uuid.UUID) {
	if v := r.next(); v != nil {
		r.bad = r.bad || copy(id[:], v) != len(id)
	}
	return id
}

// textual are the places of the texts in personColumns.
var textual = []int{3, 4, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 23, 24}

var errPersonColumns = errors.New("the columns of a person are not what they were")

// rawPerson is scanPerson for values in PostgreSQL's binary form.
func rawPerson(values [][]byte) (*PersonRow, error) {
	if len(values) != 30 {
		return nil, errPersonColumns
	}
	size := 0
	for _, i := range textual {
		size += len(values[i])
	}
	texts := make([]byte, 0, size)
	for _, i := range textual {
		texts = append(texts, values[i]...)
	}
	r := rawRow{values: values, texts: string(texts)}
	p := &PersonRow{}
	p.Seq, p.ID, p.Version = r.number(), r.id(), r.number()
	p.Username, p.Keys.Username, p.Generated = r.text(), r.text(), r.number() == 1
	p.Email, p.Keys.Email, p.EmailVerified = r.text(), r.text(), r.number() == 1
	p.Keys.Phone, p.EmployeeID, p.Keys.Employee, p.Code, p.Keys.Code = r.text(), r.text(), r.text(), r.text(), r.text()
	p.Source, p.SourceID, p.Keys.Source = r.text(), r.text(), r.text()
	p.FirstName, p.LastName, p.DisplayName = r.text(), r.text(), r.text()
	p.State, p.Reason, p.Absent = muster.State(r.text()), r.text(), r.number() == 1
	p.Mode, p.Locale = muster.Mode(r.text()), r.text()
	p.ManagerSeq, p.Manager = r.number(), r.id()
	profile := r.next()
	p.CreatedAt, p.UpdatedAt = time.UnixMicro(r.number()).UTC(), time.UnixMicro(r.number()).UTC()
	p.EmailShared = p.Email != "" && p.Keys.Email == "" && p.State != muster.Deleted
	if r.bad {
		return nil, errPersonColumns
	}
	return p, readProfile(p, profile)
}

// readProfile reads the profile of a person as it is stored.
func readProfile(p *PersonRow, profile []byte) error {
	if len(profile) == 0 || plainProfile(profile, &p.Profile) {
		return nil
	}
	p.Profile = muster.Profile{}
	if err := json.Unmarshal(profile, &p.Profile); err != nil {
		return fmt.Errorf("store: profile of person %d: %w", p.Seq, err)
	}
	return nil
}

// plainProfile reads a profile that has nothing but texts in which nothing is escaped, which most have. It gives false for any other one.
func plainProfile(b []byte, p *muster.Profile) bool {
	return plainTexts(b, func(name, value []byte) bool {
		to := profileField(p, name)
		if to != nil {
			*to = string(value)
		}
		return to != nil
	})
}

// plainTexts gives the members of a JSON object that has nothing but such texts, until f says false. It gives false when it did, and for any other object.
func plainTexts(b []byte, f func(name, value []byte) bool) bool {
	if len(b) < 2 || b[0] != '{' || b[len(b)-1] != '}' {
		return false
	}
	for b = b[1:]; ; b = b[1:] {
		name, rest, ok := plainText(b)
		if !ok || len(rest) == 0 || rest[0] != ':' {
			return false
		}
		value, rest, ok := plainText(rest[1:])
		if !ok || !f(name, value) {
			return false
		}
		switch {
		case len(rest) == 1 && rest[0] == '}':
			return true
		case len(rest) == 0 || rest[0] != ',':
			return false
		}
		b = rest
	}
}

// plainText takes a JSON text in which nothing is escaped.
func plainText(b []byte) (text, rest []byte, ok bool) {
	if len(b) == 0 || b[0] != '"' {
		return nil, nil, false
	}
	ascii := true
	for i := 1; i < len(b); i++ {
		switch c := b[i]; {
		case c == '"':
			return b[1:i], b[i+1:], ascii || utf8.Valid(b[1:i])
		case c == '\\' || c < ' ':
			return nil, nil, false
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	return nil, nil, false
}

func profileField(p *muster.Profile, name []byte) *string {
	switch string(name) {
	case "middle_name":
		return &p.MiddleName
	case "initials":
		return &p.Initials
	case "nickname":
		return &p.Nickname
	case "suffix":
		return &p.Suffix
	case "birth_date":
		return &p.BirthDate
	case "gender":
		return &p.Gender
	case "company":
		return &p.Company
	case "cost_center":
		return &p.CostCenter
	case "department":
		return &p.Department
	case "employee_type":
		return &p.EmployeeType
	case "job_title":
		return &p.JobTitle
	case "location":
		return &p.Location
	case "description":
		return &p.Description
	case "hire_date":
		return &p.HireDate
	case "alternate_email":
		return &p.AlternateEmail
	case "recovery_email":
		return &p.RecoveryEmail
	}
	return nil
}
