package sheet

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/musterid/muster"
)

// Options say what is known of a file beforehand. All of them may be empty: what a file is, is told by its content.
type Options struct {
	Name      string                      // the file's name; decides only what the content leaves open
	Sheet     string                      // XLSX: the sheet to read; otherwise the first visible one
	Choose    func(names []string) string // XLSX: is asked for the sheet to read, and counts before Sheet unless it gives no name
	Kind      string                      // forced kind
	Encoding  string                      // forced encoding of a CSV file
	Delimiter string                      // forced delimiter of a CSV file
	TempDir   string                      // where a large upload is kept while it is read; the system's own if empty
	Limits    Limits
}

const insideBytes = 1 << 20 // an upload up to this size stays in memory

// Open takes the whole of r in, finds out what it is and reads its header. Close the Reader to free what it holds, also after an error of Next.
//
// A fault that leaves the meaning of the file open (an unknown kind, a broken encoding, no header) is a *muster.Error, and there is nothing to read.
// A file with a header and no rows is no error here: Next gives io.EOF at once.
func Open(r io.Reader, o Options) (*Reader, error) {
	o.Limits = o.Limits.orDefaults()
	if err := o.check(); err != nil {
		return nil, err
	}
	head := make([]byte, maxHeaderBytes)
	n, err := io.ReadFull(r, head)
	head = head[:n]
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, fmt.Errorf("sheet: read the upload: %w", err)
	}
	if n == 0 {
		return nil, muster.Errorf(muster.Invalid, "", "The file is empty.")
	}
	up := &upload{spool: &spool{dir: o.TempDir, inside: insideBytes}, head: head, all: err != nil, o: o}
	reader, err := up.open(io.MultiReader(bytes.NewReader(head), r))
	if err != nil {
		_ = up.spool.Close()
		return nil, err
	}
	return reader, nil
}

func (o Options) check() error {
	if o.Kind != "" && !slices.Contains([]string{CSV, XLSX, JSON, NDJSON}, o.Kind) {
		return muster.Errorf(muster.Invalid, "format", "There is no format %q; there are csv, xlsx, json and ndjson.", o.Kind)
	}
	if o.Encoding != "" && !slices.Contains([]string{UTF8, UTF8BOM, UTF16LE, UTF16BE, Windows1252}, o.Encoding) {
		return muster.Errorf(muster.Invalid, "encoding", "There is no encoding %q; there are utf-8, utf-16le, utf-16be and windows-1252.", o.Encoding)
	}
	if o.Delimiter != "" && (len(o.Delimiter) != 1 || !strings.Contains(delimiters, o.Delimiter)) {
		return muster.Errorf(muster.Invalid, "delimiter", "The delimiter must be a comma, a semicolon, a tab or a bar, not %q.", o.Delimiter)
	}
	return nil
}

// upload is a file while it is being opened.
type upload struct {
	spool *spool
	head  []byte // the first bytes, at most maxHeaderBytes
	all   bool   // head is the whole file
	o     Options
}

func (u *upload) open(r io.Reader) (*Reader, error) {
	if bytes.HasPrefix(u.head, zipMagic) {
		if u.o.Kind != "" && u.o.Kind != XLSX {
			return nil, seemsToBe("a workbook or another ZIP archive, not " + u.o.Kind)
		}
		return u.openWorkbook(r)
	}
	if err := refuseForeign(u.head); err != nil {
		return nil, err
	}
	if u.o.Kind == XLSX {
		return nil, muster.Errorf(muster.Invalid, "", "This is not an XLSX workbook.")
	}
	return u.openText(r)
}

// take copies the upload into the spool, through watch if there is one.
func (u *upload) take(r io.Reader, watch io.Writer) error {
	var to io.Writer = u.spool
	if watch != nil {
		to = io.MultiWriter(watch, u.spool)
	}
	n, err := io.Copy(to, io.LimitReader(r, u.o.Limits.Bytes+1))
	if err != nil {
		if muster.CodeOf(err) != muster.Internal {
			return err
		}
		return fmt.Errorf("sheet: take in the upload: %w", err)
	}
	if n > u.o.Limits.Bytes {
		return tooLong("upload_bytes", "The file is larger than %s", size(u.o.Limits.Bytes))
	}
	return nil
}

func (u *upload) openText(r io.Reader) (*Reader, error) {
	wide := sniffWide(u.head)
	switch u.o.Encoding {
	case UTF16LE, UTF16BE:
		wide = u.o.Encoding
	case UTF8, UTF8BOM, Windows1252:
		wide = ""
	}
	kind, err := u.textKind(wide)
	if err != nil {
		return nil, err
	}
	scan := newTextScan(wide, u.o.Limits.LineBytes)
	forced := u.o.Encoding
	if kind == JSON {
		scan.maxLine = 0
	}
	if kind != CSV {
		forced = UTF8 // JSON is never anything else, or UTF-16, which scan knows already
	}
	if err := u.take(r, scan); err != nil {
		return nil, err
	}
	encoding, err := scan.decide(u.head, forced)
	if err != nil {
		return nil, err
	}
	out := &Reader{limits: u.o.Limits, spool: u.spool, format: Format{Kind: kind, Encoding: encoding, CRLF: scan.crlf*2 > scan.lf, Name: u.o.Name}}
	text := decoded(u.spool.reader(), encoding, u.head)
	switch kind {
	case JSON:
		out.source = newJSONArray(text, u.o.Limits)
	case NDJSON:
		out.source = newNDJSON(text, u.o.Limits)
	default:
		return out, out.startCSV(text, u.o.Delimiter)
	}
	return out, nil
}

// textKind tells JSON from CSV by the first characters.
func (u *upload) textKind(wide string) (string, error) {
	if u.o.Kind != "" {
		return u.o.Kind, nil
	}
	head := u.head
	switch {
	case wide != "":
		head, _ = io.ReadAll(decoded(bytes.NewReader(head), wide, head)) // a character cut at the end does not matter here
	default:
		head = bytes.TrimPrefix(head, []byte(bomUTF8))
	}
	text := bytes.TrimLeft(head, " \t\r\n")
	ext := strings.ToLower(path.Ext(u.o.Name))
	switch {
	case bytes.HasPrefix(text, []byte("[")):
		inner := bytes.TrimLeft(text[1:], " \t\r\n")
		if len(inner) == 0 || inner[0] == '{' || inner[0] == ']' || ext == ".json" {
			return JSON, nil
		}
	case bytes.HasPrefix(text, []byte("{")):
		return u.objectKind(text, ext == ".ndjson" || ext == ".jsonl")
	}
	return CSV, nil
}

// objectKind tells one object per line from one object that is the whole file.
func (u *upload) objectKind(text []byte, named bool) (string, error) {
	line, more, found := bytes.Cut(text, []byte("\n"))
	more = bytes.TrimLeft(more, " \t\r\n")
	switch {
	case named, !found && !u.all:
		return NDJSON, nil
	case found && json.Valid(line) && (len(more) > 0 || !u.all):
		return NDJSON, nil
	}
	return "", muster.Errorf(muster.Invalid, "", "The file is a single JSON object. Put the people into an array: [{…}, {…}], or write one object per line and name the file .ndjson.")
}
