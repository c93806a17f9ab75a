package sheet

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
)

// jsonSink writes the objects as they were read, with the added members behind their own.
type jsonSink struct {
	w     *bufio.Writer
	array bool
	n     int
	names [][]byte // of the added members, as JSON
}

func newJSONSink(w io.Writer, f Format, added []string) *jsonSink {
	s := &jsonSink{w: bufio.NewWriterSize(w, 64<<10), array: f.Kind == JSON}
	for _, name := range added {
		s.names = append(s.names, jsonText(name))
	}
	return s
}

// jsonText is a string as JSON, with < and > as they are.
func jsonText(v string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(v) // a string always encodes
	return bytes.TrimRight(b.Bytes(), "\n")
}

func (s *jsonSink) write(_ []string, row Row, added []string) error {
	object, err := withoutOurs(row.JSON)
	if err != nil {
		return err
	}
	var line bytes.Buffer
	if s.array {
		line.WriteString(map[bool]string{true: "[\n", false: ",\n"}[s.n == 0])
	}
	s.n++
	inside := bytes.TrimSpace(object[1 : len(object)-1])
	line.WriteByte('{')
	line.Write(inside)
	for i, v := range added {
		if i > 0 || len(inside) > 0 {
			line.WriteByte(',')
		}
		line.Write(s.names[i])
		line.WriteByte(':')
		line.Write(jsonText(v))
	}
	line.WriteByte('}')
	if !s.array {
		line.WriteByte('\n')
	}
	if _, err := s.w.Write(line.Bytes()); err != nil {
		return fmt.Errorf("sheet: write JSON: %w", err)
	}
	return nil
}

// withoutOurs takes members that an earlier answer added out of an object, and puts the rest on one line when it stood on several.
func withoutOurs(raw json.RawMessage) ([]byte, error) {
	if bytes.IndexByte(raw, '\n') >= 0 || bytes.IndexByte(raw, '\r') >= 0 {
		var b bytes.Buffer
		if err := json.Compact(&b, raw); err != nil {
			return nil, fmt.Errorf("sheet: write JSON: %w", err)
		}
		raw = b.Bytes()
	}
	raw = bytes.TrimSpace(raw)
	if len(raw) < 2 || raw[0] != '{' {
		return nil, fmt.Errorf("sheet: write JSON: the row is not an object")
	}
	if !bytes.Contains(bytes.ToLower(raw), []byte(oursPrefix)) {
		return raw, nil
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	if _, err := d.Token(); err != nil {
		return nil, fmt.Errorf("sheet: write JSON: %w", err)
	}
	out := []byte{'{'}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, fmt.Errorf("sheet: write JSON: %w", err)
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, fmt.Errorf("sheet: write JSON: %w", err)
		}
		name, _ := key.(string)
		if Ours(name) {
			continue
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(append(out, jsonText(name)...), ':')
		out = append(out, value...)
	}
	return append(out, '}'), nil
}

func (s *jsonSink) close() error {
	if s.array {
		end := "\n]\n"
		if s.n == 0 {
			end = "[]\n"
		}
		_, _ = s.w.WriteString(end) // bufio keeps the first error
	}
	if err := s.w.Flush(); err != nil {
		return fmt.Errorf("sheet: write JSON: %w", err)
	}
	return nil
}
