package sheet

import (
	"bytes"
	"errors"
	"io"
	"strconv"
	"unicode/utf8"

	"github.com/musterid/muster"
)

// xmlScan reads the XML of a workbook's parts token by token, without a tree and without an allocation per token. It is our own because rows are
// read at the speed of its tokens: see BenchmarkXLSX, where it is measured beside encoding/xml and excelize. It knows what such parts may contain
// and refuses the rest: a DOCTYPE, another encoding than UTF-8, an entity beyond the five of XML.
type xmlScan struct {
	r        io.Reader
	buf      []byte
	pos, end int
	err      error // what ended r
	began    bool

	name  []byte // of an element, without prefix
	attrs []byte // as they stand in the tag
	empty bool   // <x/>: there will be no end tag
	text  []byte // as it stands; see unescape
	cdata bool   // text is to be taken literally
}

type xmlToken int

const (
	xmlStart xmlToken = iota
	xmlEnd
	xmlText
)

const (
	xmlBuffer = 64 << 10
	maxTag    = xmlBuffer // one tag, with its attributes
)

func newXMLScan(r io.Reader) *xmlScan { return &xmlScan{r: r, buf: make([]byte, xmlBuffer)} }

func damaged(why string) *muster.Error {
	return muster.Errorf(muster.Invalid, "", "The workbook is damaged (%s). Open it in a spreadsheet and save it again.", why)
}

// fill reads on behind what is left; false when there is no more, or no room for more.
func (s *xmlScan) fill() bool {
	if s.pos > 0 {
		s.end = copy(s.buf, s.buf[s.pos:s.end])
		s.pos = 0
	}
	if s.end == len(s.buf) || s.err != nil {
		return false
	}
	for tries := 0; tries < 100; tries++ {
		n, err := s.r.Read(s.buf[s.end:])
		s.end += n
		s.err = err
		if n > 0 || err != nil {
			return n > 0
		}
	}
	s.err = io.ErrNoProgress
	return false
}

// next moves to the next token; io.EOF after the last. What name, attrs and text show lasts until the next call.
func (s *xmlScan) next() (xmlToken, error) {
	if !s.began {
		s.began = true
		if err := s.begin(); err != nil {
			return 0, err
		}
	}
	for {
		if s.pos == s.end && !s.fill() {
			return 0, s.stopped()
		}
		if s.buf[s.pos] != '<' {
			return xmlText, s.chars()
		}
		token, skip, err := s.markup()
		if err != nil || !skip {
			return token, err
		}
	}
}

// stopped is the reader's own error, or io.EOF.
func (s *xmlScan) stopped() error {
	if s.err == nil {
		return damaged("a tag is too long")
	}
	return s.err
}

// cutOff is stopped inside a token, where an end of file is damage.
func (s *xmlScan) cutOff() error {
	if errors.Is(s.err, io.EOF) {
		return damaged("a part ends too early")
	}
	return s.stopped()
}

func (s *xmlScan) begin() error {
	for s.end-s.pos < 4 && s.fill() {
	}
	head := s.buf[s.pos:s.end]
	if bytes.HasPrefix(head, []byte(bomUTF16LE)) || bytes.HasPrefix(head, []byte(bomUTF16BE)) || len(head) > 1 && (head[0] == 0 || head[1] == 0) {
		return damaged("a part is not in UTF-8")
	}
	if bytes.HasPrefix(head, []byte(bomUTF8)) {
		s.pos += len(bomUTF8)
	}
	return nil
}

// chars gives the text up to the next tag, or as much of it as is there without cutting an entity or a character.
func (s *xmlScan) chars() error {
	s.cdata = false
	for {
		i := bytes.IndexByte(s.buf[s.pos:s.end], '<')
		if i >= 0 {
			s.text = s.buf[s.pos : s.pos+i]
			s.pos += i
			return nil
		}
		if s.fill() {
			continue
		}
		if s.err != nil && !errors.Is(s.err, io.EOF) {
			return s.err
		}
		part := s.buf[s.pos:s.end]
		if s.err == nil { // the buffer is full
			if amp := bytes.LastIndexByte(part, '&'); amp > len(part)-16 {
				part = part[:amp]
			}
			part = wholeRunes(part)
		}
		s.text = part
		s.pos += len(part)
		return nil
	}
}

func wholeRunes(p []byte) []byte {
	for i := 1; i <= 3 && i <= len(p); i++ {
		if c := p[len(p)-i]; utf8.RuneStart(c) {
			if !utf8.FullRune(p[len(p)-i:]) {
				return p[:len(p)-i]
			}
			break
		}
	}
	return p
}

// find makes sure that what is there reaches to the end of pattern, and says how long that is.
func (s *xmlScan) find(pattern string, from int) (int, error) {
	for {
		if s.end-s.pos >= from {
			if i := bytes.Index(s.buf[s.pos+from:s.end], []byte(pattern)); i >= 0 {
				return from + i + len(pattern), nil
			}
		}
		if !s.fill() {
			return 0, s.cutOff()
		}
	}
}

// markup reads what begins with <. skip is true for what a reader need not see.
func (s *xmlScan) markup() (token xmlToken, skip bool, err error) {
	for s.end-s.pos < len("<![CDATA[") && s.fill() {
	}
	head := s.buf[s.pos:s.end]
	switch {
	case bytes.HasPrefix(head, []byte("<?")):
		n, err := s.find("?>", 2)
		if err == nil {
			err = checkDeclaration(s.buf[s.pos : s.pos+n])
		}
		s.pos += n
		return 0, true, err
	case bytes.HasPrefix(head, []byte("<!--")):
		return 0, true, s.skipPast("-->", 4)
	case bytes.HasPrefix(head, []byte("<![CDATA[")):
		n, err := s.find("]]>", 9)
		if err != nil {
			return 0, false, err
		}
		s.text, s.cdata = s.buf[s.pos+9:s.pos+n-3], true
		s.pos += n
		return xmlText, false, nil
	case bytes.HasPrefix(head, []byte("<!")):
		return 0, false, muster.Errorf(muster.Invalid, "", "The workbook has a DOCTYPE, which no spreadsheet writes. It is refused.")
	}
	n, err := s.tagEnd()
	if err != nil {
		return 0, false, err
	}
	tag := s.buf[s.pos+1 : s.pos+n-1]
	s.pos += n
	token, err = s.tag(tag)
	return token, false, err
}

// skipPast leaves out a comment of any length.
func (s *xmlScan) skipPast(pattern string, from int) error {
	s.pos += from
	for {
		if i := bytes.Index(s.buf[s.pos:s.end], []byte(pattern)); i >= 0 {
			s.pos += i + len(pattern)
			return nil
		}
		s.pos = max(s.pos, s.end-len(pattern)+1)
		if !s.fill() {
			return s.cutOff()
		}
	}
}

func checkDeclaration(p []byte) error {
	if !bytes.HasPrefix(p, []byte("<?xml ")) {
		return nil
	}
	enc := attr(p[len("<?xml "):len(p)-2], "encoding")
	if len(enc) > 0 && !bytes.EqualFold(enc, []byte("utf-8")) && !bytes.EqualFold(enc, []byte("us-ascii")) {
		return damaged("a part is not in UTF-8")
	}
	return nil
}

// tagEnd is the length of the tag at pos: up to the > that stands outside quotes.
func (s *xmlScan) tagEnd() (int, error) {
	i, quote := 1, byte(0)
	for {
		for ; s.pos+i < s.end; i++ {
			c := s.buf[s.pos+i]
			switch {
			case quote != 0:
				if c == quote {
					quote = 0
				}
			case c == '"' || c == '\'':
				quote = c
			case c == '>':
				return i + 1, nil
			}
		}
		if !s.fill() {
			return 0, s.cutOff()
		}
	}
}

// tag takes a tag's inside apart.
func (s *xmlScan) tag(p []byte) (xmlToken, error) {
	token := xmlStart
	if len(p) > 0 && p[0] == '/' {
		token, p = xmlEnd, p[1:]
	}
	s.empty = len(p) > 0 && p[len(p)-1] == '/'
	if s.empty {
		p = p[:len(p)-1]
	}
	i := 0
	for i < len(p) && !xmlSpace(p[i]) {
		i++
	}
	s.name, s.attrs = local(p[:i]), p[i:]
	if len(s.name) == 0 {
		return 0, damaged("a tag has no name")
	}
	return token, nil
}

func local(name []byte) []byte {
	if i := bytes.IndexByte(name, ':'); i >= 0 {
		return name[i+1:]
	}
	return name
}

func xmlSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// nextAttr takes the first attribute off attrs; a nil name means that there is no more.
func nextAttr(attrs []byte) (name, value, rest []byte) {
	i := 0
	for i < len(attrs) && xmlSpace(attrs[i]) {
		i++
	}
	attrs = attrs[i:]
	eq := bytes.IndexByte(attrs, '=')
	if eq <= 0 {
		return nil, nil, nil
	}
	name = bytes.TrimRight(attrs[:eq], " \t\r\n")
	attrs = bytes.TrimLeft(attrs[eq+1:], " \t\r\n")
	if len(attrs) == 0 || attrs[0] != '"' && attrs[0] != '\'' {
		return nil, nil, nil
	}
	end := bytes.IndexByte(attrs[1:], attrs[0])
	if end < 0 {
		return nil, nil, nil
	}
	return name, attrs[1 : 1+end], attrs[end+2:]
}

// attr is the value of the attribute with this local name, as it stands.
func attr(attrs []byte, name string) []byte {
	for {
		n, v, rest := nextAttr(attrs)
		if n == nil {
			return nil
		}
		if string(local(n)) == name {
			return v
		}
		attrs = rest
	}
}

// appendText appends the current text to dst with its entities resolved, up to limit bytes in dst and a little more.
func (s *xmlScan) appendText(dst []byte, limit int) ([]byte, error) {
	if s.cdata || bytes.IndexByte(s.text, '&') < 0 {
		return append(dst, s.text[:max(0, min(len(s.text), limit-len(dst)))]...), nil
	}
	return unescape(dst, s.text, limit)
}

func unescape(dst, text []byte, limit int) ([]byte, error) {
	for len(text) > 0 && len(dst) < limit {
		amp := bytes.IndexByte(text, '&')
		if amp < 0 {
			amp = len(text)
		}
		dst = append(dst, text[:min(amp, limit-len(dst))]...)
		if text = text[amp:]; len(text) == 0 {
			break
		}
		semi := bytes.IndexByte(text[:min(len(text), 16)], ';')
		if semi < 0 {
			return dst, damaged("a lone &")
		}
		r, ok := entity(string(text[1:semi]))
		if !ok {
			return dst, damaged("an unknown entity")
		}
		dst = utf8.AppendRune(dst, r)
		text = text[semi+1:]
	}
	return dst, nil
}

func entity(name string) (rune, bool) {
	switch name {
	case "amp":
		return '&', true
	case "lt":
		return '<', true
	case "gt":
		return '>', true
	case "quot":
		return '"', true
	case "apos":
		return '\'', true
	}
	if len(name) < 2 || name[0] != '#' {
		return 0, false
	}
	digits, base := name[1:], 10
	if digits[0] == 'x' {
		digits, base = digits[1:], 16
	}
	n, err := strconv.ParseUint(digits, base, 32)
	return rune(n), err == nil && n > 0 && n <= utf8.MaxRune && utf8.ValidRune(rune(n))
}
