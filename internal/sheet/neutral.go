package sheet

import (
	"strings"
	"unicode/utf8"
)

// A spreadsheet that opens a CSV file runs a cell as a formula when it begins with one of these; the last four are their full-width forms.
const formulaStarts = "=+-@\t\r\n＝＋－＠"

// Neutralise makes a value safe for a CSV cell: an apostrophe goes before a value that a spreadsheet would run. What is plainly a phone number or a
// number, such as +33 6 12 34 56 78 or -12.5, stays as it is. A value that begins with an apostrophe and a formula character of its own gets one
// more, so that reading takes off exactly what writing put on. What is read from a file that others neutralised loses their apostrophe too.
func Neutralise(v string) string {
	if v == "" || v[0] > '@' && v[0] < utf8.RuneSelf { // most values begin with a letter
		return v
	}
	if quotedFormula(v) || startsFormula(v) && !plainNumber(v) && strings.TrimSpace(v) != "" {
		return "'" + v
	}
	return v
}

// guardQuote is Neutralise for cells that have a type, and are never run: only what reading would take off is guarded.
func guardQuote(v string) string {
	if quotedFormula(v) {
		return "'" + v
	}
	return v
}

// unneutralise takes off the apostrophe that Neutralise put on.
func unneutralise(v string) string {
	if quotedFormula(v) {
		return v[1:]
	}
	return v
}

func startsFormula(v string) bool {
	r, _ := utf8.DecodeRuneInString(v)
	return r != utf8.RuneError && strings.ContainsRune(formulaStarts, r)
}

// quotedFormula: one or more apostrophes, then a formula character.
func quotedFormula(v string) bool {
	if v == "" || v[0] != '\'' {
		return false
	}
	bare := strings.TrimLeft(v, "'")
	return bare != "" && startsFormula(bare)
}

// plainNumber: a sign, then only what phone numbers, dates and decimals are written with.
func plainNumber(v string) bool {
	return (v[0] == '+' || v[0] == '-') && strings.Trim(v[1:], "0123456789 ().,-/\u00A0\u202F") == ""
}
