package people_test

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"unicode/utf8"

	"github.com/musterid/muster"
	"github.com/musterid/muster/e2e/people"
	"github.com/musterid/muster/internal/sheet"
)

func TestTheSameSeedGivesTheSamePeople(t *testing.T) {
	t.Parallel()
	a, b, other := people.New(7, "a"), people.New(7, "a"), people.New(8, "a")
	differs := false
	for range 1000 {
		p, q := a.Next(), b.Next()
		if p != q {
			t.Fatalf("%+v and %+v", p, q)
		}
		differs = differs || p != other.Next()
	}
	if !differs {
		t.Error("another seed gives the same people")
	}
}

func TestPeopleAreValidUniqueAndHaveNamesakes(t *testing.T) {
	t.Parallel()
	m := people.New(1, "x")
	emails, sources, names := map[string]bool{}, map[string]bool{}, map[string]int{}
	accented := 0
	const n = 20_000
	for range n {
		p := m.Next()
		draft := muster.Draft{"first_name": p.First, "last_name": p.Last, "email": p.Email, "source_id": p.SourceID, "department": p.Department}
		if _, faults := (muster.Person{}).With(draft); len(faults) > 0 {
			t.Fatalf("%+v: %v", p, faults)
		}
		if emails[p.Email] || sources[p.SourceID] {
			t.Fatalf("%+v has the address or id of somebody else", p)
		}
		emails[p.Email], sources[p.SourceID] = true, true
		names[p.First+" "+p.Last]++
		if utf8.RuneCountInString(p.First+p.Last) < len(p.First+p.Last) {
			accented++
		}
	}
	most := 0
	for _, k := range names {
		most = max(most, k)
	}
	if most < 20 || len(names) < n/5 {
		t.Errorf("%d names, the most common one %d times", len(names), most)
	}
	if accented < n/10 || accented > n*9/10 {
		t.Errorf("%d of %d have an accent", accented, n)
	}
}

func TestNamesakesDifferInAllButTheName(t *testing.T) {
	t.Parallel()
	m := people.Namesakes(1, "x", "Ana", "Díaz")
	a, b := m.Next(), m.Next()
	if a.First != "Ana" || a.Last != "Díaz" || b.First != a.First || b.Last != a.Last || a.Email == b.Email || a.SourceID == b.SourceID {
		t.Errorf("%+v and %+v", a, b)
	}
}

func TestFilesHoldThePeople(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{sheet.CSV, sheet.XLSX, sheet.NDJSON} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			var file bytes.Buffer
			if err := people.New(1, "x").Write(&file, kind, 300); err != nil {
				t.Fatal(err)
			}
			r, err := sheet.Open(&file, sheet.Options{Name: "people." + kind})
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			first := people.New(1, "x").Next()
			rows := 0
			for {
				row, err := r.Next()
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				if rows == 0 && kind != sheet.NDJSON && row.Cells[3] != first.Email {
					t.Errorf("first row %q, want %+v", row.Cells, first)
				}
				rows++
			}
			if rows != 300 {
				t.Errorf("%d rows", rows)
			}
		})
	}
}
