package intake_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/batch"
	"github.com/musterid/muster/internal/intake"
	"github.com/musterid/muster/internal/sheet"
	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

// A file that cannot be understood as a whole is refused, with what to do, and leaves nothing.
func TestFilesRefused(t *testing.T) {
	broken := strings.Repeat(`{"email":"a@x.test"}`+"\n", 1500) + "{\n"
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		h := open(t, st)
		for _, c := range []struct {
			name   string
			file   string
			upload intake.Upload
			code   muster.Code
			want   string
		}{
			{"HeaderOnly", "email,last_name\n", intake.Upload{}, muster.Required, "no row"},
			{"BlankRowsOnly", "email,last_name\n,\n\n", intake.Upload{}, muster.Required, "no row"},
			{"Empty", "", intake.Upload{}, muster.Invalid, ""},
			{"NobodyIsNamed", "locker,shoe\n1,2\n", intake.Upload{}, muster.Required, `The columns are "locker", "shoe".`},
			{"NamesOnly", "Prénom,Nom,class\nAnn,Lee,6A\n", intake.Upload{}, muster.Required, "mode: No column says who is in the directory already"},
			{"NamesOnlyToUpdate", "Prénom,Nom\nAnn,Lee\n", intake.Upload{Matching: muster.UpdateOnly}, muster.Required, "mode: No column says who in the directory is meant"},
			{"AddressLeftOut", "Nom,email\nLee,a@x.test\n", intake.Upload{Mapping: map[string]string{"email": "-"}}, muster.Required, "import in the mode create"},
			{"TwoColumnsOfOneMeaning", "email,Mail\na@x.test,b@x.test\n", intake.Upload{}, muster.Invalid, `"email" and "Mail" both mean email`},
			{"MappingOfNoColumn", "email\na@x.test\n", intake.Upload{Mapping: map[string]string{"shoe": "email"}}, muster.Invalid, `no column "shoe"`},
			{"MappingToNoField", "email\na@x.test\n", intake.Upload{Mapping: map[string]string{"email": "shoe"}}, muster.Invalid, `no field "shoe"`},
			{"NoSuchMode", "email\na@x.test\n", intake.Upload{Matching: "merge"}, muster.Invalid, "none of create, update, upsert"},
			{"NoSuchDates", "email\na@x.test\n", intake.Upload{Dates: "ymd"}, muster.Invalid, "neither dmy"},
			{"JSONCutOff", `[{"email":"a@x.test"},{"em`, intake.Upload{Name: "a.json"}, muster.Invalid, "cut off"},
			{"JSONNoRows", `[]`, intake.Upload{Name: "a.json"}, muster.Required, "no row"},
			{"BrokenFarDown", broken, intake.Upload{Name: "a.ndjson"}, muster.Invalid, "Line 1501 is not valid JSON"},
			{"TooManyRows", "email\na@x.test\nb@x.test\n", intake.Upload{Limits: sheet.Limits{Rows: 1}}, muster.TooLong, "(limit rows)"},
			{"OnlyOurColumns", "muster_status,muster_error\ncreated,\n", intake.Upload{}, muster.Required, "No column says who"},
		} {
			t.Run(c.name, func(t *testing.T) {
				h := h.in(t)
				c.upload.Then = batch.CarryIt
				_, err := h.upload(c.file, c.upload)
				if muster.CodeOf(err) != c.code || !strings.Contains(fmt.Sprint(err), c.want) {
					t.Errorf("got %s %v, want %s with %q", muster.CodeOf(err), err, c.code, c.want)
				}
			})
		}
		h.empty("batch", "block", "person", "item")
	})
}

// empty says that tables hold nothing.
func (h *house) empty(tables ...string) {
	h.t.Helper()
	for _, table := range tables {
		var n int
		if err := h.store.Handle().QueryRowContext(h.t.Context(), "SELECT count(*) FROM "+table).Scan(&n); err != nil || n != 0 {
			h.t.Errorf("%s holds %d rows %v", table, n, err)
		}
	}
}

const canary = "Zq7-canary-Xw3-9f!"

// Passwords are cut from rows before anything is stored: not in blocks, items, options or the log of the database, whatever the file.
func TestPasswordsAreNotStored(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		all := open(t, st)
		for name, c := range map[string]struct {
			file   string
			upload intake.Upload
			failed int
		}{
			"Column":     {"email,Mot de passe,last_name\na@x.test," + canary + ",A\n", intake.Upload{}, 0},
			"Hash":       {"email,password_hash,last_name\na@x.test," + canary + ",A\n", intake.Upload{}, 0},
			"LeftOut":    {"email,password,last_name\na@x.test," + canary + ",A\n", intake.Upload{Mapping: map[string]string{"password": "-"}}, 0},
			"Mapped":     {"email,secret,last_name\na@x.test," + canary + ",A\n", intake.Upload{Mapping: map[string]string{"secret": "password"}}, 0},
			"Twice":      {"email,password,last_name,pwd,password\na@x.test," + canary + ",A," + canary + "," + canary + "\n", intake.Upload{}, 0},
			"SlippedBy":  {"email,last_name,password,class\na@x.test,A,B," + canary + ",6A\n", intake.Upload{}, 1},
			"JSON":       {`[{"email":"a@x.test","password":"` + canary + `","last_name":"A"}]`, intake.Upload{Name: "a.json"}, 0},
			"JSONNested": {`[{"email":"a@x.test","login":{"initial password":"` + canary + `"},"list":[{"pwd":"` + canary + `"}]}]`, intake.Upload{Name: "a.json"}, 1},
			"JSONObject": {`[{"email":"a@x.test","password":{"value":"` + canary + `"},"last_name":"A"}]`, intake.Upload{Name: "a.json"}, 0},
		} {
			t.Run(name, func(t *testing.T) {
				h := all.in(t)
				b := h.run(c.file, c.upload)
				if b.Counts.Failed != c.failed {
					t.Errorf("%v", h.told(b))
				}
				rows, err := h.engine.Rows(t.Context(), h.caller, b, 0, 10)
				if err != nil {
					t.Fatal(err)
				}
				packed, _ := json.Marshal(rows)
				for what, text := range map[string]string{"rows": string(packed), "options": string(b.Options), "result": h.result(b), "items": fmt.Sprintf("%+v", h.items(b)), "people": fmt.Sprintf("%+v", h.people())} {
					if strings.Contains(text, canary) {
						t.Errorf("the password is in the %s: %s", what, text)
					}
				}
				o, err := intake.OptionsOf(b)
				if c.upload.Name == "" && (err != nil || !strings.Contains(fmt.Sprint(o.Notes), "passwords are not taken from files")) {
					t.Errorf("nobody is told: %v %v", o.Notes, err)
				}
			})
		}
		if st.Engine() == store.SQLite {
			for _, suffix := range []string{"", "-wal"} {
				content, err := os.ReadFile(st.DSN() + suffix)
				if err != nil || bytes.Contains(content, []byte(canary)) || bytes.Contains(content, []byte(base64.StdEncoding.EncodeToString([]byte(canary)))) {
					t.Errorf("the database file %q holds the password (%v)", suffix, err)
				}
			}
		}
	})
}

func TestColumnsThatNobodyRecognises(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		h := open(t, st)
		b := h.run("email,Shoe size,last_name,muster_error\na@x.test,42,A,old\n", intake.Upload{})
		o, err := intake.OptionsOf(b)
		if err != nil || len(o.Notes) != 1 || !strings.Contains(o.Notes[0].Message, `"Shoe size" was not recognised`) || len(o.Unrecognised()) != 1 {
			t.Errorf("notes %v, unrecognised %v, %v", o.Notes, o.Unrecognised(), err)
		}
		if got, want := h.result(b), "email,Shoe size,last_name,muster_status,muster_username,muster_error\na@x.test,42,A,created,a001,\n"; got != want {
			t.Errorf("result sheet\n%s\nwant\n%s", got, want)
		}
	})
}

// The answer to a file can be put right and sent again: it retries, and what was done stays.
func TestResultSheetIsImportedAgain(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		h := open(t, st)
		h.aim("")
		for name, file := range map[string]string{
			"CSV":    "email;Nom;note\na@x.test;=A;x\nbad;B;\"y;\"\"z\"\"\"\n",
			"JSON":   `[{"email":"c@x.test","last_name":"C"},{"email":"bad","last_name":"D"}]`,
			"NDJSON": `{"email":"e@x.test","last_name":"E"}` + "\n" + `{"email":"bad","last_name":"F"}` + "\n",
		} {
			u := intake.Upload{Name: "list." + strings.ToLower(name)}
			first := h.run(file, u)
			if c := first.Counts; c.Created != 1 || c.Failed != 1 {
				t.Fatalf("%s: %v", name, h.told(first))
			}
			answer := h.result(first)
			if !strings.Contains(answer, "is not an e-mail address") || !strings.Contains(answer, "delivered") {
				t.Errorf("%s: the answer is\n%s", name, answer)
			}
			writes := h.target.Writes().Total()
			again := h.run(strings.ReplaceAll(answer, "bad", name+"@x.test"), u)
			if c := again.Counts; c.Unchanged != 1 || c.Created != 1 || h.target.Writes().Total() != writes+1 {
				t.Errorf("%s: put right: %v", name, h.told(again))
			}
			if strings.Count(h.result(again), "muster_status") > strings.Count(answer, "muster_status") {
				t.Errorf("%s: an answer to an answer grows", name)
			}
		}
		for _, p := range h.people() {
			if p.Email == "a@x.test" && p.LastName != "=A" {
				t.Errorf("a name that looks like a formula came back as %q", p.LastName)
			}
		}
	})
}

func TestResultOfWhatWasNotReached(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		h := open(t, st)
		b, err := h.upload(three, intake.Upload{})
		if err != nil {
			t.Fatal(err)
		}
		if got := h.result(b); strings.Count(got, ";pending;") != 3 {
			t.Errorf("ready:\n%s", got)
		}
		if b, err = h.engine.Plan(t.Context(), h.caller, b.ID); err != nil {
			t.Fatal(err)
		}
		b = h.wait(b, muster.Planned)
		if got := h.result(b); strings.Count(got, ";to be created;") != 3 || !strings.Contains(got, ";to be created;jean.dupont002;") {
			t.Errorf("planned:\n%s", got)
		}
		if b, err = h.engine.Cancel(t.Context(), h.caller, b.ID); err != nil {
			t.Fatal(err)
		}
		if got := h.result(b); strings.Count(got, ";skipped;;The batch was cancelled") != 3 {
			t.Errorf("cancelled:\n%s", got)
		}
	})
}

// Rows of one file see each other over thousands of rows, in a plan as in a run.
func TestDuplicatesFarApart(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		all := open(t, st)
		var file strings.Builder
		file.WriteString("first_name,last_name,email,username,employee_id\n")
		for i := range 5_200 {
			email, username, employee := fmt.Sprintf("p%d@x.test", i), "", ""
			switch i {
			case 1:
				username = "boss"
			case 2:
				employee = "E1"
			case 5_100:
				email = "P0@x.test"
			case 5_101:
				username = "BOSS"
			case 5_102:
				employee = "E1"
			case 5_103:
				email = "ann@x.test"
			case 3:
				email = "Ann@x.test"
			}
			fmt.Fprintf(&file, "Jean,Dupont,%s,%s,%s\n", email, username, employee)
		}
		for _, way := range []string{"run", "plan"} {
			t.Run(way, func(t *testing.T) {
				h := all.in(t)
				h.run("email,last_name,username\nann@x.test,Lee,ann\n", intake.Upload{})
				do := h.run
				if way == "plan" {
					do = h.planned
				}
				b := do(file.String(), intake.Upload{})
				told := h.told(b)
				for index, want := range map[int]string{
					0: "2 created", 3: "5 updated", 5_099: "5101 created", 5_101: `5103 failed username: "BOSS" is already that of`, 5_102: `5104 failed employee_id: "E1" is already that of`,
					5_103: "5105 failed This is the same person as row 5:", 5_104: "5106 created",
				} {
					if !isTold(told[index], want) {
						t.Errorf("got %s, want %s", told[index], want)
					}
				}
				// In a run the person of row 2 is there by then; in a plan only the claim is.
				if got := told[5_100]; !strings.Contains(got, "failed") || !strings.Contains(got, "row 2") {
					t.Errorf("got %s", got)
				}
				if c := b.Counts; c.Created != 5_195 || c.Updated != 1 || c.Failed != 4 {
					t.Errorf("counts %+v", c)
				}
			})
		}
	})
}
