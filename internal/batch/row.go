package batch

import (
	"bytes"
	"compress/flate"
	"encoding/json"
	"fmt"
	"math"
	"sync"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/store"
)

// Row is one submitted row as it came: cells of a sheet, or an object. It is kept until the input's retention is over, for the result sheet
// and for retries.
type Row struct {
	Number int             `json:"n"`           // as the user sees it in the file, from 1
	Cells  []string        `json:"c,omitempty"` // of a sheet
	JSON   json.RawMessage `json:"j,omitempty"` // of a body
	Secret bool            `json:"s,omitempty"` // a password came with it, and is kept apart
	Faults muster.Errors   `json:"f,omitempty"` // found while reading: the row fails with them

	Warnings muster.Errors `json:"w,omitempty"` // found while reading: of the row's item, when it is done
}

// size is about how many bytes a row has.
func (r *Row) size() int {
	n := len(r.JSON)
	for _, cell := range r.Cells {
		n += len(cell)
	}
	return n
}

// blockRows is how many rows stand in one block.
const blockRows = 250

// A deflater is half a megabyte of tables, an inflater forty kilobytes: they are used again.
var (
	deflaters = sync.Pool{New: func() any {
		w, err := flate.NewWriter(nil, flate.BestSpeed)
		if err != nil {
			panic(err) // of a level that does not exist only
		}
		return w
	}}
	inflaters = sync.Pool{New: func() any { return flate.NewReader(nil) }}
)

// pack makes a block of rows: one JSON text per line, deflated at the fastest level.
func pack(first int, rows []Row) (store.Block, error) {
	var out bytes.Buffer
	w := deflaters.Get().(*flate.Writer)
	defer deflaters.Put(w)
	w.Reset(&out)
	var line []byte
	for i := range rows {
		var err error
		if line, err = appendRow(line[:0], &rows[i]); err == nil {
			_, err = w.Write(line)
		}
		if err != nil {
			return store.Block{}, fmt.Errorf("batch: pack row %d: %w", rows[i].Number, err)
		}
	}
	if err := w.Close(); err != nil {
		return store.Block{}, fmt.Errorf("batch: pack rows: %w", err)
	}
	return store.Block{First: first, N: len(rows), Bytes: out.Bytes()}, nil
}

// rowsBetween reads the rows from first to before end.
func rowsBetween(tx *store.Tx, batch int64, first, end int) ([]Row, error) {
	blocks, err := tx.Blocks(batch, first, end)
	if err != nil {
		return nil, err
	}
	rows, _, err := cutRows(blocks, first, end, math.MaxInt)
	return rows, err
}

// cutRows gives the rows from first to before end, or the first of them when they have more bytes than most: at least one. more says that there are
// others.
func cutRows(blocks []store.Block, first, end, most int) (rows []Row, more bool, err error) {
	rows = make([]Row, 0, end-first)
	for _, b := range blocks {
		list, err := unpack(b)
		if err != nil {
			return nil, false, err
		}
		for i := max(first-b.First, 0); i < min(end-b.First, b.N); i++ {
			if most -= list[i].size(); most < 0 && len(rows) > 0 {
				return rows, true, nil
			}
			rows = append(rows, list[i])
		}
	}
	return rows, false, nil
}
