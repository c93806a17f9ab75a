package sheet

import (
	"bytes"
	"io"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"github.com/musterid/muster"
)

const (
	bomUTF8    = "\xEF\xBB\xBF"
	bomUTF16LE = "\xFF\xFE"
	bomUTF16BE = "\xFE\xFF"
)

// position is a place in a text as an editor shows it.
type position struct{ line, column int }

// textScan looks at every byte of an upload as it arrives, so that the encoding is decided by the whole file (the first accent of a Windows-1252
// list may stand on row 5,000) and a line that never ends is refused before it fills the disk.
type textScan struct {
	wide     string // UTF16LE, UTF16BE, or "" for bytes
	maxLine  int    // 0: lines may have any length
	carry    []byte
	pos      position
	lineLen  int
	afterCR  bool
	afterHi  bool // UTF-16: the last unit was a high surrogate
	multi    int  // valid sequences of more than one byte
	broken   *position
	nul      *position
	control  *position
	undef    *position // a byte that Windows-1252 does not have
	long     *position // a line over maxLine
	crlf, lf int
}

func newTextScan(wide string, maxLine int) *textScan {
	return &textScan{wide: wide, maxLine: maxLine, pos: position{1, 1}}
}

// Write implements io.Writer; its only error is a line over the limit.
func (s *textScan) Write(p []byte) (int, error) {
	n := len(p)
	if len(s.carry) > 0 {
		p = append(s.carry, p...)
	}
	var rest []byte
	if s.wide != "" {
		rest = s.units(p)
	} else {
		rest = s.bytes(p)
	}
	s.carry = append([]byte(nil), rest...)
	s.measure()
	if s.long != nil {
		return n, tooLong("line_bytes", "Line %d is longer than %s", s.long.line, size(s.maxLine))
	}
	return n, nil
}

func (s *textScan) measure() {
	if s.maxLine > 0 && s.lineLen > s.maxLine {
		s.mark(&s.long)
	}
}

// finish judges what was cut off at the end.
func (s *textScan) finish() {
	if len(s.carry) > 0 || s.afterHi {
		s.mark(&s.broken)
	}
	s.carry = nil
}

func (s *textScan) mark(where **position) {
	if *where == nil {
		p := s.pos
		*where = &p
	}
}

// newline ends a line; the second half of CR LF ends none.
func (s *textScan) newline(c byte) {
	s.measure()
	s.lineLen = 0
	if c == '\n' && s.afterCR {
		s.crlf++
		s.afterCR = false
		return
	}
	if c == '\n' {
		s.lf++
	}
	s.afterCR = c == '\r'
	s.pos = position{s.pos.line + 1, 1}
}

func (s *textScan) bytes(p []byte) (rest []byte) {
	for i := 0; i < len(p); {
		c := p[i]
		if c >= 0x20 && c < 0x7F {
			s.afterCR = false
			start := i
			for i < len(p) && p[i] >= 0x20 && p[i] < 0x7F {
				i++
			}
			s.pos.column += i - start
			s.lineLen += i - start
			continue
		}
		if c == '\n' || c == '\r' {
			s.newline(c)
			i++
			continue
		}
		s.afterCR = false
		if c >= utf8.RuneSelf && !utf8.FullRune(p[i:]) {
			return p[i:]
		}
		n := s.oddByte(p[i:])
		s.pos.column++
		s.lineLen += n
		i += n
	}
	return nil
}

// oddByte looks at a control or a byte above ASCII, and says how many bytes it took.
func (s *textScan) oddByte(p []byte) int {
	switch c := p[0]; {
	case c == 0:
		s.mark(&s.nul)
		return 1
	case c < 0x20 && c != '\t' || c == 0x7F:
		s.mark(&s.control)
		return 1
	case c < 0x20:
		return 1
	}
	r, n := utf8.DecodeRune(p)
	for _, c := range p[:n] {
		switch c {
		case 0x81, 0x8D, 0x8F, 0x90, 0x9D:
			s.mark(&s.undef)
		}
	}
	if r == utf8.RuneError && n == 1 {
		s.mark(&s.broken)
		return 1
	}
	s.multi++
	return n
}

func (s *textScan) units(p []byte) (rest []byte) {
	for len(p) >= 2 {
		u := uint16(p[0]) | uint16(p[1])<<8
		if s.wide == UTF16BE {
			u = uint16(p[1]) | uint16(p[0])<<8
		}
		p = p[2:]
		s.unit(u)
	}
	return p
}

func (s *textScan) unit(u uint16) {
	low := u >= 0xDC00 && u < 0xE000
	if low != s.afterHi { // a half without its other half
		s.mark(&s.broken)
	}
	s.afterHi = utf16.IsSurrogate(rune(u)) && !low
	if u == '\n' || u == '\r' {
		s.newline(byte(u))
		return
	}
	s.afterCR = false
	if u == 0 {
		s.mark(&s.nul)
	}
	s.pos.column++
	s.lineLen += 2
}

// sniffWide tells UTF-16 from byte encodings by its mark, or without one by the zero bytes that Latin letters, delimiters and line ends leave on
// one side only.
func sniffWide(head []byte) string {
	switch {
	case bytes.HasPrefix(head, []byte(bomUTF16LE)):
		return UTF16LE
	case bytes.HasPrefix(head, []byte(bomUTF16BE)):
		return UTF16BE
	}
	head = head[:min(len(head), 4096)&^1]
	var even, odd int
	for i := 0; i < len(head); i += 2 {
		if head[i] == 0 {
			even++
		}
		if head[i+1] == 0 {
			odd++
		}
	}
	enough := len(head) / 2 / 4 // a quarter of the units
	switch {
	case len(head) < 4:
		return ""
	case odd > enough && even*8 <= odd: // a few letters elsewhere have a zero on the other side
		return UTF16LE
	case even > enough && odd*8 <= even:
		return UTF16BE
	}
	return ""
}

// decide names the encoding, or says why nothing tells what the bytes mean. forced is what the user said, or "".
func (s *textScan) decide(head []byte, forced string) (string, error) {
	s.finish()
	if s.nul != nil {
		return "", muster.Errorf(muster.Invalid, "", "Line %d has a NUL byte at character %d: this is not a text file. Save the table again as CSV or XLSX.",
			s.nul.line, s.nul.column)
	}
	if s.wide != "" {
		if s.broken != nil {
			return "", s.brokenAs("UTF-16")
		}
		return s.wide, nil
	}
	if forced == Windows1252 {
		return forced, s.checkWindows()
	}
	bom := bytes.HasPrefix(head, []byte(bomUTF8))
	switch {
	case s.broken == nil && bom:
		return UTF8BOM, nil
	case s.broken == nil:
		return UTF8, nil
	case bom, forced != "":
		return "", s.brokenAs("UTF-8")
	case s.multi > 0 && s.undef == nil && s.control == nil:
		return "", muster.Errorf(muster.Invalid, "", "The file mixes encodings: most of it may be UTF-8, but line %d, character %d is not. Save it again as UTF-8, or say which encoding it has.",
			s.broken.line, s.broken.column)
	}
	return Windows1252, s.checkWindows()
}

func (s *textScan) brokenAs(name string) error {
	return muster.Errorf(muster.Invalid, "", "The file should be %s, but line %d, character %d is broken. Save it again as UTF-8.",
		name, s.broken.line, s.broken.column)
}

func (s *textScan) checkWindows() error {
	at := s.undef
	if at == nil || s.control != nil && s.control.line < at.line {
		at = s.control
	}
	if at == nil {
		return nil
	}
	return muster.Errorf(muster.Invalid, "", "This is not a text file: line %d, character %d is no letter in any encoding we know. Save the table as CSV in UTF-8, or as XLSX.",
		at.line, at.column)
}

// decoded turns a text that was scanned into UTF-8 without mark.
func decoded(r io.Reader, encoding string, head []byte) io.Reader {
	skip := 0
	switch encoding {
	case UTF8BOM:
		skip = len(bomUTF8)
	case UTF16LE, UTF16BE:
		if bytes.HasPrefix(head, []byte(bomUTF16LE)) || bytes.HasPrefix(head, []byte(bomUTF16BE)) {
			skip = 2
		}
	}
	if skip > 0 {
		_, _ = io.CopyN(io.Discard, r, int64(skip)) // the next read gives the same error, if there is one
	}
	switch encoding {
	case UTF16LE:
		return unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM).NewDecoder().Reader(r)
	case UTF16BE:
		return unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM).NewDecoder().Reader(r)
	case Windows1252:
		return charmap.Windows1252.NewDecoder().Reader(r)
	}
	return r
}
