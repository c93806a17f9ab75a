package intake_test

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/uuid"
	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/batch"
	"github.com/musterid/muster/internal/intake"
	"github.com/musterid/muster/internal/roster"
	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

// in gives the same house to a fresh tenant.
func (h *house) in(t *testing.T) *house {
	t.Helper()
	own := muster.Tenant{Code: strings.ToLower(strings.ReplaceAll(t.Name(), "/", "-")), Name: t.Name(), Settings: muster.DefaultSettings()}
	if err := h.store.Update(t.Context(), store.Everyone, func(tx *store.Tx) error { return tx.CreateTenant(&own) }); err != nil {
		t.Fatal(err)
	}
	there := *h
	there.t, there.caller.Tenant, there.target = t, own.Seq, nil
	return &there
}

// told is what became of each row, in the words of the tests: row, outcome, and the reasons.
func (h *house) told(b store.BatchRow) []string {
	h.t.Helper()
	items := h.items(b)
	list := make([]string, len(items))
	counts := muster.Counts{}
	for i, item := range items {
		if item.Index != i {
			h.t.Errorf("item %d stands at %d", item.Index, i)
		}
		word := string(item.State)
		if item.State == muster.DoneItem {
			counts.Done++
			word = map[muster.Action]string{muster.Create: "created", muster.Update: "updated", muster.Delete: "updated"}[item.Change.Action]
			if item.Change.Empty() {
				word = "unchanged"
			}
		}
		if item.State == muster.FailedItem {
			counts.Failed++
		}
		if item.State == muster.SkippedItem {
			counts.Skipped++
		}
		list[i] = fmt.Sprintf("%d %s %s", item.Row, word, item.Reasons)
	}
	if len(items) != b.Total || counts.Done != b.Counts.Done || counts.Failed != b.Counts.Failed || counts.Skipped != b.Counts.Skipped {
		h.t.Errorf("batch %s: counts %+v of %d, items say %+v of %d", b.State, b.Counts, b.Total, counts, len(items))
	}
	return list
}

// planned plans a file, and then runs it as planned.
func (h *house) planned(content string, u intake.Upload) store.BatchRow {
	h.t.Helper()
	u.Then = batch.PlanIt
	b, err := h.upload(content, u)
	if err != nil {
		h.t.Fatal(err)
	}
	b = h.wait(b, muster.Planned)
	plan, failed, skipped := b.Plan, b.Counts.Failed, b.Counts.Skipped
	if plan.Create+plan.Update+plan.Unchanged+failed+skipped != b.Total {
		h.t.Errorf("the plan %+v, %d failed and %d skipped do not add up to %d", plan, failed, skipped, b.Total)
	}
	if b, err = h.engine.Run(h.t.Context(), h.caller, b.ID); err != nil {
		h.t.Fatal(err)
	}
	b = h.wait(b, muster.HeldBatch)
	if c := b.Counts; b.State == muster.Finished && (c.Created != plan.Create || c.Updated != plan.Update || c.Unchanged != plan.Unchanged || c.Failed != failed || c.Skipped != skipped) {
		h.t.Errorf("planned was %+v with %d failed and %d skipped, done %+v", plan, failed, skipped, c)
	}
	return b
}

const known = "username,first_name,last_name,email,employee_id,source,source_id\n" +
	"ann,Ann,Lee,ann@x.test,E1,hr,1\nbob,Bob,Ray,bob@x.test,E2,hr,2\ncid,Cid,Fox,,,,\n"

var rowCases = []struct {
	name   string
	upload intake.Upload
	file   string
	want   []string // row, outcome, part of the reasons
	check  func(h *house)
}{
	{"SameAddressTwice", intake.Upload{}, "last_name,email\nA,a@x.test\nB,A@X.test\nC,c@x.test\n", []string{"2 created", "3 failed email: \"A@X.test\" is already that of row 2.", "4 created"}, nil},
	{"SameIdTwice", intake.Upload{Source: "hr"}, "last_name,source_id,employee_id\nA,7,E7\nB,7,E8\nC,9,E7\n", []string{"2 created", "3 failed source_id: \"7\" is already that of row 2.", "4 failed employee_id: \"E7\" is already that of row 2."}, nil},
	{"SamePersonTwice", intake.Upload{}, "last_name,email,username\nLea,ann@x.test,\nLeu,ANN@x.test,\nX,,bob\n", []string{"2 updated", "3 failed This is the same person as row 2: Ann Lee", "4 updated"}, nil},
	{"MeansTwoPeople", intake.Upload{Source: "hr"}, "source_id,email,last_name\n1,bob@x.test,X\n", []string{"2 failed This row means two people: Ann Lee"}, nil},
	{"AnotherSourceIdOfTheSameSource", intake.Upload{Source: "hr"}, "source_id,email,last_name\n3,bob@x.test,X\n", []string{"2 failed source_id: The e-mail address is that of Bob Ray"}, nil},
	{"SourceIdIsLearntFromTheAddress", intake.Upload{Source: "school"}, "source_id,email,last_name\n3,bob@x.test,Ray\n", []string{"2 updated"}, nil},
	{
		"CreateOnly",
		intake.Upload{Matching: muster.CreateOnly},
		"first_name,last_name,email\nAnn,Lee,ann@x.test\nNew,One,new@x.test\nNo,Key,\nNo,Key,\n",
		[]string{"2 failed Ann Lee is in the directory already", "3 created", "4 created", "5 created"},
		nil,
	},
	{"UpdateOnly", intake.Upload{Matching: muster.UpdateOnly}, "last_name,email\nLeigh,ann@x.test\nNew,new@x.test\nFox,\n", []string{"2 updated", "3 failed Nobody in the directory has", "4 failed Nobody in the directory has"}, nil},
	{"UpsertNeedsAKey", intake.Upload{}, "first_name,last_name,email\nAnn,Lee,\n", []string{"2 failed email: Nothing says whether"}, nil},
	{"CreateNeedsNoKey", intake.Upload{Matching: muster.CreateOnly}, "first_name,last_name\nAnn,Lee\n", []string{"2 created"}, nil},
	{
		"ManagersByAddressAndUsername",
		intake.Upload{},
		"email,last_name,Manager Email\ncid@x.test,Fox,ANN@x.test\nbob@x.test,Ray,ann\nnew@x.test,New,last@x.test\nann@x.test,Lee,ann@x.test\nlast@x.test,Last,\n",
		[]string{"2 created", "3 updated", "4 created Manager Email: Nobody in the directory has the e-mail address or username \"last@x.test\", so no manager was set.", "5 failed Manager Email: Nobody is their own manager.", "6 created"},
		func(h *house) {
			p := h.people()
			if p[1].Manager != p[0].ID || p[3].Manager != p[0].ID || p[4].Manager != uuid.Nil {
				h.t.Errorf("managers %s %s %s of %s", p[1].Manager, p[3].Manager, p[4].Manager, p[0].ID)
			}
		},
	},
	{
		"TextsThatNoDatabaseHolds",
		intake.Upload{Name: "people.json"},
		`[{"email":"ok@x.test","last_name":"Fine"},{"email":"n\u0000@x.test","last_name":"A"},{"email":"b@x.test","groups":["a\u0000"]},{"email":"c@x.test","source":"hr","source_id":"1\u0000"},` +
			`{"email":"d@x.test","unit":"\u0000"},{"email":"e@x.test","manager":"\u0000"},{"username":"u\u0000"}]`,
		[]string{"1 created", "2 failed email: ", "3 failed groups: There is a control character", "4 failed source_id: There is a control character", "5 failed unit: There is a control character", "6 failed manager: There is a control character", "7 failed username: There is a control character"},
		nil,
	},
	{"UnitPaths", intake.Upload{}, "email,Org Unit Path\na@x.test,/\nb@x.test,/Pupils/6Q/\n", []string{"2 created", "3 failed Org Unit Path: There is no unit \"6Q\"."}, nil},
	{"EmptyCellsKeep", intake.Upload{}, "email,first_name,employee_id\nann@x.test,,\n", []string{"2 unchanged"}, nil},
	{"EmptyCellsClear", intake.Upload{EmptyClears: true}, "email,username,first_name,employee_id,state\nann@x.test,,,,\n", []string{"2 updated"}, func(h *house) {
		if p := h.people()[0]; p.FirstName != "" || p.EmployeeID != "" || p.Username != "ann" || p.LastName != "Lee" || p.State != muster.Active {
			h.t.Errorf("cleared: %+v", p)
		}
	}},
	{
		"DatesDayFirst",
		intake.Upload{Dates: "dmy"},
		"email,birth_date\nann@x.test,03/04/2010\nbob@x.test,31.12.2009\nc@x.test,12/31/2009\nd@x.test,2010-04-03\n",
		[]string{"2 updated", "3 updated", "4 failed birth_date: \"12/31/2009\" is not a date", "5 created"},
		func(h *house) {
			if p := h.people(); p[0].Profile.BirthDate != "2010-04-03" || p[1].Profile.BirthDate != "2009-12-31" {
				h.t.Errorf("dates %s %s", p[0].Profile.BirthDate, p[1].Profile.BirthDate)
			}
		},
	},
	{"DatesMonthFirst", intake.Upload{Dates: "mdy"}, "email,birth_date\nann@x.test,03/04/2010\n", []string{"2 updated"}, func(h *house) {
		if p := h.people()[0]; p.Profile.BirthDate != "2010-03-04" {
			h.t.Errorf("date %s", p.Profile.BirthDate)
		}
	}},
	{"DatesUnsaid", intake.Upload{}, "email,birth_date\nann@x.test,03/04/2010\nbob@x.test,2010-02-30\n", []string{"2 failed birth_date: \"03/04/2010\" is not a date of the form", "3 failed birth_date"}, nil},
	{"StateWords", intake.Upload{}, "email,statut\nann@x.test,Suspendu\nbob@x.test,inactive\nc@x.test,Activé\nd@x.test,en attente\n", []string{"2 updated", "3 updated", "4 created", "5 created"}, func(h *house) {
		for i, want := range []muster.State{muster.Suspended, muster.Suspended, muster.Active, muster.Active, muster.Staged} {
			if p := h.people()[i]; p.State != want {
				h.t.Errorf("%s is %s, want %s", p.Shown(), p.State, want)
			}
		}
	}},
	{"BlockSignIn", intake.Upload{}, "email,Block sign in\nann@x.test,Yes\nbob@x.test,no\n", []string{"2 updated", "3 unchanged"}, nil},
	{"StateOfAFewRowsIsNoState", intake.Upload{}, "email,state\nann@x.test,Texas\nbob@x.test,\n", []string{"2 unchanged", "3 unchanged"}, nil},
	{"WrongState", intake.Upload{Mapping: map[string]string{"x": "state"}}, "email,x\nann@x.test,perhaps\n", []string{"2 failed x: \"perhaps\" is no state"}, nil},
	{
		"LeaversWhoAreNotHere",
		intake.Upload{},
		"email,last_name,statut,class,unit,groups,manager\nz@x.test,Z,parti,6A,class:9Z,nowhere,boss\nann@x.test,Lee,supprimé,,,,\ny@x.test,Y,supprimé,,,,\nx@x.test,X,left,,,,\nnew@x.test,N,actif,,,,\n,K,parti,,,,\n",
		[]string{"2 skipped Nobody in the directory matches this row, so there is nobody to take out.", "3 updated", "4 skipped Nobody", "5 skipped Nobody", "6 created", "7 failed email: Nothing says whether"},
		func(h *house) {
			if n := len(h.people()); n != 3 {
				h.t.Errorf("%d people, want Bob, Cid and the new one", n)
			}
		},
	},
	{"LeaversToUpdate", intake.Upload{Matching: muster.UpdateOnly}, "email,state\nz@x.test,archived\nbob@x.test,archived\ny@x.test,active\n", []string{"2 skipped Nobody", "3 updated", "4 failed Nobody in the directory has"}, nil},
	{"LeaversToCreate", intake.Upload{Matching: muster.CreateOnly}, "email,last_name,state\nz@x.test,Z,archived\nbob@x.test,Ray,archived\n,Key,deleted\n", []string{"2 skipped Nobody", "3 failed Bob Ray is in the directory already", "4 skipped Nobody"}, nil},
	{"LeaversWithFaults", intake.Upload{}, "email,state,birth_date\nz@x.test,archived,soon\n", []string{"2 failed birth_date"}, nil},
	{"SharedEmail", intake.Upload{SharedEmail: true, Source: "hr"}, "source_id,email,last_name\n8,ann@x.test,A\n9,ann@x.test,B\n", []string{"2 created", "3 created"}, nil},
	{
		"AllFaultsOfARow",
		intake.Upload{},
		"email,birth_date,locale,status,groups\nbad,soon,!!,active,nowhere\n",
		[]string{"2 failed birth_date: \"soon\" is not a date of the form 2006-01-31. If day and month stand first, say so: dates dmy or mdy.; email: \"bad\" is not an e-mail address"},
		nil,
	},
	{"TooManyCells", intake.Upload{}, "email,last_name\nann@x.test,Lee,more\nbob@x.test,Roy\n", []string{"2 failed The row has more cells", "3 updated"}, nil},
	{"BlankRows", intake.Upload{}, "email,last_name\n\n,\nann@x.test,Lea\n\n", []string{"4 updated"}, nil},
	{
		"JSONTypes",
		intake.Upload{Name: "a.json"},
		`[{"email":5,"last_name":"A"},{"email":"ann@x.test","last_name":["x"]},{"email":"ann@x.test","absent":"perhaps"},{"email":"bob@x.test","absent":true,"phones":[{"type":"work","number":"1"}]}]`,
		[]string{"1 failed email: A text is expected here, not a number", "2 failed last_name: A text is expected here, not a list", "3 failed absent: \"perhaps\" is neither", "4 updated"},
		nil,
	},
	{
		"JSONUnknownField",
		intake.Upload{Name: "a.json"},
		`[{"email":"ann@x.test","shoe":"42"},{"email":"bob@x.test","muster_status":"x","Nom":"Roy"}]`,
		[]string{"1 failed shoe: There is no field \"shoe\".", "2 updated"},
		nil,
	},
	{"JSONTwoNamesForOneField", intake.Upload{Name: "a.json"}, `[{"email":"ann@x.test","Mail":"bob@x.test"}]`, []string{"1 failed email: \"Mail\" and \"email\" mean the same"}, nil},
	{"JSONState", intake.Upload{Name: "a.json"}, `[{"email":"ann@x.test","suspended":true},{"email":"bob@x.test","enabled":false},{"username":"cid","state":"actif"}]`, []string{"1 updated", "2 updated", "3 unchanged"}, nil},
	{"JSONNullClears", intake.Upload{Name: "a.json"}, `[{"email":"ann@x.test","employee_id":null},{"email":"bob@x.test","username":null}]`, []string{"1 updated", "2 failed username: A username can be changed and not be taken away"}, nil},
	{"JSONEmptyObject", intake.Upload{Name: "a.json"}, `[{}, {"email":"ann@x.test","last_name":"Lea"}]`, []string{"1 failed email: Nothing says", "2 updated"}, nil},
	{"NDJSON", intake.Upload{Name: "a.ndjson"}, "{\"email\":\"ann@x.test\",\"last_name\":\"Lea\"}\n\n{\"email\":\"z@x.test\"}\n", []string{"1 updated", "3 created"}, nil},
	{"UTF16", intake.Upload{}, utf16Text("email\tNom\tPrénom\nann@x.test\tLeé\tAnn\nœ@x.test\tŒ\tZoé\n"), []string{"2 updated", "3 created"}, func(h *house) {
		if p := h.people(); p[0].LastName != "Leé" || p[3].Username != "zoe.oe001" {
			h.t.Errorf("%+v", p[3])
		}
	}},
	{
		"GroupsAndUnits",
		intake.Upload{},
		"email,last_name,groups,unit,unit title,role\nann@x.test,Lee,\"staff, board\",class:6A,Head,member\nz@x.test,Z,staff,,,member\nnew@x.test,N,nowhere,class:9Z,,\nbob@x.test,R,,6A,,\n",
		[]string{"2 updated", "3 created role: A role is held in a unit", "4 failed unit:", "5 updated"},
		func(h *house) {
			if n := len(h.people()); n != 4 {
				h.t.Errorf("%d people: a row that failed left somebody", n)
			}
		},
	},
	{"NumbersAndFormulas", intake.Upload{}, "email,last_name\nann@x.test,=1+1\nbob@x.test,'=Roy\n", []string{"2 updated", "3 updated"}, func(h *house) {
		if p := h.people(); p[0].LastName != "=1+1" {
			h.t.Errorf("names %q %q", p[0].LastName, p[1].LastName)
		}
	}},
}

func utf16Text(s string) string {
	out := []byte{0xFF, 0xFE}
	for _, u := range utf16.Encode([]rune(s)) {
		out = binary.LittleEndian.AppendUint16(out, u)
	}
	return string(out)
}

// Every row has its own outcome, and planning before running leads to the same.
func TestRows(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		all := open(t, st)
		for _, c := range rowCases {
			for _, way := range []string{"run", "plan"} {
				t.Run(c.name+"/"+way, func(t *testing.T) {
					h := all.in(t)
					h.furnish()
					do := h.run
					if way == "plan" {
						do = h.planned
					}
					got := h.told(do(c.file, c.upload))
					if !slices.EqualFunc(got, c.want, isTold) {
						t.Errorf("rows\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
					}
					if c.check != nil {
						c.check(h)
					}
				})
			}
		}
	})
}

// isTold says whether a row's outcome is the wanted one, with the wanted text in its reasons.
func isTold(got, want string) bool {
	g, w := strings.SplitN(got, " ", 3), strings.SplitN(want+" ", " ", 3)
	return g[0] == w[0] && g[1] == w[1] && strings.Contains(g[2], strings.TrimSpace(w[2]))
}

// furnish makes the people, groups and units that the cases know.
func (h *house) furnish() {
	h.t.Helper()
	if b := h.run(known, intake.Upload{Matching: muster.CreateOnly}); b.Counts.Created != 3 {
		h.t.Fatalf("furnish: %v", h.told(b))
	}
	if _, err := h.roster.CreateGroups(h.t.Context(), h.caller, []roster.NewGroup{{Code: "staff", Label: "Staff"}, {Code: "board", Label: "Board"}}); err != nil {
		h.t.Fatal(err)
	}
	if _, err := h.roster.CreateUnits(h.t.Context(), h.caller, []roster.NewUnit{{Kind: "class", Code: "6A", Name: "6A"}}); err != nil {
		h.t.Fatal(err)
	}
}
