package access_test

import (
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/access"
	"github.com/musterid/muster/internal/secret"
	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

// BenchmarkHashing compares the hashing of passwords in line with bare hashing on all cores, in turns: bare/s, line/s and the ratio.
func BenchmarkHashing(b *testing.B) {
	const n = 48
	for _, engine := range storetest.Engines {
		b.Run(string(engine), func(b *testing.B) {
			h := &lodge{house: &house{st: storetest.OpenWithoutTenant(b, engine)}, key: secret.NewKey()}
			a := access.New(h.st)
			b.Cleanup(a.Close)
			if _, err := a.Bootstrap(b.Context(), h.key, func(string) error { return nil }); err != nil {
				b.Fatal(err)
			}
			tenant := int64(1)
			var people []sent
			err := h.st.Update(b.Context(), tenant, func(tx *store.Tx) error {
				seqs, err := tx.NextPeople(n)
				rows := make([]*store.PersonRow, n)
				for i := range rows {
					rows[i] = &store.PersonRow{Person: muster.Person{Seq: seqs[i], ID: muster.PersonID(seqs[i], tx.Now()), State: muster.Active, Mode: muster.Standard, Version: 1, CreatedAt: tx.Now(), UpdatedAt: tx.Now()}}
					people = append(people, sent{seqs[i], fmt.Sprint("horse ", i)})
				}
				return joined(err, tx.InsertPeople(rows))
			})
			if err != nil {
				b.Fatal(err)
			}
			hasher := access.NewHasher(access.HasherOptions{Store: h.st, Key: h.key})
			b.Cleanup(hasher.Close)
			var bare, line time.Duration
			for b.Loop() {
				began := time.Now()
				var workers sync.WaitGroup
				for w := range runtime.GOMAXPROCS(0) {
					workers.Go(func() {
						for i := w; i < n; i += runtime.GOMAXPROCS(0) {
							if _, err := secret.HashPassword(b.Context(), people[i].password); err != nil {
								b.Error(err)
							}
						}
					})
				}
				workers.Wait()
				bare += time.Since(began)
				h.sealed(b, tenant, people...)
				began = time.Now()
				if done, err := hasher.Run(b.Context()); err != nil || done != n {
					b.Fatal(done, err)
				}
				line += time.Since(began)
			}
			b.ReportMetric(float64(b.N*n)/bare.Seconds(), "bare/s")
			b.ReportMetric(float64(b.N*n)/line.Seconds(), "line/s")
			b.ReportMetric(bare.Seconds()/line.Seconds(), "ratio")
			b.ReportMetric(0, "ns/op")
		})
	}
}

func joined(first, second error) error {
	if first != nil {
		return first
	}
	return second
}
