package intake_test

import (
	"bytes"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/batch"
	"github.com/musterid/muster/internal/intake"
	"github.com/musterid/muster/internal/sheet"
	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

func TestRowsOfItems(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		h := open(t, st)
		var file strings.Builder
		file.WriteString("Mail,Nom,mot de passe,locker,Left out\n")
		for i := range 600 {
			if i%100 == 50 {
				file.WriteString("broken, X ,secret,7,\n")
				continue
			}
			file.WriteString("p" + strings.Repeat("x", i/10) + strings.Repeat("y", i%10) + "@x.test,N,secret,,\n")
		}
		b := h.run(file.String(), intake.Upload{Mapping: map[string]string{"Left out": "-"}})
		failed, total, err := h.engine.Page(t.Context(), h.caller, b, []batch.ItemOutcome{batch.OutcomeFailed}, 1, 4)
		if err != nil || total != 6 || len(failed) != 4 {
			t.Fatal(len(failed), total, err)
		}
		rows, err := h.intake.RowsOf(t.Context(), h.caller, b, failed)
		if err != nil || len(rows) != 4 {
			t.Fatal(rows, err)
		}
		for _, item := range failed {
			row := rows[item.Index]
			if row.Row != item.Row || !maps.Equal(row.Cells, map[string]string{"email": "broken", "last_name": "X"}) {
				t.Errorf("item %d of row %d: %+v", item.Index, item.Row, row)
			}
		}
		waiting, err := h.upload(`[{"email":" a@x.test ","Nom":"A","absent":true,"password":"secret","shoe":1}]`, intake.Upload{Name: "a.json"})
		if err != nil {
			t.Fatal(err)
		}
		rows, err = h.intake.RowsOf(t.Context(), h.caller, waiting, h.items(waiting))
		if row := rows[0]; err != nil || row.Row != 1 || !maps.Equal(row.Cells, map[string]string{"email": "a@x.test", "last_name": "A", "absent": "true"}) {
			t.Errorf("of a row that had no turn: %+v %v", rows, err)
		}
		stranger := h.caller
		stranger.Tenant++
		if rows, err := h.intake.RowsOf(t.Context(), stranger, b, failed); len(rows) != 0 && err == nil {
			t.Errorf("another tenant gets %v", rows)
		}
		if _, err := h.intake.RowsOf(t.Context(), h.caller, store.BatchRow{Batch: muster.Batch{Kind: muster.ProvisionBatch}}, nil); muster.CodeOf(err) != muster.Unsupported {
			t.Errorf("of a batch of accounts: %v", err)
		}
		if err := st.Update(t.Context(), store.Everyone, func(tx *store.Tx) error { _, err := tx.DropOldBlocks(tx.Now().Add(time.Minute), 10); return err }); err != nil {
			t.Fatal(err)
		}
		if rows, err := h.intake.RowsOf(t.Context(), h.caller, b, failed); err != nil || len(rows) != 0 {
			t.Errorf("of rows that are kept no longer: %v %v", rows, err)
		}
	})
}

// A template that is filled in and sent back is understood, in every format.
func TestTemplates(t *testing.T) {
	storetest.Each(t, func(t *testing.T, st *store.Store) {
		h := open(t, st)
		header, rows := []string{"nom", "prenom", "email", "telephone", "role"}, [][]string{{"Née", "Zoé; la", "zoe@x.test", "+33 6 12", "=1"}, {"Bâ", "O'Neil", "o@x.test", "", ""}}
		for i, format := range []intake.Format{{Kind: intake.CSV, Delimiter: ";", Encoding: sheet.UTF8BOM, CRLF: true}, {Kind: intake.XLSX}} {
			var out bytes.Buffer
			if err := intake.WriteSheet(&out, format, header, rows); err != nil {
				t.Fatal(err)
			}
			if text := out.String(); i == 0 && text != "\ufeffnom;prenom;email;telephone;role\r\nNée;\"Zoé; la\";zoe@x.test;+33 6 12;'=1\r\nBâ;O'Neil;o@x.test;;\r\n" {
				t.Errorf("CSV: %q", text)
			}
			b := h.run(out.String(), intake.Upload{Name: "template"})
			if want := []muster.Counts{{Done: 2, Created: 2}, {Done: 2, Unchanged: 2}}[i]; b.Counts.Created != want.Created || b.Counts.Unchanged != want.Unchanged {
				t.Errorf("%s: %v", format.Kind, h.told(b))
			}
		}
		if p := h.people(); len(p) != 2 || p[0].FirstName != "Zoé; la" || p[1].LastName != "Bâ" {
			t.Errorf("people %+v", p)
		}
		if err := intake.WriteSheet(&bytes.Buffer{}, intake.Format{Kind: "ods"}, header, rows); muster.CodeOf(err) != muster.Invalid {
			t.Errorf("another format: %v", err)
		}
	})
}
