package people

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"

	"github.com/musterid/muster/internal/sheet"
)

// Write writes the next n people as a file of a kind: sheet.CSV, sheet.XLSX, sheet.JSON or sheet.NDJSON.
func (m *Maker) Write(w io.Writer, kind string, n int) error {
	if kind == sheet.NDJSON || kind == sheet.JSON {
		return m.writeObjects(w, kind, n)
	}
	out, err := sheet.NewWriter(w, sheet.Format{Kind: kind, Delimiter: ";"}, Columns, nil)
	if err != nil {
		return fmt.Errorf("people: write %s: %w", kind, err)
	}
	for range n {
		if err := out.Write(sheet.Row{Cells: m.Next().Cells()}); err != nil {
			_ = out.Close()
			return fmt.Errorf("people: write %s: %w", kind, err)
		}
	}
	return out.Close()
}

// line is a person as an object of the native API.
type line struct {
	SourceID   string `json:"source_id"`
	LastName   string `json:"last_name"`
	FirstName  string `json:"first_name"`
	Email      string `json:"email"`
	Department string `json:"department"`
}

func (m *Maker) writeObjects(w io.Writer, kind string, n int) error {
	out := bufio.NewWriterSize(w, 64<<10)
	encoder := json.NewEncoder(out)
	for i := range n {
		if kind == sheet.JSON {
			_ = out.WriteByte("[,"[min(i, 1)]) // Flush tells
		}
		p := m.Next()
		if err := encoder.Encode(line{p.SourceID, p.Last, p.First, p.Email, p.Department}); err != nil {
			return fmt.Errorf("people: write objects: %w", err)
		}
	}
	if kind == sheet.JSON {
		_ = out.WriteByte(']')
	}
	return out.Flush()
}
