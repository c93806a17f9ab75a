package store

import (
	"path/filepath"
	"testing"
)

// What connections to SQLite may keep of the file is bounded together, since the pages of one fill what another leaves.
func TestPageCachesAreBoundedTogether(t *testing.T) {
	t.Parallel()
	const most = 12_000 // KiB, with up to 16 readers
	s, err := Open(t.Context(), Options{Path: filepath.Join(t.TempDir(), "x.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var writer, reader int
	if err := s.write.QueryRowContext(t.Context(), "PRAGMA cache_size").Scan(&writer); err != nil {
		t.Fatal(err)
	}
	if err := s.read.QueryRowContext(t.Context(), "PRAGMA cache_size").Scan(&reader); err != nil {
		t.Fatal(err)
	}
	readers := s.read.Stats().MaxOpenConnections
	if writer >= 0 || reader >= 0 { // a number of pages
		t.Fatalf("the writer has %d, a reader %d", writer, reader)
	}
	if all := -writer - readers*reader; all > max(most, writeCache+readers*leastReadCache) {
		t.Errorf("the writer has %d KiB, each of %d readers %d: %d together", -writer, readers, -reader, all)
	}
}
