package sheet

import (
	"bytes"
	"strings"

	"github.com/musterid/muster"
)

// foreign lists what people send by mistake, by its first bytes. The name of a file is never believed.
var foreign = []struct{ magic, what string }{
	{"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", "an old Excel workbook (.xls) or one with a password; save it as .xlsx without a password"},
	{"%PDF-", "a PDF document; export the table as CSV or XLSX"},
	{"\x89PNG", "a PNG image; send the table itself as CSV or XLSX"},
	{"\xFF\xD8\xFF", "a JPEG image; send the table itself as CSV or XLSX"},
	{"GIF8", "a GIF image; send the table itself as CSV or XLSX"},
	{"\x1F\x8B", "a gzip archive; unpack it first"},
	{"7z\xBC\xAF\x27\x1C", "a 7-Zip archive; unpack it first"},
	{"Rar!\x1A\x07", "a RAR archive; unpack it first"},
	{"BZh", "a bzip2 archive; unpack it first"},
	{"\xFD7zXZ", "an xz archive; unpack it first"},
	{"\x28\xB5\x2F\xFD", "a zstd archive; unpack it first"},
	{"SQLite format 3\x00", "an SQLite database; export the table as CSV"},
	{"{\\rtf", "a rich text document; save the table as CSV or XLSX"},
	{"PAR1", "a Parquet file; export the table as CSV"},
	{"\x7FELF", "a program"},
	{"MZ\x90", "a program"},
}

// markup lists texts that are no tables, compared without case after leading space.
var markup = []struct{ start, what string }{
	{"<!doctype html", "a web page (some systems name it .xls); open it in a spreadsheet and save it as XLSX or CSV"},
	{"<html", "a web page (some systems name it .xls); open it in a spreadsheet and save it as XLSX or CSV"},
	{"<table", "a web page (some systems name it .xls); open it in a spreadsheet and save it as XLSX or CSV"},
	{"<?xml", "an XML document; open it in a spreadsheet and save it as XLSX or CSV"},
	{"begin:vcard", "a list of vCards; export the contacts as CSV"},
}

var zipMagic = []byte("PK\x03\x04")

// refuseForeign says what a file seems to be when it is none of ours.
func refuseForeign(head []byte) *muster.Error {
	for _, f := range foreign {
		if bytes.HasPrefix(head, []byte(f.magic)) {
			return seemsToBe(f.what)
		}
	}
	text := bytes.TrimPrefix(head, []byte(bomUTF8))
	text = bytes.TrimLeft(text[:min(len(text), 512)], " \t\r\n")
	for _, m := range markup {
		if len(text) >= len(m.start) && strings.EqualFold(string(text[:len(m.start)]), m.start) {
			return seemsToBe(m.what)
		}
	}
	return nil
}

func seemsToBe(what string) *muster.Error {
	return muster.Errorf(muster.Unsupported, "", "This file seems to be %s.", what)
}
