package batch

import (
	"bytes"
	"encoding/json"
	"strconv"
	"unicode/utf8"
)

// appendRow appends the line of a row to a block: the JSON of Row, without reflection for what nearly all rows are. rowReader reads it back.
func appendRow(line []byte, row *Row) ([]byte, error) {
	if row.Secret || len(row.Faults)+len(row.Warnings) > 0 || (len(row.Cells) == 0) == (row.JSON == nil) {
		whole, err := json.Marshal(row)
		return append(append(line, whole...), '\n'), err
	}
	line = strconv.AppendInt(append(line, `{"n":`...), int64(row.Number), 10)
	if row.JSON == nil {
		return appendCells(line, row.Cells)
	}
	line = append(line, `,"j":`...)
	if bytes.IndexByte(row.JSON, '\n') < 0 && bytes.IndexByte(row.JSON, '\r') < 0 {
		return append(append(line, row.JSON...), '}', '\n'), nil
	}
	out := bytes.NewBuffer(line)
	if err := json.Compact(out, row.JSON); err != nil {
		return nil, err
	}
	return append(out.Bytes(), '}', '\n'), nil
}

func appendCells(line []byte, cells []string) ([]byte, error) {
	line = append(line, `,"c":[`...)
	for i, cell := range cells {
		if i > 0 {
			line = append(line, ',')
		}
		if plain(cell) {
			line = append(append(append(line, '"'), cell...), '"')
			continue
		}
		quoted, err := json.Marshal(cell)
		if err != nil {
			return nil, err
		}
		line = append(line, quoted...)
	}
	return append(line, ']', '}', '\n'), nil
}

// plain says whether a text stands in JSON as it is.
func plain(s string) bool {
	ascii := true
	for i := range len(s) {
		c := s[i]
		if c < 0x20 || c == '"' || c == '\\' {
			return false
		}
		ascii = ascii && c < utf8.RuneSelf
	}
	return ascii || utf8.ValidString(s)
}
