package sheet

import (
	"archive/zip"
	"cmp"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/musterid/muster"
)

// workbook is an XLSX file: a ZIP archive of XML parts. What a part inflates to is counted while it inflates; sizes that the archive states about
// itself are not believed.
type workbook struct {
	parts    map[string]*zip.File
	size     int64 // of the archive
	limits   Limits
	inflated int64
	sheets   []sheetRef
	date1904 bool
	strings  *stringTable
	styles   []cellStyle
}

type sheetRef struct {
	name, part string
	hidden     bool
}

func (u *upload) openWorkbook(r io.Reader) (*Reader, error) {
	if err := u.take(r, nil); err != nil {
		return nil, err
	}
	b, err := openArchive(u.spool, u.spool.size, u.o.Limits)
	if err != nil {
		return nil, err
	}
	if err := b.load(u.o.TempDir); err != nil {
		return nil, errors.Join(err, b.close())
	}
	out := &Reader{limits: u.o.Limits, spool: u.spool, book: b, format: Format{Kind: XLSX, Name: u.o.Name}}
	name := u.o.Sheet
	if u.o.Choose != nil {
		name = cmp.Or(u.o.Choose(b.names()), name)
	}
	if err := out.startSheet(name); err != nil {
		_ = b.close()
		return nil, err
	}
	return out, nil
}

// listing bounds how much is read while archive/zip lists an archive, which it does into memory and to any number of entries.
type listing struct {
	io.ReaderAt
	left int64 // negative: no bound any more
}

var errListing = errors.New("the list of parts is too long")

func (l *listing) ReadAt(p []byte, off int64) (int, error) {
	if l.left < 0 {
		return l.ReaderAt.ReadAt(p, off)
	}
	if l.left < int64(len(p)) {
		return 0, errListing
	}
	n, err := l.ReaderAt.ReadAt(p, off)
	l.left -= int64(n)
	return n, err
}

func openArchive(r io.ReaderAt, size int64, limits Limits) (*workbook, error) {
	bounded := &listing{r, maxDirectory}
	z, err := zip.NewReader(bounded, size)
	bounded.left = -1
	if errors.Is(err, errListing) || err == nil && len(z.File) > maxParts {
		return nil, tooLong("parts", "The workbook has more than %d parts", maxParts)
	}
	if err != nil {
		return nil, damaged("its archive cannot be listed")
	}
	b := &workbook{parts: make(map[string]*zip.File, len(z.File)), size: size, limits: limits}
	for _, f := range z.File {
		name := partName(f.Name)
		if _, twice := b.parts[name]; twice {
			return nil, damaged("two parts have the same name")
		}
		b.parts[name] = f
	}
	return b, nil
}

// partName brings names to one form: some writers use backslashes, a leading slash or other letters' case.
func partName(name string) string {
	return strings.ToLower(strings.TrimPrefix(strings.ReplaceAll(name, `\`, "/"), "/"))
}

// load reads everything but the sheets.
func (b *workbook) load(tempDir string) error {
	main, err := b.mainPart()
	if err != nil {
		return err
	}
	links, err := b.relations(main)
	if err != nil {
		return err
	}
	if err := b.readWorkbook(main, links); err != nil {
		return err
	}
	styles, strs := path.Join(path.Dir(main), "styles.xml"), path.Join(path.Dir(main), "sharedstrings.xml")
	for _, l := range links {
		switch path.Base(l.kind) {
		case "styles":
			styles = l.part
		case "sharedStrings":
			strs = l.part
		}
	}
	if b.styles, err = b.readStyles(styles); err != nil {
		return err
	}
	b.strings, err = b.readStrings(strs, tempDir)
	return err
}

func (b *workbook) close() error {
	if b.strings == nil {
		return nil
	}
	return b.strings.close()
}

// mainPart finds the workbook's own part, or says what kind of archive this is instead.
func (b *workbook) mainPart() (string, error) {
	const usual = "xl/workbook.xml"
	if _, ok := b.parts[usual]; ok {
		return usual, nil
	}
	links, err := b.relations("")
	if err != nil {
		return "", err
	}
	for _, l := range links {
		if _, there := b.parts[l.part]; there && strings.HasSuffix(l.kind, "/officeDocument") && strings.HasPrefix(l.part, "xl/") && strings.HasSuffix(l.part, ".xml") {
			return l.part, nil
		}
	}
	switch {
	case b.parts["xl/workbook.bin"] != nil:
		return "", seemsToBe("a binary Excel workbook (.xlsb); save it as .xlsx")
	case b.parts["content.xml"] != nil && b.parts["mimetype"] != nil:
		return "", seemsToBe("an OpenDocument file (.ods); save it as .xlsx or CSV")
	case b.parts["word/document.xml"] != nil:
		return "", seemsToBe("a Word document; copy the table into a spreadsheet and save it as .xlsx")
	case b.parts["index/document.iwa"] != nil:
		return "", seemsToBe("an Apple Numbers file; export it as Excel or CSV")
	}
	return "", seemsToBe("a ZIP archive that is no workbook; unpack it first")
}

// part opens a part for reading within the limits.
func (b *workbook) part(name string) (io.ReadCloser, error) {
	f := b.parts[name]
	if f == nil {
		return nil, damaged("the part " + name + " is missing")
	}
	r, err := f.Open()
	if err != nil {
		return nil, damaged("the part " + name + " cannot be read")
	}
	return &inflating{r: r, book: b, name: name, packed: max(1, min(int64(f.CompressedSize64), b.size))}, nil //nolint:gosec // an overflow gives a small bound
}

// inflating counts what comes out of one part.
type inflating struct {
	r      io.ReadCloser
	book   *workbook
	name   string
	packed int64
	n      int64
}

func (i *inflating) Read(p []byte) (int, error) {
	n, err := i.r.Read(p)
	i.n += int64(n)
	i.book.inflated += int64(n)
	limits := i.book.limits
	switch {
	case i.book.inflated > limits.InflatedBytes:
		return 0, tooLong("inflated_bytes", "The workbook unpacks to more than %s", size(limits.InflatedBytes))
	case i.n > ratioFrom && i.n/i.packed >= int64(limits.Ratio):
		return 0, tooLong("ratio", "The workbook's part %s unpacks to more than %d times its size", i.name, limits.Ratio)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = damaged("the part " + i.name + " cannot be unpacked").Because(err)
	}
	return n, err
}

func (i *inflating) Close() error { return i.r.Close() }

// walk shows every token of a part to see.
func (b *workbook) walk(part string, see func(*xmlScan, xmlToken) error) error {
	r, err := b.part(part)
	if err != nil {
		return err
	}
	defer r.Close()
	s := newXMLScan(r)
	for {
		token, err := s.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = see(s, token)
		}
		if err != nil {
			return err
		}
	}
}

type relation struct{ id, kind, part string }

// relations lists what a part points to; "" is the archive itself. A part without relations has none.
func (b *workbook) relations(of string) ([]relation, error) {
	dir, file := path.Split(of)
	name := dir + "_rels/" + file + ".rels"
	if b.parts[name] == nil {
		return nil, nil
	}
	var out []relation
	err := b.walk(name, func(s *xmlScan, t xmlToken) error {
		if t != xmlStart || string(s.name) != "Relationship" {
			return nil
		}
		if len(out) >= maxParts {
			return tooLong("parts", "The workbook has more than %d parts", maxParts)
		}
		target := attrText(s.attrs, "Target")
		if !strings.HasPrefix(target, "/") {
			target = path.Join(dir, target)
		}
		out = append(out, relation{attrText(s.attrs, "Id"), attrText(s.attrs, "Type"), partName(target)})
		return nil
	})
	return out, err
}

func attrText(attrs []byte, name string) string {
	raw := attr(attrs, name)
	text, err := unescape(nil, raw, 4096)
	if err != nil {
		return string(raw)
	}
	return string(text)
}

func (b *workbook) readWorkbook(main string, links []relation) error {
	byID := make(map[string]relation, len(links))
	for _, l := range links {
		byID[l.id] = l
	}
	err := b.walk(main, func(s *xmlScan, t xmlToken) error {
		if t != xmlStart {
			return nil
		}
		switch string(s.name) {
		case "workbookPr":
			b.date1904 = xmlTrue(attr(s.attrs, "date1904"))
		case "sheet":
			link := byID[relationID(s.attrs)]
			if !strings.HasSuffix(link.kind, "/worksheet") { // charts and macros have sheets of their own
				return nil
			}
			if len(b.sheets) >= maxParts {
				return tooLong("parts", "The workbook has more than %d parts", maxParts)
			}
			state := attrText(s.attrs, "state")
			b.sheets = append(b.sheets, sheetRef{attrText(s.attrs, "name"), link.part, state == "hidden" || state == "veryHidden"})
		}
		return nil
	})
	if err == nil && len(b.sheets) == 0 {
		err = muster.Errorf(muster.Invalid, "", "The workbook has no sheet with cells.")
	}
	return err
}

// relationID is the attribute r:id, whatever its prefix; not the plain id some writers add.
func relationID(attrs []byte) string {
	for {
		n, v, rest := nextAttr(attrs)
		if n == nil {
			return ""
		}
		if len(local(n)) < len(n) && string(local(n)) == "id" {
			return string(v)
		}
		attrs = rest
	}
}

func xmlTrue(v []byte) bool { return string(v) == "1" || string(v) == "true" }

func (b *workbook) names() []string {
	out := make([]string, len(b.sheets))
	for i, s := range b.sheets {
		out[i] = s.name
	}
	return out
}

// sheet finds a sheet by name, ignoring case as spreadsheets do; "" is the first visible one.
func (b *workbook) sheet(name string) (sheetRef, error) {
	for _, s := range b.sheets {
		if name == "" && !s.hidden || name != "" && strings.EqualFold(strings.TrimSpace(s.name), strings.TrimSpace(name)) {
			return s, nil
		}
	}
	if name == "" {
		return b.sheets[0], nil
	}
	return sheetRef{}, muster.Errorf(muster.NotFound, "sheet", "The workbook has no sheet %q; it has %s.", short(name), quotedList(b.names()))
}

func quotedList(names []string) string {
	const most = 20
	var out []string
	for i, n := range names {
		if i == most {
			out = append(out, fmt.Sprintf("and %d more", len(names)-most))
			break
		}
		out = append(out, fmt.Sprintf("%q", short(n)))
	}
	return strings.Join(out, ", ")
}

// short keeps a name that somebody made very long from filling an error.
func short(name string) string {
	const most = 80
	if len(name) <= most {
		return name
	}
	return cut(name, most) + "…"
}
