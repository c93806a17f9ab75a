package muster

import (
	"encoding/binary"
	"encoding/hex"
	"time"

	"github.com/google/uuid"
)

// PersonID is the UUID (version 7) of a person: the time of creation, and the seq in the bits that are random elsewhere. So it is unique because
// the seq is, and leads to the person without an index.
func PersonID(seq int64, created time.Time) uuid.UUID {
	var id uuid.UUID
	micros := created.UnixMicro()
	binary.BigEndian.PutUint64(id[:8], uint64(micros/1000)<<16|0x7000|uint64(micros%1000*4)&0xfff)
	binary.BigEndian.PutUint64(id[8:], 1<<63|uint64(seq)&(1<<62-1))
	return id
}

// PersonSeq is the seq that a person's id leads to. Whoever looks it up compares the whole id.
func PersonSeq(id uuid.UUID) int64 {
	return int64(binary.BigEndian.Uint64(id[8:]) & (1<<62 - 1))
}

// PersonCreated is the time of creation in a person's id, to the millisecond.
func PersonCreated(id uuid.UUID) time.Time {
	return time.UnixMilli(int64(binary.BigEndian.Uint64(id[:8]) >> 16)).UTC()
}

// An item has no id of its own in storage: it is (batch, index). Its outward ids are computed from these and the batch's creation time, and lead
// back without an index. They carry the batch in 38 bits and the index in ItemIndexBits.
const (
	ItemIndexBits = 26
	MaxItems      = 1 << ItemIndexBits
)

// ItemKey is the number an item is stored under.
func ItemKey(batch int64, index int) int64 { return batch<<ItemIndexBits | int64(index) }

// SplitItemKey undoes ItemKey.
func SplitItemKey(key int64) (batch int64, index int) {
	return key >> ItemIndexBits, int(key & (MaxItems - 1))
}

// ItemID is the UUID (version 8) of an item: 48 bits of milliseconds, then the key in the bits that version and variant leave.
func ItemID(batch int64, index int, created time.Time) uuid.UUID {
	var id uuid.UUID
	key := uint64(ItemKey(batch, index))
	binary.BigEndian.PutUint64(id[:8], uint64(created.UnixMilli())<<16|0x8000|key>>62&0xfff)
	binary.BigEndian.PutUint64(id[8:], 1<<63|key&(1<<62-1))
	return id
}

// ParseItemID undoes ItemID. created is to the millisecond, and must be compared with the batch's: an id that only looks right is not one.
func ParseItemID(id uuid.UUID) (batch int64, index int, created time.Time, ok bool) {
	high, low := binary.BigEndian.Uint64(id[:8]), binary.BigEndian.Uint64(id[8:])
	if high&0xf000 != 0x8000 || low>>62 != 2 {
		return 0, 0, time.Time{}, false
	}
	batch, index = SplitItemKey(int64(high&0xfff<<62 | low&(1<<62-1)))
	return batch, index, time.UnixMilli(int64(high >> 16)).UTC(), batch >= 0
}

// HexID is a 24-digit hexadecimal id: creation time in seconds (8 digits) and a number (16).
func HexID(number int64, created time.Time) string {
	var b [12]byte
	binary.BigEndian.PutUint32(b[:4], uint32(created.Unix()))
	binary.BigEndian.PutUint64(b[4:], uint64(number))
	return hex.EncodeToString(b[:])
}

// ParseHexID undoes HexID. created is to the second and must be compared with the object's.
func ParseHexID(s string) (number int64, created time.Time, ok bool) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != 12 {
		return 0, time.Time{}, false
	}
	number = int64(binary.BigEndian.Uint64(b[4:]))
	return number, time.Unix(int64(binary.BigEndian.Uint32(b[:4])), 0).UTC(), number >= 0
}
