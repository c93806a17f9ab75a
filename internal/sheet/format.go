package sheet

// The kinds of file.
const (
	CSV    = "csv"
	XLSX   = "xlsx"
	JSON   = "json"   // an array of objects
	NDJSON = "ndjson" // one object per line
)

// The encodings of a text file.
const (
	UTF8        = "utf-8"
	UTF8BOM     = "utf-8-bom"
	UTF16LE     = "utf-16le"
	UTF16BE     = "utf-16be"
	Windows1252 = "windows-1252"
)

// Format is how a file was written. It is remembered with a batch, so that the answer comes back the same way.
type Format struct {
	Kind      string `json:"kind"`
	Encoding  string `json:"encoding,omitempty"`  // text files
	Delimiter string `json:"delimiter,omitempty"` // CSV: one of , ; tab |
	CRLF      bool   `json:"crlf,omitempty"`      // text files: lines end as on Windows
	Preamble  string `json:"preamble,omitempty"`  // CSV: a first line that is no header, such as sep=; or version:v1.0
	Sheet     string `json:"sheet,omitempty"`     // XLSX: the sheet that was read
	Name      string `json:"name,omitempty"`      // the file's name as it was sent, never used as a path
}

// Tabular reports whether rows have cells under a header; the other kinds have one JSON object a row.
func (f Format) Tabular() bool { return f.Kind == CSV || f.Kind == XLSX }
