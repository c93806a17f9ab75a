// Package sheet reads and writes people's files: CSV, XLSX, a JSON array of objects, and NDJSON. It streams: a million rows need no more memory
// than ten thousand. It knows formats, encodings, delimiters, headers and what people call their columns (Recognise).
//
// It is not where a row becomes a person: it knows nothing about directories, batches or databases. That is internal/intake.
//
// Look next at Open (open.go), the four sources behind it (csv.go, xlsx.go, jsonarray.go, ndjson.go), NewWriter (writer.go), and the table of
// header names (synonyms.go).
//
// # Numbers of rows
//
// A Row's number is the one a spreadsheet shows beside it: a quoted cell with line breaks is one row, blank rows count although they are skipped.
// The header is usually row 1. A sep=; line, which Excel swallows, is not counted. In NDJSON the number is the line, in a JSON array the position
// of the element, from 1. Errors about bytes or quotes name the line as a text editor counts it, and say "line".
//
// # Formula characters
//
// A CSV cell that a spreadsheet would take for a formula is written with an apostrophe before it, and the apostrophe is taken off when such a cell
// is read (see Neutralise), so that a result sheet says the same as the file it came from.
package sheet
