package intake_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/batch"
	"github.com/musterid/muster/internal/intake"
	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

// given is a username that lifts the counter of its base.
const given = "jean.dupont099000"

// A file of new people is decided on ahead of the rows' turns. What is different about a row further down is seen all the same, and rows keep their
// order: the first of two namesakes has the lower number.
func TestRowsAreForeseenUntilOneIsOfSomebodyHere(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		all := open(t, st)
		const rows, odd = 5_600, 5_500 // in the second chunk, or one after it
		for name, c := range map[string]struct {
			row  string // email,username,source_id
			want string
		}{
			"somebody who is here": {"Ann@x.test,,z", "updated"},
			"a username held":      {"z@x.test,ANN,z", `failed username: "ANN" is already that of`},
			"a username of before": {"z@x.test,ANN.LEE001,z", `failed username: "ANN.LEE001" was the username of`},
			"a row long before":    {"P10@x.test,,z", "failed source_id: The e-mail address is that of"},
			"a row just before":    {"p5400@x.test,,z", `failed email: "p5400@x.test" is already that of row 5402`},
			"a row after it":       {"p5505@x.test,,z", "created"},
			"a number given":       {"z@x.test," + given + ",z", "created"},
		} {
			t.Run(name, func(t *testing.T) {
				h := all.in(t)
				h.run("email,last_name,first_name,employee_id\nann@x.test,Lee,Ann,E9\n", intake.Upload{})
				h.run("email,username\nann@x.test,ann\n", intake.Upload{})
				var file strings.Builder
				file.WriteString("first_name,last_name,email,username,source_id\n")
				for i := range rows {
					row := fmt.Sprintf("p%d@x.test,,s%d", i, i)
					if i == odd {
						row = c.row
					}
					fmt.Fprintf(&file, "Jean,Dupont,%s\n", row)
				}
				b := h.run(file.String(), intake.Upload{})
				told := h.told(b)
				if want := fmt.Sprint(odd+2, " ", c.want); !isTold(told[odd], want) {
					t.Errorf("got %s, want %s", told[odd], want)
				}
				for i := range told {
					want := "created"
					if name == "a row after it" && i == 5_505 {
						want = "failed email:"
					}
					if i != odd && !isTold(told[i], fmt.Sprint(i+2, " ", want)) {
						t.Fatalf("got %s, want it %s", told[i], want)
					}
				}
				h.numbered(b)
			})
		}
	})
}

// numbered makes sure that the numbers of usernames were given out in the order of a batch's rows.
func (h *house) numbered(b store.BatchRow) {
	h.t.Helper()
	last := 0
	for _, item := range h.items(b) {
		f, _ := item.Change.Field("username")
		name, _ := f.After.(string)
		n, err := strconv.Atoi(strings.TrimPrefix(name, "jean.dupont"))
		if err != nil || item.Change.Action != muster.Create || name == given {
			continue
		}
		if n <= last {
			h.t.Fatalf("row %d has %d after %d", item.Row, n, last)
		}
		last = n
	}
	if last == 0 {
		h.t.Fatal("nobody was given a username")
	}
}

// What is decided ahead is what is decided at a row's turn: the same file, once in one piece and once in pieces too small to be foreseen, comes to the
// same.
func TestForeseenRowsAreWhatTheyWouldBe(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		all := open(t, st)
		const rows = 5_400 // more than one chunk
		row := func(i int) string {
			return fmt.Sprintf("Élise,Martin %d,e%d@x.test,n%d,%s,n%d,2010-01-02,+33 1 %d\n", i%7, i, i, []string{"", "gen.name", ""}[i%3]+[]string{"", fmt.Sprint(i), ""}[i%3], i, 10_000_000+i)
		}
		const header = "first_name,last_name,email,source_id,username,employee_id,birth_date,phones.mobile\n"
		var tellings [2][]string
		for n, piece := range []int{rows, 1_800} {
			t.Run(fmt.Sprint(piece), func(t *testing.T) {
				h := all.in(t)
				for from := 0; from < rows; from += piece {
					var file strings.Builder
					file.WriteString(header)
					for i := range piece {
						file.WriteString(row(from + i))
					}
					b := h.run(file.String(), intake.Upload{Then: batch.CarryIt, Source: "hr"})
					for at := 0; at < b.Total; at += 1_000 {
						items, err := h.engine.Items(t.Context(), h.caller, b, "", at, 1_000)
						if err != nil {
							t.Fatal(err)
						}
						for _, item := range items {
							text, err := item.Change.AppendJSON(nil)
							if err != nil {
								t.Fatal(err)
							}
							tellings[n] = append(tellings[n], string(item.State)+" "+string(text))
						}
					}
				}
			})
		}
		if len(tellings[0]) != rows || len(tellings[1]) != rows {
			t.Fatalf("%d and %d items", len(tellings[0]), len(tellings[1]))
		}
		for i := range tellings[0] {
			if tellings[0][i] != tellings[1][i] {
				t.Fatalf("row %d: %s\nin pieces: %s", i, tellings[0][i], tellings[1][i])
			}
		}
	})
}
