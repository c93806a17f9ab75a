package intake_test

import (
	"bytes"
	"context"
	"encoding/json"
	"testing"

	"github.com/musterid/muster/e2e/people"
	"github.com/musterid/muster/internal/batch"
	"github.com/musterid/muster/internal/intake"
	"github.com/musterid/muster/internal/sheet"
	"github.com/musterid/muster/internal/store"
)

// BenchmarkDecode reads a chunk of stored rows.
func BenchmarkDecode(b *testing.B) {
	const n = 5_000
	columns, err := sheet.Recognise(people.Columns)
	if err != nil {
		b.Fatal(err)
	}
	var lines bytes.Buffer
	if err := people.New(1, "bench").Write(&lines, sheet.NDJSON, n); err != nil {
		b.Fatal(err)
	}
	cells, objects := make([]batch.Row, n), make([]batch.Row, n)
	maker := people.New(1, "bench")
	for i := range n {
		line, _ := lines.ReadBytes('\n')
		cells[i], objects[i] = batch.Row{Number: i + 2, Cells: maker.Next().Cells()}, batch.Row{Number: i + 1, JSON: bytes.TrimSpace(line)}
	}
	for name, rows := range map[string][]batch.Row{"Cells": cells, "Objects": objects} {
		b.Run(name, func(b *testing.B) {
			options, err := json.Marshal(intake.Options{Matching: "upsert", Header: people.Columns, Columns: columns})
			if err != nil {
				b.Fatal(err)
			}
			of := &store.BatchRow{Options: options}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := new(intake.Intake).Decode(context.Background(), of, rows); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/row")
		})
	}
}
