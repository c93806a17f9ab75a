package store_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

// Many people are read in another way than few, and for writing in another way than for looking.
func TestManyPeopleAreReadAsFewAre(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		people := stored(t, st, 0, 30)
		var seqs []int64
		var keys []string
		for i, p := range people {
			seqs, keys = append(seqs, p.Seq), append(keys, p.Keys.Email)
			write(t, st, storetest.Tenant, func(tx *store.Tx) error {
				after := *p
				changes[i%len(changes)](&after)
				after.Version++
				return tx.ChangePeople([]store.PersonChange{{Before: p, After: &after}})
			})
		}
		want := map[int64]store.PersonRow{}
		look(t, st, storetest.Tenant, func(tx *store.Tx) (err error) {
			want, err = tx.People(seqs)
			return err
		})
		err := st.Bulk(t.Context(), storetest.Tenant, func(tx *store.Tx) error {
			got, err := tx.People(append(seqs, 999_999))
			if diff := cmp.Diff(want, got); diff != "" || len(got) != len(people) {
				t.Errorf("%d people: %s", len(got), diff)
			}
			if err != nil {
				return err
			}
			holding, err := tx.PeopleHolding(store.EmailKey, append(keys, "nobody"))
			for _, p := range want {
				if p.Keys.Email == "" {
					continue
				}
				if diff := cmp.Diff(&p, holding[p.Keys.Email]); diff != "" {
					t.Errorf("by address: %s", diff)
				}
				delete(holding, p.Keys.Email)
			}
			if len(holding) != 0 {
				t.Errorf("besides: %v", holding)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

// A profile is read as encoding/json reads it, whatever stands in it.
func TestProfilesAreReadAsTheyAreWritten(t *testing.T) {
	t.Parallel()
	text := rapid.OneOf(rapid.SampledFrom([]string{"", "IT", "Évry", "a\"b", "back\\slash", "line\u2028", "bad \xff", "<b>", "\x01"}), rapid.String())
	rapid.Check(t, func(t *rapid.T) {
		p := muster.Profile{
			Department: text.Draw(t, "department"), MiddleName: text.Draw(t, "middle name"), BirthDate: text.Draw(t, "birth date"), RecoveryEmail: text.Draw(t, "recovery"),
			CostCenter: text.Draw(t, "cost center"),
		}
		if rapid.Bool().Draw(t, "more") {
			p.Attributes = map[string]string{text.Draw(t, "name"): text.Draw(t, "value")}
			p.Flags = map[string]any{"sudo": true}
		}
		b, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		var want muster.Profile
		if err := json.Unmarshal(b, &want); err != nil {
			t.Fatal(err)
		}
		got, err := store.ReadProfile(b)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Fatalf("%s: %v %s", b, err, diff)
		}
	})
}

func FuzzReadProfile(f *testing.F) {
	for _, s := range []string{`{}`, `{"department":"IT"}`, `{"department":"IT","nickname":"Jo"}`, `{"department":"IT",}`, `{"department" : "IT"}`, `{"a":1}`, `{"department":null}`, `{"Department":"x"}`, `{"department":"a","department":"b"}`, `{"department":"\u00e9"}`, `[]`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var want muster.Profile
		wrong := json.Unmarshal(b, &want)
		got, err := store.ReadProfile(b)
		if len(b) == 0 {
			return // none
		}
		if (err == nil) != (wrong == nil) {
			t.Fatalf("%q: %v, want %v", b, err, wrong)
		}
		if err == nil && fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
			t.Fatalf("%q: %+v, want %+v", b, got, want)
		}
	})
}
