package intake_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/batch"
	"github.com/musterid/muster/internal/intake"
	"github.com/musterid/muster/internal/roster"
	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

// requests is a profile with words of its own: firstname, boss, and the core's names for the rest. A firstname of "?" is a fault, one of "~" is
// dropped when the turn comes, "!" is a fault that shows only then, and "+x" is put behind what is there.
var requests = intake.Profile{
	Object: func(*intake.Options) func(json.RawMessage, bool) intake.Asked { return readRequest },
	Field: func(core string) string {
		return map[string]string{"first_name": "firstname", "manager": "boss", "employee_id": "badge"}[core] + map[bool]string{true: core}[core != "first_name" && core != "manager" && core != "employee_id"]
	},
}

func readRequest(raw json.RawMessage, _ bool) intake.Asked {
	var members map[string]any
	if json.Unmarshal(raw, &members) != nil {
		return intake.Asked{Faults: muster.Errors{muster.Errorf(muster.Invalid, "", "No object.")}}
	}
	a := intake.Asked{Draft: muster.Draft{}}
	for name, value := range members {
		text, _ := value.(string)
		switch name {
		case "id":
			a.Person = text
		case "boss":
			a.Manager = text
		case "firstname":
			if text == "?" {
				a.Faults = append(a.Faults, muster.Errorf(muster.Invalid, "firstname", "That is no name."))
				continue
			}
			a.Draft["first_name"] = value
		case "tag":
			a.Warnings = append(a.Warnings, muster.Errorf(muster.Unsupported, "tag", "Tags are not used."))
		default:
			a.Draft[name] = value
		}
	}
	a.Adapt = func(now *muster.Person, d muster.Draft) (muster.Draft, muster.Errors) {
		text, _ := d["first_name"].(string)
		own := muster.Draft{}
		for name, value := range d {
			own[name] = value
		}
		switch {
		case text == "~":
			delete(own, "first_name")
		case text == "!":
			return own, muster.Errors{muster.Errorf(muster.Policy, "firstname", "Not now.")}
		case strings.HasPrefix(text, "+"):
			own["first_name"] = now.FirstName + text[1:]
		}
		return own, nil
	}
	return a
}

// hall is a house with the profile, and a surface that sends bodies to it.
type hall struct {
	*house
	array intake.Array
}

func openHall(t *testing.T, st *store.Store) *hall {
	t.Helper()
	h := &hall{house: open(t, st)}
	h.intake.RegisterProfile("requests", requests)
	h.array = intake.Array{
		Name: "create", Profile: "requests", Matching: muster.EachNew, Secret: "password", Note: []string{"email", "id", "badge"},
		Rules: roster.AdmitOptions{NoUsername: true, FromZero: true}, Extra: json.RawMessage(`{"x":1}`),
		CheckSecret: func(s string) *muster.Error {
			if len(s) < 4 {
				return muster.Errorf(muster.Policy, "", "That password is too short.")
			}
			return nil
		},
	}
	return h
}

func (h *hall) post(body string, a intake.Array) (store.BatchRow, error) {
	return h.intake.ReceiveArray(h.t.Context(), h.caller, strings.NewReader(body), a)
}

// create and update send a body and wait for its end.
func (h *hall) create(body string) store.BatchRow { return h.send(body, h.array) }

func (h *hall) update(body string) store.BatchRow {
	a := h.array
	a.Matching = muster.ByID
	return h.send(body, a)
}

func (h *hall) send(body string, a intake.Array) store.BatchRow {
	h.t.Helper()
	b, err := h.post(body, a)
	if err != nil {
		h.t.Fatal(err)
	}
	return h.wait(b)
}

// said lists what became of each row: the fields that changed, or field and code of every reason.
func (h *hall) said(b store.BatchRow) []string {
	h.t.Helper()
	var list []string
	for _, item := range h.items(b) {
		words := []string{string(item.State)}
		if item.State == muster.DoneItem {
			words = append(words, item.Change.Names()...)
		}
		for _, reason := range item.Reasons {
			words = append(words, reason.Field+":"+string(reason.Code))
		}
		list = append(list, strings.Join(words, " "))
	}
	return list
}

func (h *hall) expect(b store.BatchRow, want ...string) {
	h.t.Helper()
	if got := h.said(b); !slices.Equal(got, want) {
		h.t.Errorf("rows:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// id is the id of whoever has a username, or had it when the test asked first.
func (h *hall) who(username string) store.PersonRow {
	h.t.Helper()
	for _, p := range h.people() {
		if p.Username == username {
			return p
		}
	}
	h.t.Fatalf("nobody is called %q", username)
	return store.PersonRow{}
}

func (h *hall) id(username string) string {
	p := h.who(username)
	return muster.HexID(p.Seq, p.CreatedAt)
}

func (h *hall) usernames() map[string]string {
	names := map[string]string{}
	for _, p := range h.people() {
		names[muster.HexID(p.Seq, p.CreatedAt)] = p.Username
	}
	return names
}

func TestArrayCreates(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		h := openHall(t, st)
		b := h.create(`[{"username":"ann","email":"ann@x.test","firstname":"Ann","tag":1},{"username":"bob","email":"bob@x.test","badge":"7"}]`)
		o, err := intake.OptionsOf(b)
		if err != nil || !b.Ordered || b.Counts.Created != 1 || b.Name != "create" || string(o.Extra) != `{"x":1}` || !slices.Equal(o.Noted, []string{"email", "badge"}) {
			t.Errorf("batch %+v, options %+v, %v", b, o, err)
		}
		h.expect(b, "done email first_name mode state username tag:unsupported", "failed badge:unsupported")
		empty := h.create(" [] ")
		if empty.State != muster.Finished || empty.Total != 0 || empty.FinishedAt.IsZero() || empty.StartedAt.IsZero() {
			t.Errorf("an empty array: %+v", empty)
		}
		if got := h.result(b); !strings.Contains(got, `"muster_status":"created"`) {
			t.Errorf("result sheet: %s", got)
		}
	})
}

// Nobody is looked for: whoever holds a key has it, and all that is wrong with a row is told.
func TestArrayKeysThatAreHeld(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		h := openHall(t, st)
		h.create(`[{"username":"ann","email":"ann@x.test","employee_id":"7"}]`)
		ann := h.who("ann").ID.String()
		b := h.create(`[
			{"username":"ANN","email":"ann@X.test","employee_id":"7"},
			{"username":"new","email":"ann@x.test","firstname":"?"},
			{"username":"new","email":"new@x.test"},
			{"username":"new","email":"new@x.test","state":"nonsense"},
			{"username":"other","email":"NEW@x.test"},
			{"username":"other","email":"other@x.test","firstname":"!"},
			{"username":"other","email":"other@x.test"}]`)
		h.expect(b, "failed username:conflict email:conflict badge:conflict", "failed firstname:invalid email:conflict", "done email mode state username",
			"failed state:invalid username:conflict email:conflict", "failed email:conflict", "failed firstname:policy", "done email mode state username")
		items := h.items(b)
		if r := items[0].Reasons[1]; !strings.Contains(r.Message, ann) {
			t.Errorf("%q does not name %s", r.Message, ann)
		}
		if r := items[4].Reasons[0]; r.Message != `"NEW@x.test" is already that of the row with index 2.` {
			t.Errorf("%q does not name the row", r.Message)
		}
	})
}

// Rows take effect one after the other.
func TestArrayInOrder(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		h := openHall(t, st)
		h.create(`[{"username":"ann","email":"a@x.test"},{"username":"bob","email":"b@x.test"},{"username":"eve","email":"e@x.test"}]`)
		ann, bob, eve := h.id("ann"), h.id("bob"), h.id("eve")
		row := func(id, rest string) string { return `{"id":"` + id + `"` + rest + `}` }

		b := h.update("[" + strings.Join([]string{
			row(ann, `,"username":"bob"`),  // taken
			row(ann, `,"username":"free"`), // the same person once more
			row(bob, `,"username":"tmp"`),
			row(eve, `,"username":"bob"`),
			row(bob, `,"username":"eve"`), // a swap by way of a third
			row(ann, `,"username":"BOB"`), // taken by a row
			row(ann, ``),
			row(ann, `,"firstname":"A"`),
			row(ann, `,"firstname":"+nn"`),
			row(ann, `,"firstname":"~"`),
			row(ann, `,"firstname":"!"`),
		}, ",") + "]")
		h.expect(b, "failed username:conflict", "done username", "done username", "done username", "done username", "failed username:conflict",
			"done", "done first_name", "done first_name", "done", "failed firstname:policy")
		if names := h.usernames(); names[ann] != "free" || names[bob] != "eve" || names[eve] != "bob" {
			t.Errorf("%v", names)
		}
		if r := h.items(b)[5].Reasons[0]; r.Message != `"BOB" is already that of the row with index 3.` {
			t.Errorf("%q does not name the row", r.Message)
		}
		for _, p := range h.people() {
			if p.Username == "free" && p.FirstName != "Ann" {
				t.Errorf("%+v", p)
			}
		}
		versions := func() (list []int64) {
			for _, p := range h.people() {
				list = append(list, p.Version)
			}
			return list
		}
		before := versions()
		if b := h.update("[" + row(ann, "") + "," + row(ann, `,"username":"free"`) + "]"); b.Counts.Unchanged != 2 || !slices.Equal(versions(), before) {
			t.Errorf("nothing to change: %+v", b.Counts)
		}
	})
}

func TestArrayIDs(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		h := openHall(t, st)
		h.create(`[{"username":"ann","email":"a@x.test"},{"username":"bob","email":"b@x.test"},{"username":"gone","email":"g@x.test"}]`)
		ann, bob, gone := h.id("ann"), h.id("bob"), h.id("gone")
		for _, p := range h.people() {
			if p.Username == "gone" {
				if results, err := h.roster.Change(t.Context(), h.caller, []roster.Wish{{Person: p.ID, Draft: muster.Draft{"state": "deleted"}}}); err != nil || results[0].Err != nil {
					t.Fatal(err, results)
				}
			}
		}
		p := h.people()[0]
		elsewhere := muster.HexID(p.Seq, p.CreatedAt.Add(time.Hour))
		b := h.update(`[{"firstname":"x"},{"id":"nonsense"},{"id":"` + gone + `"},{"id":"` + elsewhere + `","firstname":"?"},{"id":"` + muster.HexID(999, p.CreatedAt) + `"},
			{"id":"` + ann + `","boss":"` + bob + `"},{"id":"` + ann + `","boss":"` + ann + `"},{"id":"` + ann + `","boss":"` + gone + `","email":"b@x.test"},{"id":"` + ann + `","boss":"me"},
			{"id":"000000000000000000000000","username":"ghost","email":"ghost@x.test"},{"id":"` + muster.HexID(0, p.CreatedAt) + `","username":"ghost","email":"ghost@x.test"}]`)
		h.expect(b, "failed id:required", "failed id:not_found", "failed id:not_found", "failed firstname:invalid id:not_found", "failed id:not_found",
			"done manager", "failed boss:invalid", "failed boss:not_found email:conflict", "failed boss:not_found",
			"failed id:not_found", "failed id:not_found")
		if n := len(h.people()); n != 2 {
			t.Errorf("an update has made %d people of the two who are here", n)
		}
		c := h.create(`[{"username":"new","email":"n@x.test","boss":"` + ann + `"}]`)
		h.expect(c, "done email manager mode state username")
		if again := h.update(`[{"id":"` + ann + `","boss":"` + bob + `"}]`); again.Counts.Unchanged != 1 {
			t.Errorf("the manager they have: %v", h.said(again))
		}
	})
}

// More rows than one chunk has, of the same address: the first succeeds, and the others say whose it is.
func TestArrayAcrossChunks(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		h := openHall(t, st)
		const rows = 5_050
		var body strings.Builder
		for i := range rows {
			fmt.Fprintf(&body, `%s{"username":"u%d","email":"same@x.test"}`, map[bool]string{true: "[", false: ","}[i == 0], i)
		}
		b := h.create(body.String() + "]")
		if b.Counts.Created != 1 || b.Counts.Failed != rows-1 {
			t.Fatalf("%+v", b.Counts)
		}
		for _, index := range []int{1, 4_999, 5_000, rows - 1} {
			items, err := h.engine.Items(t.Context(), h.caller, b, "", index, 1)
			if err != nil || items[0].Reasons[0].Message != `"same@x.test" is already that of the row with index 0.` {
				t.Errorf("row %d: %v %v", index, items[0].Reasons, err)
			}
		}
		id := h.id("u0")
		body.Reset()
		for i := range rows {
			fmt.Fprintf(&body, `%s{"id":"%s","email":"v%d@x.test","firstname":"%d"}`, map[bool]string{true: "[", false: ","}[i == 0], id, i, i)
		}
		b = h.update(body.String() + "]")
		if p := h.people()[0]; b.Counts.Updated != rows || p.Email != fmt.Sprintf("v%d@x.test", rows-1) || p.FirstName != fmt.Sprint(rows-1) {
			t.Errorf("%+v %q", b.Counts, p.Email)
		}
	})
}

// A row that is nested too deep fails, and no other does.
func TestArrayOfADeepRow(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		h := openHall(t, st)
		a := h.array
		a.Limits.Depth = 4
		items := h.items(h.send(`[{"username":"a"},{"username":"b","x":[[[[{"password":"deep"}]]]],"password":"Deep-1234"},{"username":"c"}]`, a))
		if len(items) != 3 || items[0].State != muster.DoneItem || items[1].State != muster.FailedItem || items[2].State != muster.DoneItem {
			t.Fatalf("%+v", items)
		}
		if got := items[1].Reasons; len(got) != 1 || got[0].Code != muster.TooLong {
			t.Errorf("%v", got)
		}
	})
}

func TestArrayRefusedLeavesNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		h := openHall(t, st)
		many := "[" + strings.Repeat(`{"username":"x"},`, 10_500)
		a := h.array
		a.Limits = intake.ArrayLimits{Bytes: 1 << 20, Rows: 11_000, ElementBytes: 100, Depth: 4}
		for body, want := range map[string]string{
			"": intake.BodyEmpty, "{}": intake.BodyNotAnArray, "[1]": intake.BodyNotAnObject, many: intake.BodyInvalidJSON, many + "{}] x": intake.BodyTrailing,
			many + strings.Repeat("{},", 600): intake.BodyTooManyRows, many + strings.Repeat(" ", 1<<20): intake.BodyTooLarge,
			many + "{\"a\":\"\xff\"}]": intake.BodyInvalidUTF8,
		} {
			_, err := h.post(body, a)
			var refused *intake.BodyError
			if !errors.As(err, &refused) || refused.Reason != want {
				t.Errorf("%.20q…: %v, want %s", body, err, want)
			}
		}
		_, err := h.post(many+"{}]", intake.Array{Profile: "requests", Matching: muster.EachNew, Also: func(*store.Tx, *store.BatchRow) error {
			return muster.Errorf(muster.Conflict, "", "Used up.")
		}})
		if muster.CodeOf(err) != muster.Conflict {
			t.Errorf("what is also to be done fails: %v", err)
		}
		nobody := h.caller
		nobody.Grants = muster.ReadScope.Grants()
		if _, err := h.intake.ReceiveArray(t.Context(), nobody, strings.NewReader("[]"), h.array); muster.CodeOf(err) != muster.Forbidden {
			t.Errorf("a reader: %v", err)
		}
		if _, err := h.post("[]", intake.Array{Profile: "unknown"}); muster.CodeOf(err) != muster.Unsupported {
			t.Errorf("an unknown profile: %v", err)
		}
		var left int
		if err := st.Handle().QueryRowContext(t.Context(), "SELECT (SELECT count(*) FROM batch) + (SELECT count(*) FROM block)").Scan(&left); err != nil || left != 0 {
			t.Errorf("%d rows are left, %v", left, err)
		}
	})
}

// The directory's own rules hold beyond what the profile sees, and faults are told in the words of the rows.
func TestArrayFaultsInWordsOfRows(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		h := openHall(t, st)
		long := strings.Repeat("x", 2_000)
		b := h.create(`[{"username":"a","firstname":"` + long + `"},{"username":"b","firstname":7,"email":"no"},{"username":"c","firstname":"\ud83d"},{"username":"d\u0000"},
			{"username":"e","firstname":"?","first_name":"` + long + `"},{"username":"f"}]`)
		h.expect(b, "failed firstname:too_long", "failed email:invalid firstname:invalid", "failed :invalid", "failed username:invalid", "failed firstname:invalid", "done mode state username")
		id := h.id("f")
		b = h.update(`[{"id":"` + id + `","boss":"` + id + `","firstname":"!","email":"no"},{"id":"` + id + `","firstname":"?","last_name":"` + long + `"}]`)
		h.expect(b, "failed boss:invalid firstname:policy email:invalid", "failed firstname:invalid last_name:too_long")
	})
}

// A batch of requests can be planned and cancelled as any other, and what failed is tried again in the same way.
func TestArrayRetry(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		h := openHall(t, st)
		h.create(`[{"username":"ann","email":"a@x.test"}]`)
		b := h.create(`[{"username":"ann","email":"x@x.test"},{"username":"bob","email":"b@x.test"}]`)
		h.update(`[{"id":"` + h.id("ann") + `","username":"ann2"}]`)
		again, err := h.engine.Retry(t.Context(), h.caller, b.ID, batch.PlanIt)
		if err != nil {
			t.Fatal(err)
		}
		again = h.wait(again, muster.Planned)
		o, err := intake.OptionsOf(again)
		if err != nil || again.Total != 1 || again.Plan.Create != 1 || !again.Ordered || o.Matching != muster.EachNew || o.Profile != "requests" || string(o.Extra) != `{"x":1}` {
			t.Fatalf("%+v %+v %v", again, o, err)
		}
		if again, err = h.engine.Run(t.Context(), h.caller, again.ID); err != nil {
			t.Fatal(err)
		}
		again = h.wait(again, muster.Finished)
		h.expect(again, "done email mode state username")
		if labels, err := h.intake.Labels(t.Context(), h.caller, b, h.items(b)); err != nil || labels[0] != "x@x.test" {
			t.Errorf("labels %v %v", labels, err)
		}
	})
}

// Memory does not grow with the body.
func TestArrayMemory(t *testing.T) {
	h := openHall(t, storetest.Open(t, store.SQLite))
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	body := &endless{row: `{"username":"u%08d","email":"user%08d@example.test","attributes":"` + strings.Repeat("x", 20_000) + `"},`, rows: 3_000}
	a := h.array
	a.Also = func(*store.Tx, *store.BatchRow) error {
		runtime.GC()
		runtime.ReadMemStats(&after)
		return muster.Errorf(muster.Conflict, "", "Enough.")
	}
	if _, err := h.intake.ReceiveArray(t.Context(), h.caller, body, a); muster.CodeOf(err) != muster.Conflict {
		t.Fatal(err)
	}
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 40<<20 {
		t.Errorf("%d MiB of heap for a body of 60 MB", grown>>20)
	}
}

// endless is a body of so many rows, made as it is read.
type endless struct {
	row  string
	rows int
	n    int
	left []byte
}

func (e *endless) Read(to []byte) (int, error) {
	if len(e.left) == 0 {
		switch {
		case e.n == 0:
			e.left = []byte("[")
		case e.n <= e.rows:
			e.left = fmt.Appendf(nil, e.row, e.n, e.n)
		case e.n == e.rows+1:
			e.left = []byte("{}]")
		default:
			return 0, io.EOF
		}
		e.n++
	}
	n := copy(to, e.left)
	e.left = e.left[n:]
	return n, nil
}
