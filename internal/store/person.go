package store

import (
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/musterid/muster"
)

// PersonRow is a person with what uniqueness needs: the keys the person holds. An empty key is not held.
type PersonRow struct {
	muster.Person
	Keys       Keys
	ManagerSeq int64 // of Manager, which is looked up for reading; writing takes this
}

// Keys are what nobody else in the tenant may hold.
type Keys struct{ Username, Email, Phone, Employee, Code, Source string }

// KeyColumn is one of the columns of Keys.
type KeyColumn string

const (
	UsernameKey KeyColumn = "username_key"
	EmailKey    KeyColumn = "email_key"
	PhoneKey    KeyColumn = "phone_key"
	EmployeeKey KeyColumn = "employee_key"
	CodeKey     KeyColumn = "code_key"
	SourceKey   KeyColumn = "source_key"
)

// SourceKeyOf joins a source and an id there.
func SourceKeyOf(source, id string) string {
	if id == "" {
		return ""
	}
	return source + "\x1f" + id
}

const personColumns = `t.seq, t.id, t.version, t.username, t.username_key, t.generated, t.email, t.email_key, t.email_verified, t.phone_key,
 t.employee_id, t.employee_key, t.code, t.code_key, t.source, t.source_id, t.source_key, t.first_name, t.last_name, t.display_name, t.state, t.reason,
 t.absent, t.mode, t.locale, t.manager, (SELECT m.id FROM person m WHERE m.seq = t.manager), t.profile, t.created_at, t.updated_at`

// text is a nullable column read into a string.
type text struct{ to *string }

func (t text) Scan(v any) error {
	switch x := v.(type) {
	case nil:
		*t.to = ""
	case string:
		*t.to = x
	case []byte:
		*t.to = string(x)
	default:
		return fmt.Errorf("store: %T is not a text", v)
	}
	return nil
}

func scanPerson(scan func(...any) error, before ...any) (PersonRow, error) {
	var p PersonRow
	var manager sql.NullInt64
	var managerID uuid.NullUUID
	var generated, verified, absent int64
	var profile sql.RawBytes
	var created, updated sql.NullInt64
	err := scan(append(before, &p.Seq, &p.ID, &p.Version, text{&p.Username}, text{&p.Keys.Username}, &generated, text{&p.Email}, text{&p.Keys.Email}, &verified,
		text{&p.Keys.Phone}, text{&p.EmployeeID}, text{&p.Keys.Employee}, text{&p.Code}, text{&p.Keys.Code}, text{&p.Source}, text{&p.SourceID},
		text{&p.Keys.Source}, text{&p.FirstName}, text{&p.LastName}, text{&p.DisplayName}, text{(*string)(&p.State)}, text{&p.Reason}, &absent,
		text{(*string)(&p.Mode)}, text{&p.Locale}, &manager, &managerID, &profile, &created, &updated)...)
	if err != nil {
		return p, err
	}
	p.Generated, p.EmailVerified, p.Absent = generated == 1, verified == 1, absent == 1
	p.EmailShared = p.Email != "" && p.Keys.Email == "" && p.State != muster.Deleted
	p.ManagerSeq, p.Manager = manager.Int64, managerID.UUID
	p.CreatedAt, p.UpdatedAt = fromMicros(created), fromMicros(updated)
	return p, readProfile(&p, profile)
}

// People gives people by seq. Those who are not there, or are another tenant's, are absent from the result.
func (tx *Tx) People(seqs []int64) (map[int64]PersonRow, error) {
	found := make(map[int64]PersonRow, len(seqs))
	err := tx.EachPerson(seqs, func(p *PersonRow) { found[p.Seq] = *p })
	return found, err
}

// PeopleByID is People for ids.
func (tx *Tx) PeopleByID(ids []uuid.UUID) (map[uuid.UUID]PersonRow, error) {
	seqs := make([]int64, len(ids))
	for i, id := range ids {
		seqs[i] = muster.PersonSeq(id)
	}
	bySeq, err := tx.People(seqs)
	found := make(map[uuid.UUID]PersonRow, len(bySeq))
	for _, p := range bySeq {
		found[p.ID] = p // an id that only shares the seq does not lead here
	}
	return found, err
}

const personBySeq = "SELECT " + personColumns + " FROM person t WHERE t.seq = $1 AND t.tenant = $2"

// Person gives one person by id, or muster.NotFound.
func (tx *Tx) Person(id uuid.UUID) (PersonRow, error) {
	var p PersonRow
	err := tx.each(personBySeq, []any{muster.PersonSeq(id), tx.tenant}, func(scan func(...any) error) (err error) {
		p, err = scanPerson(scan)
		return err
	})
	if err == nil && (p.Seq == 0 || p.ID != id) { // an id that only shares the seq does not lead here
		err = muster.Errorf(muster.NotFound, "id", "There is no person %s.", id)
	}
	if err != nil {
		return PersonRow{}, err
	}
	return p, nil
}

// Holders says who holds these keys: key to seq.
func (tx *Tx) Holders(column KeyColumn, keys []string) (map[string]int64, error) {
	found := make(map[string]int64, len(keys))
	if len(keys) == 0 {
		return found, nil
	}
	query := tx.perText("t.seq", "person", "t.tenant = $2 AND t."+string(column)+" = k.value")
	err := tx.each(query, []any{tx.texts(keys), tx.tenant}, func(scan func(...any) error) error {
		var key string
		var seq int64
		err := scan(&key, &seq)
		found[key] = seq
		return err
	})
	return found, err
}

// mostAtOnce is how many keys HoldersOf looks up with one statement.
const mostAtOnce = 8

// keysLookUp is the query of HoldersOf: one part for each key, in the order of the list.
func keysLookUp(columns []KeyColumn) string {
	parts := make([]string, len(columns))
	for i, column := range columns {
		parts[i] = fmt.Sprintf("SELECT %d, seq FROM person WHERE tenant = $1 AND %s = $%d", i, column, i+2)
	}
	return strings.Join(parts, " UNION ALL ")
}

// keysTogether is the query of HoldersTogether: a set of keys of each kind.
func keysTogether(columns []KeyColumn) string {
	parts := make([]string, len(columns))
	for i, column := range columns {
		parts[i] = fmt.Sprintf("SELECT %d, k.value, t.seq FROM unnest($%d::text[]) AS k(value) CROSS JOIN LATERAL (SELECT seq FROM person WHERE tenant = $1 AND %s = k.value OFFSET 0) t",
			i, i+2, column)
	}
	return strings.Join(parts, " UNION ALL ")
}

// HoldersOf is Holders for a few keys of several kinds, with one statement. It gives nil when there are too many. Keys that nobody holds are there,
// with 0.
func (tx *Tx) HoldersOf(asked map[KeyColumn][]string) (map[KeyColumn]map[string]int64, error) {
	var columns []KeyColumn
	var keys []string
	args := []any{tx.tenant}
	found := make(map[KeyColumn]map[string]int64, len(asked))
	for _, column := range slices.Sorted(maps.Keys(asked)) {
		found[column] = make(map[string]int64, len(asked[column]))
		for _, key := range asked[column] {
			found[column][key] = 0
			columns, keys, args = append(columns, column), append(keys, key), append(args, key)
		}
	}
	if len(keys) > mostAtOnce {
		return nil, nil
	}
	if len(keys) == 0 {
		return found, nil
	}
	err := tx.each(keysLookUp(columns), args, func(scan func(...any) error) error {
		var i int
		var seq int64
		err := scan(&i, &seq)
		if err == nil {
			found[columns[i]][keys[i]] = seq
		}
		return err
	})
	return found, err
}

// HoldersTogether is HoldersOf for the keys of several people, in a Single on PostgreSQL. Elsewhere it gives nil: another statement is no journey, or
// does not matter among so many.
func (tx *Tx) HoldersTogether(asked map[KeyColumn][]string) (map[KeyColumn]map[string]int64, error) {
	if !tx.single {
		return nil, nil
	}
	found := make(map[KeyColumn]map[string]int64, len(asked))
	columns, args := make([]KeyColumn, 0, len(asked)), []any{tx.tenant}
	for _, column := range slices.Sorted(maps.Keys(asked)) {
		if len(asked[column]) == 0 {
			continue
		}
		columns, args = append(columns, column), append(args, asked[column])
		found[column] = make(map[string]int64, len(asked[column]))
		for _, key := range asked[column] {
			found[column][key] = 0
		}
	}
	if len(columns) == 0 {
		return found, nil
	}
	return found, tx.each(keysTogether(columns), args, func(scan func(...any) error) error {
		var i int
		var key string
		var seq int64
		err := scan(&i, &key, &seq)
		if err == nil {
			found[columns[i]][key] = seq
		}
		return err
	})
}

// NextPeople takes n numbers for new people.
func (tx *Tx) NextPeople(n int) ([]int64, error) {
	if !tx.single || n == 0 {
		return tx.nextSeqs("person", n)
	}
	tx.AfterCommit(func() { tx.store.grewBy(n) })
	if n > numbersMost {
		return tx.nextSeqs("person", n)
	}
	return tx.store.numbers.take("person", n, func(n int) ([]int64, error) { return tx.nextSeqs("person", n) })
}

var newPersonColumns = []string{
	"seq", "id", "tenant", "version", "username", "username_key", "generated", "email", "email_key", "email_verified", "phone_key", "employee_id",
	"employee_key", "code", "code_key", "source", "source_id", "source_key", "first_name", "last_name", "display_name", "name_key", "state", "reason",
	"absent", "mode", "locale", "manager", "profile", "created_at", "updated_at",
}

// InsertPeople writes new people, whose Seq and ID are set. A key that is held is ErrClash.
func (tx *Tx) InsertPeople(people []*PersonRow) error {
	p, err := tx.packPeople(people, nil)
	if err != nil {
		return err
	}
	return tx.insertPacked(&p)
}

// newPerson says the values of newPersonColumns for somebody new.
func (tx *Tx) newPerson(p *PersonRow, profile string, to valueWriter) {
	to.number(p.Seq)
	to.id(p.ID)
	to.number(tx.tenant)
	to.number(p.Version)
	to.text(p.Username)
	to.text(p.Keys.Username)
	to.flag(p.Generated)
	to.text(p.Email)
	to.text(p.Keys.Email)
	to.flag(p.EmailVerified)
	to.text(p.Keys.Phone)
	to.text(p.EmployeeID)
	to.text(p.Keys.Employee)
	to.text(p.Code)
	to.text(p.Keys.Code)
	to.text(p.Source)
	to.text(p.SourceID)
	to.text(p.Keys.Source)
	to.text(p.FirstName)
	to.text(p.LastName)
	to.text(p.DisplayName)
	to.text(nameKey(p))
	to.word(string(p.State))
	to.text(p.Reason)
	to.flag(p.Absent)
	to.word(string(p.Mode))
	to.text(p.Locale)
	to.numberOrNull(p.ManagerSeq)
	to.text(profile)
	to.number(p.CreatedAt.UnixMicro())
	to.number(p.UpdatedAt.UnixMicro())
}

// nameKey is what a person is found by when somebody types the beginning of a name.
func nameKey(p *PersonRow) string {
	if p.State == muster.Deleted {
		return ""
	}
	if p.LastName == "" && p.FirstName == "" {
		return foldName(p.DisplayName)
	}
	return foldName(p.LastName + " " + p.FirstName)
}

// foldName folds each word of a name, so that the beginning of what somebody types is the beginning of the key.
func foldName(s string) string {
	words := strings.Fields(s)
	for i, w := range words {
		words[i] = muster.Fold(w)
	}
	return strings.Join(words, " ")
}

// CountPeople adds to the counts of people by state.
func (tx *Tx) CountPeople(delta map[muster.State]int) error {
	shard := tx.ownShard()
	states := make([]muster.State, 0, len(delta))
	for state, n := range delta {
		if n != 0 {
			states = append(states, state)
		}
	}
	slices.Sort(states) // the order in which rows are locked
	for _, state := range states {
		err := tx.later(`INSERT INTO person_count (tenant, state, shard, n) VALUES ($1, $2, $3, $4)
 ON CONFLICT (tenant, state, shard) DO UPDATE SET n = person_count.n + excluded.n`, tx.tenant, string(state), shard, delta[state])
		if err != nil {
			return err
		}
	}
	return nil
}

// PeopleCounts says how many people are in each state.
func (tx *Tx) PeopleCounts() (map[muster.State]int, error) {
	counts := map[muster.State]int{}
	err := tx.each("SELECT state, cast(sum(n) AS bigint) FROM person_count WHERE tenant = $1 GROUP BY state", []any{tx.tenant}, func(scan func(...any) error) error {
		var state string
		var n int
		err := scan(&state, &n)
		counts[muster.State(state)] = n
		return err
	})
	return counts, err
}
