package store

import (
	"io"
	"testing"
	"testing/iotest"

	"github.com/jackc/pgx/v5/pgtype"
)

func TestBinaryCopyRefusesWhatDoesNotFit(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		kind  uint32
		value any
	}{
		"a text for a number":   {pgtype.Int8OID, "7"},
		"a number too large":    {pgtype.Int2OID, int64(40_000)},
		"a number for a text":   {pgtype.TextOID, int64(7)},
		"a type not known here": {pgtype.Float8OID, 1.5},
		"bytes for an id":       {pgtype.UUIDOID, []byte("0123456789abcdef")},
	} {
		if _, err := io.ReadAll(binaryCopy([]uint32{c.kind}, [][]any{{c.value}})); err == nil {
			t.Errorf("%s is written", name)
		}
	}
	got, err := io.ReadAll(iotest.OneByteReader(binaryCopy([]uint32{pgtype.Int2OID, pgtype.TextOID}, [][]any{{int64(-2), nil}})))
	if want := "PGCOPY\n\xff\r\n\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x00\x00\x02\xff\xfe\xff\xff\xff\xff\xff\xff"; err != nil || string(got) != want {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
}
