package batch

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/store"
)

// What is read without encoding/json is what encoding/json reads.
func TestRowsAreUnpackedAsTheyWerePacked(t *testing.T) {
	t.Parallel()
	text := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", `a"b`, `\`, "é", "a\nb", "<&>", `{"a":[1]}`}))
	rapid.Check(t, func(t *rapid.T) {
		rows := make([]Row, rapid.IntRange(1, 20).Draw(t, "rows"))
		for i := range rows {
			r := Row{Number: rapid.IntRange(0, 2_000_000_000).Draw(t, "number")}
			switch rapid.IntRange(0, 3).Draw(t, "kind") {
			case 0:
				r.Cells = rapid.SliceOfN(text, 1, 5).Draw(t, "cells")
				for n, cell := range r.Cells {
					r.Cells[n] = strings.ToValidUTF8(cell, "?")
				}
			case 1:
				object, err := json.Marshal(rapid.MapOf(text, rapid.SliceOf(text)).Draw(t, "object"))
				if err != nil {
					t.Fatal(err)
				}
				r.JSON = object
			case 2:
				r.JSON, r.Secret = json.RawMessage(`{"a":{"b":"}"}}`), true
			default:
				r.Faults = muster.Errors{muster.Errorf(muster.Invalid, "a", "That is no good.")}
			}
			rows[i] = r
		}
		block, err := pack(7, rows)
		if err != nil {
			t.Fatal(err)
		}
		read, err := unpack(block)
		if err != nil {
			t.Fatal(err)
		}
		for i := range rows {
			want, err := json.Marshal(rows[i])
			if err != nil {
				t.Fatal(err)
			}
			var as Row
			if err := json.Unmarshal(want, &as); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(read[i], as) {
				t.Fatalf("row %d is %+v, and was %+v", i, read[i], as)
			}
		}
	})
}

// A line that is no row of ours is left to encoding/json, which says what is wrong with it.
func TestWhatIsNoRowIsNotRead(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		"", "{", `{"n":`, `{"n":1`, `{"n":1,"c":[`, `{"n":1,"c":["a`, `{"n":1,"c":["a"`, `{"n":1,"c":["a",]}`, `{"n":1,"c":["a"]}x`, `{"n":1,"c":["a\"]}`,
		`{"n":1,"j":`, `{"n":1,"j":1}`, `{"n":1,"j":{}`, `{"n":1,"j":{"a":"}"`, `{"n":,"c":["a"]}`, `{"n":1,"j":{},"s":true}`, `{"n":1234567890,"c":["a"]}`,
	} {
		var r rowReader
		var row Row
		if r.read(line, &row) {
			t.Errorf("%q was read as %+v", line, row)
		}
	}
}

// However many rows are asked for, they are no more than fit into so many bytes, and at least one.
func TestLargeRowsAreFewer(t *testing.T) {
	var rows []Row
	for i := range 600 {
		rows = append(rows, Row{Number: i + 1, Cells: []string{strings.Repeat("x", 100)}})
	}
	var blocks []store.Block
	for first := 0; first < len(rows); first += blockRows {
		b, err := pack(first, rows[first:min(first+blockRows, len(rows))])
		if err != nil {
			t.Fatal(err)
		}
		blocks = append(blocks, b)
	}
	for _, c := range []struct {
		most, rows int
		more       bool
	}{{1, 1, true}, {250, 2, true}, {300, 3, true}, {50_000, 500, true}, {59_000, 590, false}, {1 << 30, 590, false}} {
		got, more, err := cutRows(blocks, 10, 600, c.most)
		if err != nil || len(got) != c.rows || more != c.more || got[0].Number != 11 || got[len(got)-1].Number != 10+c.rows {
			t.Errorf("%d bytes: %d rows, more %v, %v", c.most, len(got), more, err)
		}
	}
}

// An object that came over several lines is one line of a block.
func TestObjectsOfSeveralLines(t *testing.T) {
	t.Parallel()
	block, err := pack(0, []Row{{Number: 1, JSON: json.RawMessage("{\n\t\"a\": \"b\\n\",\r\n\"c\": 1}")}, {Number: 2, JSON: json.RawMessage(`{ "a":2 }`)}})
	if err != nil {
		t.Fatal(err)
	}
	rows, err := unpack(block)
	if err != nil || len(rows) != 2 || string(rows[0].JSON) != `{"a":"b\n","c":1}` || string(rows[1].JSON) != `{ "a":2 }` {
		t.Errorf("%v %v", rows, err)
	}
}
