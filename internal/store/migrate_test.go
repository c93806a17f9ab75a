package store_test

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

func openBlank(t *testing.T, options store.Options) *store.Store {
	t.Helper()
	storetest.Bound(t)
	st, err := store.Open(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return st
}

func TestMigrateTwice(t *testing.T) {
	for _, engine := range storetest.Engines {
		t.Run(string(engine), func(t *testing.T) {
			st := openBlank(t, storetest.Blank(t, engine))
			for range 2 {
				if err := st.Migrate(t.Context()); err != nil {
					t.Fatal(err)
				}
				write(t, st, store.Everyone, func(tx *store.Tx) error { // the second time leaves what is there
					_, _, err := tx.KeyFingerprint("abc")
					return err
				})
			}
			has, newest, err := st.SchemaVersion(t.Context())
			if err != nil || has != newest || has == 0 {
				t.Errorf("version %d of %d, %v", has, newest, err)
			}
			look(t, st, store.Everyone, func(tx *store.Tx) error {
				if n, err := tx.Strings("SELECT key_fingerprint FROM installation"); err != nil || !slices.Equal(n, []string{"abc"}) {
					t.Errorf("installation %v, %v", n, err)
				}
				return nil
			})
		})
	}
}

func TestMigrateFromTwoNodesAtOnce(t *testing.T) {
	options := storetest.Blank(t, store.Postgres)
	const nodes = 4
	errs := make(chan error, nodes)
	for range nodes {
		st := openBlank(t, options)
		go func() { errs <- st.Migrate(context.Background()) }()
	}
	for range nodes {
		if err := storetest.Await(t, errs, "a node to migrate"); err != nil {
			t.Error(err)
		}
	}
}

func TestStartLockIsHeldByOne(t *testing.T) {
	st := storetest.Open(t, store.Postgres)
	other := storetest.AnotherNode(t, st)
	entered, leave, second := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go st.WithStartLock(context.Background(), func() error { close(entered); <-leave; return nil })
	storetest.Await(t, entered, "the first lock")
	go other.WithStartLock(context.Background(), func() error { close(second); return nil })
	var waits []string
	for began := time.Now(); len(waits) == 0; { // until the server says that the second one waits
		if time.Since(began) > storetest.Patience {
			t.Fatal("the second one does not wait")
		}
		look(t, st, store.Everyone, func(tx *store.Tx) (err error) {
			waits, err = tx.Strings("SELECT locktype FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())")
			return err
		})
	}
	select {
	case <-second:
		t.Error("two nodes hold the lock")
	default:
	}
	close(leave)
	storetest.Await(t, second, "the second lock")
}

// Both engines have the same tables and columns.
func TestSchemasAreTheSame(t *testing.T) {
	lite, pg := storetest.Open(t, store.SQLite), storetest.Open(t, store.Postgres)
	var have [2][]string
	look(t, lite, store.Everyone, func(tx *store.Tx) (err error) {
		have[0], err = tx.Strings(`SELECT m.name || '.' || c.name || CASE WHEN c."notnull" = 1 THEN ' required' ELSE '' END FROM sqlite_schema m JOIN pragma_table_info(m.name) c
 WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%' AND m.name NOT LIKE 'river%' AND m.name NOT LIKE 'goose%' AND c.pk = 0`)
		return err
	})
	look(t, pg, store.Everyone, func(tx *store.Tx) (err error) {
		have[1], err = tx.Strings(`SELECT c.table_name || '.' || c.column_name || CASE WHEN c.is_nullable = 'NO' THEN ' required' ELSE '' END FROM information_schema.columns c
 WHERE c.table_schema = 'public' AND c.table_name NOT LIKE 'river%' AND c.table_name NOT LIKE 'goose%' AND NOT EXISTS (
 SELECT FROM information_schema.key_column_usage k JOIN information_schema.table_constraints x ON x.constraint_name = k.constraint_name AND x.constraint_type = 'PRIMARY KEY'
 WHERE k.table_name = c.table_name AND k.column_name = c.column_name)`)
		return err
	})
	for i := range have {
		slices.Sort(have[i])
	}
	if len(have[0]) < 100 || !slices.Equal(have[0], have[1]) {
		t.Errorf("SQLite has\n%s\nPostgreSQL has\n%s", strings.Join(have[0], "\n"), strings.Join(have[1], "\n"))
	}
	var indexes [2][]string
	look(t, lite, store.Everyone, func(tx *store.Tx) (err error) {
		indexes[0], err = tx.Strings("SELECT name FROM sqlite_schema WHERE type = 'index' AND name NOT LIKE 'sqlite%' AND name NOT LIKE 'river%' ORDER BY name")
		return err
	})
	look(t, pg, store.Everyone, func(tx *store.Tx) (err error) {
		indexes[1], err = tx.Strings(`SELECT indexname FROM pg_indexes WHERE schemaname = 'public' AND indexname NOT LIKE 'river%' AND indexname NOT LIKE '%\_pkey' AND indexname NOT LIKE '%\_key'
 AND indexname NOT LIKE 'goose%' ORDER BY indexname`)
		return err
	})
	indexes[1] = append(indexes[1], "person_updated") // where the table person_change does its work
	slices.Sort(indexes[1])
	if !slices.Equal(indexes[0], indexes[1]) {
		t.Errorf("indexes differ:\n%v\n%v", indexes[0], indexes[1])
	}
}

func TestTenants(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		second := secondTenant(t, st)
		err := st.Update(t.Context(), store.Everyone, func(tx *store.Tx) error { return tx.CreateTenant(&muster.Tenant{Code: "other", Name: "Twice"}) })
		wantCode(t, "a code that is taken", err, muster.Conflict)
		write(t, st, second, func(tx *store.Tx) error {
			own, err := tx.Own()
			if err != nil {
				return err
			}
			own.Name, own.Settings.Limits.Percent = "Renamed", 7
			return tx.SaveTenant(own)
		})
		look(t, st, second, func(tx *store.Tx) error {
			own, err := tx.Own()
			if err != nil || own.Code != "other" || own.Name != "Renamed" || own.Settings.Limits.Percent != 7 {
				t.Errorf("own tenant %+v, %v", own, err)
			}
			list, err := tx.Tenants()
			if err != nil || len(list) != 2 || list[0].Name != "School" {
				t.Errorf("tenants %+v, %v", list, err)
			}
			return nil
		})
		look(t, st, 99, func(tx *store.Tx) error {
			_, err := tx.Own()
			wantCode(t, "a tenant that is not there", err, muster.NotFound)
			return nil
		})
	})
}

// SQLite has ready to undo every statement that may call a function: each page that it changes is copied before. What people and items are written with
// calls none.
func TestNoIndexOfManyRowsCallsAFunction(t *testing.T) {
	st := storetest.Open(t, store.SQLite)
	look(t, st, store.Everyone, func(tx *store.Tx) error {
		list, err := tx.Strings("SELECT sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN ('person', 'item', 'block', 'sealed_password', 'account')")
		if len(list) < 20 {
			t.Errorf("only %d indexes", len(list))
		}
		for _, index := range list {
			if call := regexp.MustCompile(`\w+\([^)]*\)`).FindString(index); call != "" {
				t.Errorf("%s in %s", call, index)
			}
		}
		return err
	})
}
