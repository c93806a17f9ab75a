package intake

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzObject holds the reading of objects to encoding/json's.
func FuzzObject(f *testing.F) {
	for _, s := range []string{
		`{}`, ` { "a" : "b" , "c":1.5e3,"d":null,"e":true,"f":false } `, `{"a":1,"a":"twice","A":2}`, `{"\u0061":"\n\ud83d\ude00é"}`, `{"a":{"b":[1,{"c":"d"}]},"e":[]}`,
		`{"n":-0,"m":1E400,"l":[1e999,2,{"x":1e999}]}`, "{\"a\":\t\"x\"\r\n}",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if !json.Valid(raw) || firstByte(raw) != '{' {
			return
		}
		got := ObjectOf(raw)
		var want map[string]any
		if json.Unmarshal(raw, &want) != nil { // a number that is too large
			decoder := json.NewDecoder(strings.NewReader(string(raw)))
			decoder.UseNumber()
			if err := decoder.Decode(&want); err != nil {
				t.Fatal(err)
			}
			want = inRange(want).(map[string]any)
		}
		if !utf8.Valid(raw) {
			return // encoding/json replaces it, and nobody stores such a row
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\ngot  %#v\nwant %#v", raw, got, want)
		}
	})
}
