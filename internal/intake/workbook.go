package intake

import (
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/sheet"
)

// open opens a file, a workbook on the sheet that has the people.
func (u *Upload) open(content io.Reader) (*sheet.Reader, error) {
	o := sheet.Options{Name: u.Name, Sheet: u.Sheet, Limits: u.Limits}
	if u.Sheets != nil {
		o.Choose = func(names []string) (main string) {
			main, u.beside = u.Sheets(names)
			return main
		}
	}
	reader, err := sheet.Open(content, o)
	if err == nil && u.Profile != "" && !reader.Format().Tabular() {
		_ = reader.Close() // only a temporary file
		return nil, muster.Errorf(muster.Unsupported, "", "Only tables are taken here: a CSV file or an XLSX workbook, and not %s.", strings.ToUpper(reader.Format().Kind))
	}
	return reader, err
}

// read finds out what the columns are said to mean, and puts further sheets beside the first.
func (u *Upload) read(reader *sheet.Reader) (mapping map[string]string, err error) {
	switch {
	case !reader.Format().Tabular():
		return nil, nil
	case len(u.beside) > 0:
		mapping, err = reader.Beside(u.beside, "email", u.reading)
	case u.Reading != nil:
		mapping, err = u.Reading(reader.Header())
	}
	if err != nil || mapping == nil {
		return u.Mapping, err
	}
	return overruled(mapping, u.Mapping), nil
}

// overruled is a mapping in which the user's word counts first.
func overruled(mapping, user map[string]string) map[string]string {
	out := maps.Clone(mapping)
	if out == nil {
		out = map[string]string{}
	}
	for name, field := range user {
		maps.DeleteFunc(out, func(other, _ string) bool { return sameHeader(other, name) })
		out[name] = field
	}
	return out
}

func sameHeader(a, b string) bool {
	return strings.EqualFold(strings.TrimSpace(a), strings.TrimSpace(b))
}

// reading says what the columns of one sheet of several mean. The user's word is about any of them.
func (u *Upload) reading(header []string) (mapping map[string]string, err error) {
	if u.Reading != nil {
		if mapping, err = u.Reading(header); err != nil {
			return nil, err
		}
	}
	here := map[string]string{}
	for name, field := range u.Mapping {
		if slices.ContainsFunc(header, func(h string) bool { return sameHeader(h, name) }) {
			here[name] = field
		}
	}
	return overruled(mapping, here), nil
}

// orphans says of the rows of further sheets that belonged to nobody, as notes of the file.
func orphans(reader *sheet.Reader) (muster.Errors, error) {
	left, err := reader.Left()
	var notes muster.Errors
	for _, l := range left {
		notes = append(notes, muster.Errorf(muster.NotFound, "", "Rows of the sheet %q whose e-mail address is in no row of the sheet %q were not used: %d, the first of them row %d.", l.Sheet, l.Main, l.Rows, l.First))
	}
	return notes, err
}
