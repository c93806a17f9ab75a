package connectortest

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// RandomNames sends so many random hostile names there and back. It is the last part of the suite, on its own because real servers take their
// time. The names depend on the seed alone.
func RandomNames(t *testing.T, h Harness, count int, seed uint64) {
	c, err := h.Kind.Open(t.Context(), h.Config, h.Env)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	s := &suite{Harness: h, c: c}
	s.Kind.Powers.Rename = false // every name goes there and back once
	random := rand.New(rand.NewPCG(seed, 0))
	for range count {
		s.roundTrip(t, RandomName(random))
		if t.Failed() {
			return
		}
	}
}

// RandomName gives 1 to 40 characters, half of them such as have a meaning somewhere. It begins with a letter in lower case one time in two,
// and never consists of blanks only.
func RandomName(random *rand.Rand) string {
	special := []rune("*()\\\x00,+\"<>;#= /&|!~'%@{}[]?:\t-_.$")
	ranges := [][2]rune{{'a', 'z'}, {'0', '9'}, {0xe0, 0xff}, {0x5d0, 0x5ea}, {0x627, 0x64a}, {0x4e00, 0x4eff}, {0x1f600, 0x1f64f}, {0x391, 0x3a9}}
	var b strings.Builder
	if random.IntN(2) == 0 {
		b.WriteRune('a' + rune(random.IntN(26)))
	}
	for range 1 + random.IntN(39) {
		if random.IntN(2) == 0 {
			b.WriteRune(special[random.IntN(len(special))])
			continue
		}
		r := ranges[random.IntN(len(ranges))]
		b.WriteRune(r[0] + rune(random.IntN(int(r[1]-r[0]+1))))
	}
	if strings.TrimSpace(b.String()) == "" {
		return "x" + b.String() + "x"
	}
	return b.String()
}
