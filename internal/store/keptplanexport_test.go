package store

import (
	"errors"
	"strings"
)

// LookUpsSQL gives the look-ups whose plans PostgreSQL may keep, by name, for tests of these.
func (tx *Tx) LookUpsSQL() map[string]SQL {
	list := map[string]SQL{
		"person": {personBySeq, []any{int64(500), tx.tenant}},
		"keys": {
			keysLookUp([]KeyColumn{UsernameKey, EmailKey, EmployeeKey, SourceKey, PhoneKey, CodeKey}),
			[]any{tx.tenant, "u500", "u500@example.org", "E500", SourceKeyOf("hr", "500"), "+33500", "c500"},
		},
		"name out of use": {tx.perText("t.person", "retired_username", "t.tenant = $2 AND t.username_key = k.value"), []any{tx.texts([]string{"u500"}), tx.tenant}},
		"key of the API":  {keyByHash, []any{make([]byte, 32)}},
		"tenant":          {"SELECT settings FROM tenant WHERE seq = $1", []any{tx.tenant}},
	}
	if tx.store.engine == Postgres {
		list["many keys"] = SQL{
			keysTogether([]KeyColumn{UsernameKey, EmailKey, EmployeeKey, SourceKey, PhoneKey, CodeKey}),
			[]any{
				tx.tenant, tx.texts([]string{"u500"}), tx.texts([]string{"u500@example.org"}), tx.texts([]string{"E500"}), tx.texts([]string{SourceKeyOf("hr", "500")}),
				tx.texts([]string{"+33500"}), tx.texts([]string{"c500"}),
			},
		}
	}
	return list
}

// KeptPlan is ReadPlan for a plan that PostgreSQL keeps, which knows no values.
func (s *Store) KeptPlan(tx *Tx, look SQL) ([]string, error) {
	if s.engine != Postgres {
		return s.ReadPlan(tx, look.Query, look.Args)
	}
	for _, statement := range []string{"SET LOCAL plan_cache_mode = force_generic_plan", "PREPARE kept AS " + look.Query} {
		if err := tx.exec(statement); err != nil {
			return nil, err
		}
	}
	plan, err := tx.Strings("EXPLAIN EXECUTE kept (" + strings.TrimSuffix(strings.Repeat("NULL, ", len(look.Args)), ", ") + ")")
	return plan, errors.Join(err, tx.exec("DEALLOCATE kept"))
}

// Looked waits until the tables have been looked at because of single writes.
func (s *Store) Looked() { s.done.Wait() }

// Crowd writes n people as one statement: username uN, e-mail address uN@example.org, and so on.
func (tx *Tx) Crowd(n int) error {
	numbers, id := "WITH RECURSIVE k(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM k WHERE n < $2)", "CAST(printf('%016d', k.n) AS BLOB)"
	if tx.store.engine == Postgres {
		numbers, id = "WITH k AS (SELECT generate_series(1, $2::bigint) AS n)", "lpad(k.n::text, 32, '0')::uuid"
	}
	return tx.exec(numbers+` INSERT INTO person (id, tenant, version, username, username_key, generated, email, email_key, email_verified, phone_key, employee_id, employee_key,
 code, code_key, source, source_id, source_key, first_name, last_name, name_key, state, absent, mode, created_at, updated_at)
 SELECT `+id+`, $1, 1, 'u' || k.n, 'u' || k.n, 1, 'u' || k.n || '@example.org', 'u' || k.n || '@example.org', 0, '+33' || k.n, 'E' || k.n, 'E' || k.n,
 'C' || k.n, 'c' || k.n, 'hr', CAST(k.n AS text), 'hr' || k.n, 'Ana', 'Dupont', 'dupont' || (k.n % 1000) || ' ana', CASE WHEN k.n % 10 = 0 THEN 'suspended' ELSE 'active' END,
 0, 'standard', `+micro+` + k.n, `+micro+` + k.n FROM k`, tx.tenant, int64(n))
}

// micro is about when tests take place.
const micro = "1790000000000000"
