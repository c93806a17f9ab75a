package store

import (
	"encoding/binary"

	"github.com/google/uuid"
)

// valueWriter takes the values of a row, in the order of its columns. Rows that are written by the thousand say what they are this way, so that for
// PostgreSQL the bytes of a COPY are made without a value of the driver in between.
type valueWriter interface {
	text(s string) // "" is NULL
	word(s string) // "" too is a text
	number(n int64)
	numberOrNull(n int64) // 0 is NULL
	flag(b bool)
	id(id uuid.UUID)
}

// driverValues are values for database/sql.
type driverValues struct {
	tx   *Tx
	list []any
}

func (v *driverValues) text(s string)        { v.list = append(v.list, orNull(s)) }
func (v *driverValues) word(s string)        { v.list = append(v.list, s) }
func (v *driverValues) number(n int64)       { v.list = append(v.list, n) }
func (v *driverValues) numberOrNull(n int64) { v.list = append(v.list, orNullNumber(n)) }
func (v *driverValues) flag(b bool)          { v.list = append(v.list, flag(b)) }
func (v *driverValues) id(id uuid.UUID)      { v.list = append(v.list, v.tx.uuid(id)) }

// copyValues are values in the binary form of COPY.
type copyValues struct{ bytes []byte }

func (v *copyValues) text(s string) {
	if s == "" {
		v.null()
		return
	}
	v.word(s)
}

func (v *copyValues) word(s string) {
	v.bytes = append(binary.BigEndian.AppendUint32(v.bytes, uint32(len(s))), s...)
}

func (v *copyValues) number(n int64) {
	v.bytes = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint32(v.bytes, 8), uint64(n))
}

func (v *copyValues) numberOrNull(n int64) {
	if n == 0 {
		v.null()
		return
	}
	v.number(n)
}

func (v *copyValues) flag(b bool) {
	v.bytes = binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint32(v.bytes, 2), uint16(flag(b)))
}

func (v *copyValues) id(id uuid.UUID) {
	v.bytes = append(binary.BigEndian.AppendUint32(v.bytes, 16), id[:]...)
}

func (v *copyValues) null() { v.bytes = binary.BigEndian.AppendUint32(v.bytes, 0xffffffff) }

// copyHead is the signature of a binary COPY, with no flags and no further header; copyEnd follows its last row.
const (
	copyHead = "PGCOPY\n\xff\r\n\x00\x00\x00\x00\x00\x00\x00\x00\x00"
	copyEnd  = "\xff\xff"
)

// copyOf is a whole binary COPY of rows, which say their values one after the other.
func copyOf(columns, rows int, row func(i int, to valueWriter)) []byte {
	out := &copyValues{bytes: []byte(copyHead)}
	for i := range rows {
		if i == sampleRows {
			out.bytes = growFor(out.bytes, rows)
		}
		out.bytes = binary.BigEndian.AppendUint16(out.bytes, uint16(columns))
		row(i, out)
	}
	return append(out.bytes, copyEnd...)
}

// sampleRows tell how long the others will be, more or less.
const sampleRows = 16

// growFor makes room for the other rows of so many, after the first sampleRows.
func growFor(out []byte, rows int) []byte {
	room := len(out) / sampleRows * 9 / 8 * (rows - sampleRows)
	return append(make([]byte, 0, len(out)+room), out...)
}
