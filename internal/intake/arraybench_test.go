package intake_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/batch"
	"github.com/musterid/muster/internal/intake"
	"github.com/musterid/muster/internal/queue"
	"github.com/musterid/muster/internal/roster"
	"github.com/musterid/muster/internal/secret"
	"github.com/musterid/muster/internal/store"
	"github.com/musterid/muster/internal/store/storetest"
)

// How long a body of 100,000 small rows takes until its answer; nothing is carried out.
func BenchmarkReceiveArray(b *testing.B) {
	var body strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&body, `%s{"email":"user%06d@example.test","username":"user%06d","firstname":"First","lastname":"Last","attributes":[{"name":"a","value":"b"}]}`,
			map[bool]string{true: "[", false: ","}[i == 0], i, i)
	}
	body.WriteString("]")
	for _, engine := range storetest.Engines {
		for _, password := range []string{"", `,"password":"Correct horse 1"}`} {
			text := body.String()
			if password != "" {
				text = strings.ReplaceAll(text, `]}`, "]"+password)
			}
			b.Run(string(engine)+map[bool]string{true: "", false: "/passwords"}[password == ""], func(b *testing.B) {
				st := storetest.Open(b, engine)
				o := queue.Options{Engine: string(st.Engine()), DSN: st.DSN()}
				if engine == store.SQLite {
					o.Writer = st.Handle()
				}
				q, err := queue.Open(b.Context(), o)
				if err != nil {
					b.Fatal(err)
				}
				b.Cleanup(func() { q.Close() })
				in := intake.New(st, batch.New(st, q, secret.NewKey(), nil), roster.New(st, q))
				in.RegisterProfile("requests", requests)
				caller := muster.Caller{Tenant: storetest.Tenant, Name: "key:bench", Surface: "native", Grants: muster.AdminScope.Grants()}
				b.SetBytes(int64(len(text)))
				for b.Loop() {
					a := intake.Array{Profile: "requests", Matching: muster.EachNew, Secret: "password", Note: []string{"email", "id"}}
					if _, err := in.ReceiveArray(b.Context(), caller, strings.NewReader(text), a); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
