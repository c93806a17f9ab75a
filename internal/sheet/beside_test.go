package sheet

import (
	"bytes"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"github.com/musterid/muster"
)

// workbookOf packs sheets, each a name and its rows, cells apart by bars.
func workbookOf(t *testing.T, sheets ...[]string) string {
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

func asIs([]string) (map[string]string, error) { return nil, nil }

func TestBesideSheets(t *testing.T) {
	t.Parallel()
	people := []string{"people", "email|last_name|role", "a@x.test|A|", "B@x.test|B|pupil", "|nobody|", "c@x.test|C|", "a@x.test|again|"}
	for _, c := range []struct {
		name    string
		sheets  [][]string
		reading func([]string) (map[string]string, error)
		header  string
		want    string
		mapping map[string]string
		left    string
	}{
		{
			"OneCellEach",
			[][]string{{"roles", "email|role|school_year", "b@x.test|teacher|2026", "A@X.test|parent|2025", "z@x.test|parent|2025", "y@x.test|parent|2025"}},
			asIs, "email|last_name|role|school_year",
			"2:a@x.test|A|parent|2025\n3:B@x.test|B|pupil|2026\n4:|nobody||\n5:c@x.test|C||\n6:a@x.test|again|parent|2025",
			map[string]string{},
			"[{roles people 2 4}]",
		},
		{
			"ListsAddUp",
			[][]string{{"cycles", "Mail|cycle", "c@x.test|high", "a@x.test|primary", "c@x.test|middle", "c@x.test|high", "|high"}},
			asIs, "email|last_name|role|cycle",
			"2:a@x.test|A||primary\n3:B@x.test|B|pupil|\n4:|nobody||\n5:c@x.test|C||high,middle\n6:a@x.test|again||primary",
			map[string]string{},
			"[{cycles people 1 6}]",
		},
		{
			"TwoWordsAreAFault",
			[][]string{{"roles", "email|role", "b@x.test|teacher", "c@x.test|teacher", "c@x.test|parent", "c@x.test| teacher "}},
			asIs, "email|last_name|role",
			"2:a@x.test|A|\n3:B@x.test|B|pupil\n4:|nobody|\n5:c@x.test|C|teacher !Rows 3 and 4 of the sheet \"roles\" say different things of this person in the column \"role\", which takes one.\n6:a@x.test|again|",
			map[string]string{},
			"[]",
		},
		{
			"HeadersThatMeanOtherThings",
			[][]string{{"one", "email|kind|muster_status|drop", "a@x.test|k1|done|x"}, {"two", "email|kind", "a@x.test|k2"}},
			func(header []string) (map[string]string, error) {
				if len(header) == 4 {
					return map[string]string{"KIND": "level", "drop": "-"}, nil
				}
				if len(header) == 2 {
					return map[string]string{"kind": "class_code"}, nil
				}
				return nil, nil
			},
			"email|last_name|role|kind|Column E",
			"2:a@x.test|A||k1|k2\n3:B@x.test|B|pupil||\n4:|nobody|||\n5:c@x.test|C|||\n6:a@x.test|again||k1|k2",
			map[string]string{"kind": "level", "Column E": "class_code"},
			"[]",
		},
		{
			"PasswordsAreNotKept",
			[][]string{{"roles", "email|password|pwd", "a@x.test|secret|secret"}},
			asIs, "email|last_name|role|password",
			"2:a@x.test|A||\n3:B@x.test|B|pupil|\n4:|nobody||\n5:c@x.test|C||\n6:a@x.test|again||",
			map[string]string{},
			"[]",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			names := make([]string, len(c.sheets))
			for i, s := range c.sheets {
				names[i] = s[0]
			}
			r := openText(t, workbookOf(t, append(c.sheets, people)...), Options{Choose: func([]string) string { return "people" }})
			mapping, err := r.Beside(names, "email", c.reading)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(r.Header(), "|"); got != c.header || !maps.Equal(mapping, c.mapping) {
				t.Errorf("header %q with %v, want %q with %v", got, mapping, c.header, c.mapping)
			}
			if got := flat(readAll(t, r)); got != c.want {
				t.Errorf("rows\n%s\nwant\n%s", got, c.want)
			}
			if left, err := r.Left(); err != nil || fmt.Sprint(left) != c.left {
				t.Errorf("left %v %v, want %s", left, err, c.left)
			}
			columns, err := Map(r.Header(), mapping)
			if err != nil {
				t.Errorf("the whole header: %v %+v", err, columns)
			}
		})
	}
}

func TestBesideRefused(t *testing.T) {
	t.Parallel()
	people := []string{"people", "email|last_name", "a@x.test|A", "b@x.test|B"}
	for _, c := range []struct {
		name   string
		sheet  []string
		limits Limits
		code   muster.Code
		want   string
	}{
		{"NoKey", []string{"roles", "role", "parent"}, Limits{}, muster.Required, `The sheet "roles" has no column that means email, by which rows of the sheets belong together; it has "role".`},
		{"NoHeader", []string{"roles"}, Limits{}, muster.Invalid, "There is no header"},
		{"TwoKeys", []string{"roles", "email|mail", "a|b"}, Limits{}, muster.Invalid, `"email" and "mail" both mean email`},
		{"Columns", []string{"roles", "email|level|class_code", "a|b|c"}, Limits{Columns: 3}, muster.TooLong, "(limit columns)"},
		{"Rows", []string{"roles", "email|level", "a@x.test|1", "b@x.test|2", "c@x.test|3"}, Limits{Rows: 2}, muster.TooLong, "(limit rows)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := openText(t, workbookOf(t, people, c.sheet), Options{Limits: c.limits})
			_, err := r.Beside([]string{"roles"}, "email", asIs)
			if muster.CodeOf(err) != c.code || !strings.Contains(fmt.Sprint(err), c.want) {
				t.Errorf("got %s %v, want %s with %q", muster.CodeOf(err), err, c.code, c.want)
			}
		})
	}
	t.Run("NoWorkbook", func(t *testing.T) {
		t.Parallel()
		r := openText(t, "email\na@x.test\n", Options{Choose: func([]string) string { t.Error("asked for a sheet"); return "" }})
		if _, err := r.Beside([]string{"roles"}, "email", asIs); muster.CodeOf(err) != muster.Unsupported {
			t.Errorf("got %v", err)
		}
	})
}

// Whatever the order of the rows and however many, each finds its own, and what is kept in memory for each is small.
func TestBesideMany(t *testing.T) {
	t.Parallel()
	const n = 30_000 // more text than stays in memory
	people, levels := []string{"people", "email|last_name"}, []string{"levels", "email|level|note"}
	for i := range n {
		people = append(people, fmt.Sprintf("p%d@x.test|L%d", i, i))
		levels = append(levels, fmt.Sprintf("P%d@x.test|%d|%s", n-1-i, n-1-i, strings.Repeat("note ", 10)))
	}
	r := openText(t, workbookOf(t, people, levels), Options{})
	if _, err := r.Beside([]string{"levels"}, "email", asIs); err != nil {
		t.Fatal(err)
	}
	if r.beside.spool.file == nil || len(r.beside.spool.mem) > insideBytes || len(r.beside.index) != n {
		t.Errorf("%d rows are known, %d bytes of them in memory, in a file: %v", len(r.beside.index), len(r.beside.spool.mem), r.beside.spool.file != nil)
	}
	for i, row := range readAll(t, r) {
		if row.Cells[2] != fmt.Sprint(i) || row.Cells[1] != fmt.Sprint("L", i) {
			t.Fatalf("row %d: %q", i, row.Cells)
		}
	}
	if left, err := r.Left(); err != nil || len(left) != 0 {
		t.Errorf("left %v %v", left, err)
	}
}
