package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

const resultRequests = 120

// measureResults asks for pages of 1,000 results of an import, and for pages of 1,000 people, in turn.
func measureResults(ctx context.Context, b *bench) error {
	t := b.table("database", "rows", "page of 1,000", "people p50 ms", "p99", "results p50 ms", "p99", "p50 / p50", "p99 / p99")
	for _, e := range b.kinds() {
		if err := e.results(ctx, t); err != nil {
			return fmt.Errorf("%s: %w", e.name, err)
		}
	}
	t.print()
	return nil
}

func (e *engine) results(ctx context.Context, t *table) error {
	s, err := e.serve(ctx, e.b.present)
	if err != nil {
		return err
	}
	defer s.end()
	w := s.wire()
	defer w.close()
	items, err := deepPages(w, "/v1/batches/"+s.batch+"/items?limit=50")
	if err != nil {
		return err
	}
	everybody, err := deepPages(w, "/v1/people?limit=50")
	if err != nil {
		return err
	}
	for i := range depths {
		paths := []string{thousand(everybody[i]), thousand(items[i])}
		if err := full(w, paths); err != nil {
			return err
		}
		took, err := askInTurn(ctx, []*wire{w}, [][]string{paths}, resultRequests)
		if err != nil {
			return err
		}
		a, b := took[0][0], took[0][1]
		t.row(e.name, s.people, fmt.Sprintf("at %.0f %%", depths[i]*100), millis(a, 50), millis(a, 99), millis(b, 50), millis(b, 99),
			share(float64(percentile(b, 50))/float64(percentile(a, 50))), share(float64(percentile(b, 99))/float64(percentile(a, 99))))
	}
	return nil
}

// full proves that pages have what they are to have.
func full(w *wire, paths []string) error {
	for _, path := range paths {
		answer, _, err := w.ask(http.MethodGet, path, "")
		if err != nil {
			return err
		}
		var page struct {
			Items []json.RawMessage `json:"items"`
		}
		if err := json.Unmarshal(answer, &page); err != nil || len(page.Items) != 1_000 {
			return fmt.Errorf("%s gives %d of 1000: %w", path, len(page.Items), err)
		}
	}
	return nil
}

// thousand is the page of 1,000 that begins where one of 50 does.
func thousand(path string) string { return strings.Replace(path, "limit=50", "limit=1000", 1) }
