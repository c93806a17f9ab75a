package sheet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// stringTable holds a workbook's shared strings, which are most of its text and may be as many as its cells. They are kept in blocks in a spool,
// so that memory stays flat; strings stand in the order of their first use, so one block mostly serves many cells.
type stringTable struct {
	spool  *spool
	starts []int64 // where each block begins, and where the last one ends
	n      int

	block   []byte // being filled
	inBlock int

	cache  map[int][]string
	cached int // bytes in cache
	one    []byte
}

const (
	blockStrings = 64
	tableInside  = 4 << 20 // bytes of strings kept in memory before a file is used
	cacheBytes   = 8 << 20
)

func newStringTable(tempDir string) *stringTable {
	return &stringTable{spool: &spool{dir: tempDir, inside: tableInside}, starts: []int64{0}, cache: map[int][]string{}}
}

func (t *stringTable) add(s []byte) error {
	t.block = binary.AppendUvarint(t.block, uint64(len(s)))
	t.block = append(t.block, s...)
	t.n++
	if t.inBlock++; t.inBlock == blockStrings {
		return t.flush()
	}
	return nil
}

func (t *stringTable) flush() error {
	if _, err := t.spool.Write(t.block); err != nil {
		return fmt.Errorf("sheet: keep shared strings: %w", err)
	}
	t.starts = append(t.starts, t.spool.size)
	t.block, t.inBlock = t.block[:0], 0
	return nil
}

func (t *stringTable) get(i int) (string, error) {
	if i < 0 || i >= t.n {
		return "", damaged("a cell points to a string that is not there")
	}
	b := i / blockStrings
	strs, ok := t.cache[b]
	if !ok {
		var err error
		if strs, err = t.load(b); err != nil {
			return "", err
		}
	}
	return strs[i%blockStrings], nil
}

func (t *stringTable) load(b int) ([]string, error) {
	length := int(t.starts[b+1] - t.starts[b])
	if cap(t.one) < length {
		t.one = make([]byte, length)
	}
	raw := t.one[:length]
	if _, err := t.spool.ReadAt(raw, t.starts[b]); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("sheet: read shared strings: %w", err)
	}
	all := string(raw)
	strs := make([]string, 0, blockStrings)
	for at := 0; at < len(raw); {
		n, w := binary.Uvarint(raw[at:])
		at += w
		strs = append(strs, all[at:at+int(n)]) //nolint:gosec // written by add
		at += int(n)                           //nolint:gosec // written by add
	}
	if t.cached += length + blockStrings*16; t.cached > cacheBytes {
		clear(t.cache)
		t.cached = length + blockStrings*16
	}
	t.cache[b] = strs
	return strs, nil
}

func (t *stringTable) close() error { return t.spool.Close() }

// readStrings reads the part of shared strings; a workbook may have none.
func (b *workbook) readStrings(part, tempDir string) (*stringTable, error) {
	t := newStringTable(tempDir)
	if b.parts[part] == nil {
		return t, nil
	}
	in := richText{limit: b.limits.CellBytes + 1}
	err := b.walk(part, func(s *xmlScan, token xmlToken) error {
		if token == xmlStart && string(s.name) == "si" {
			in.reset()
			if s.empty {
				return t.add(nil)
			}
			return nil
		}
		if token == xmlEnd && string(s.name) == "si" {
			text, err := in.done()
			if err != nil {
				return err
			}
			return t.add(text)
		}
		return in.see(s, token)
	})
	if err == nil {
		err = t.flush()
	}
	if err != nil {
		_ = t.close()
		return nil, err
	}
	return t, nil
}

// richText collects the text of <si> or <is>: all <t> within, but for phonetic readings.
type richText struct {
	limit    int
	buf      []byte
	inText   bool
	phonetic bool
}

func (r *richText) reset() { r.buf, r.inText, r.phonetic = r.buf[:0], false, false }

func (r *richText) see(s *xmlScan, token xmlToken) error {
	if token == xmlText {
		if !r.inText || r.phonetic {
			return nil
		}
		var err error
		r.buf, err = s.appendText(r.buf, r.limit)
		return err
	}
	on := token == xmlStart && !s.empty
	switch string(s.name) {
	case "t":
		r.inText = on
	case "rPh":
		r.phonetic = on
	}
	return nil
}

// done gives the text with Excel's own escapes resolved.
func (r *richText) done() ([]byte, error) {
	text := unescapeExcel(r.buf)
	if len(text) >= r.limit {
		text = text[:len(wholeRunes(text[:r.limit]))]
		text = padTo(text, r.limit)
	}
	if !utf8.Valid(text) {
		return nil, damaged("a text is not valid UTF-8")
	}
	return text, nil
}

// padTo keeps a text that was cut within a character as long as before, so that it is still seen to be over the limit.
func padTo(text []byte, n int) []byte {
	for len(text) < n {
		text = append(text, ' ')
	}
	return text
}

// unescapeExcel resolves _xHHHH_, which stands for a character that XML cannot hold, in place.
func unescapeExcel(p []byte) []byte {
	out := p[:0]
	for i := 0; i < len(p); {
		if p[i] == '_' && i+7 <= len(p) && p[i+1] == 'x' && p[i+6] == '_' {
			if r, ok := hex4(p[i+2 : i+6]); ok && utf8.ValidRune(r) {
				out = utf8.AppendRune(out, r) // at most three bytes in the place of seven
				i += 7
				continue
			}
		}
		out = append(out, p[i])
		i++
	}
	return out
}

func hex4(p []byte) (rune, bool) {
	var r rune
	for _, c := range p {
		switch {
		case c >= '0' && c <= '9':
			r = r<<4 | rune(c-'0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			r = r<<4 | rune(c|0x20-'a'+10)
		default:
			return 0, false
		}
	}
	return r, true
}
