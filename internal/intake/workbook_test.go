package intake_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/batch"
	"github.com/musterid/muster/internal/intake"
	"github.com/musterid/muster/internal/roster"
	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

// workbook packs sheets, each a name and its rows, cells apart by bars.
func workbook(t *testing.T, sheets ...[]string) string {
	t.Helper()
	f := excelize.NewFile()
	defer f.Close()
	for _, s := range sheets {
		if _, err := f.NewSheet(s[0]); err != nil {
			t.Fatal(err)
		}
		for n, row := range s[1:] {
			cells := strings.Split(row, "|")
			if err := f.SetSheetRow(s[0], fmt.Sprintf("A%d", n+1), &cells); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := f.DeleteSheet("Sheet1"); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// bySheet says which sheets belong together: the members, and beside them what else there is of parts and ages.
func bySheet(names []string) (main string, beside []string) {
	for _, name := range names {
		switch strings.ToLower(name) {
		case "members":
			main = name
		case "parts", "ages":
			beside = append(beside, name)
		}
	}
	return main, beside
}

func TestSheetsBelongTogether(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		h := open(t, st)
		h.intake.RegisterProfile("clubs", clubs)
		file := workbook(
			t,
			[]string{"Read me"},
			[]string{"Parts", "Contact|Is a", "A@x.test|player", "b@x.test|coach", "c@x.test|player", "c@x.test|coach", "gone@x.test|player"},
			[]string{"Members", "Surname of the member|Contact|first_name", "A|a@x.test|Ann", "B|b@x.test|Bob", "C|c@x.test|", "D|d@x.test|"},
			[]string{"ages", "e-mail|cycles", "a@x.test|young", "a@x.test|old"},
		)
		u := intake.Upload{
			Name: "book.xlsx", Unit: roster.UnitRef{ID: h.club("tennis").ID}, Profile: "clubs", Sheets: bySheet,
			Reading: func(header []string) (map[string]string, error) {
				mapping := map[string]string{}
				for _, h := range header {
					if field := map[string]string{"Surname of the member": "last_name", "Contact": "email", "Is a": "role"}[h]; field != "" {
						mapping[h] = field
					}
				}
				return mapping, nil
			},
		}
		b := h.run(file, u)
		want := []string{"2 created", "3 created", `4 failed Rows 4 and 5 of the sheet "Parts" say different things`, "5 failed Is a: Nobody says what this is."}
		if got := h.told(b); !slices.EqualFunc(got, want, isTold) {
			t.Errorf("rows\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		if got := h.places(); len(got) != 2 || got[0] != "a@x.test tennis:player/[young old][]" || got[1] != "b@x.test tennis:coach/[][]" {
			t.Errorf("places %q", got)
		}
		o, err := intake.OptionsOf(b)
		note := `Rows of the sheet "Parts" whose e-mail address is in no row of the sheet "Members" were not used: 1, the first of them row 6.`
		if err != nil || len(o.Notes) != 1 || o.Notes[0].Message != note || strings.Join(o.Header, "|") != "Surname of the member|Contact|first_name|Is a|cycles" {
			t.Errorf("notes %v of %q, %v", o.Notes, o.Header, err)
		}
		answer, err := excelize.OpenReader(strings.NewReader(h.result(b)))
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Close()
		if rows, err := answer.GetRows("Members"); err != nil || len(rows) != 5 || strings.Join(rows[1][:6], "|") != "A|a@x.test|Ann|player|young,old|created" {
			t.Errorf("answer %q %v", rows, err)
		}
		if again := h.run(file, u); again.Counts.Unchanged != 2 {
			t.Errorf("again: %v", h.told(again))
		}
		retried, err := h.engine.Retry(t.Context(), h.caller, b.ID, batch.CarryIt)
		if err != nil {
			t.Fatal(err)
		}
		if retried = h.wait(retried); retried.Counts.Failed != 2 {
			t.Errorf("tried again: %v", h.told(retried))
		}
		t.Run("OneSheetIsEnough", func(t *testing.T) {
			h := h.in(t)
			u := u
			u.Unit = roster.UnitRef{ID: h.club("golf").ID}
			b := h.run(workbook(t, []string{"Sheet of mine", "Surname of the member|Contact|Is a", "A|a@x.test|player"}), u)
			if b.Counts.Created != 1 {
				t.Errorf("%v", h.told(b))
			}
			b = h.run("Surname of the member;Contact;Is a\nA;a@x.test;player\n", u)
			if b.Counts.Unchanged != 1 {
				t.Errorf("%v", h.told(b))
			}
		})
		t.Run("NoAddress", func(t *testing.T) {
			h := h.in(t)
			u := u
			u.Unit = roster.UnitRef{}
			_, err := h.upload(workbook(t, []string{"members", "last_name|email", "A|a@x.test"}, []string{"parts", "Is a", "player"}), u)
			if muster.CodeOf(err) != muster.Required || !strings.Contains(err.Error(), `The sheet "parts" has no column that means email`) {
				t.Errorf("got %v", err)
			}
		})
	})
}
