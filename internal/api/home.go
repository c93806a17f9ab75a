package api

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
)

// Home is the surface of the paths that belong to no other: where to begin, and whether the process is well. facts stand beside the links: what
// clients of a surface want to find at /.
func Home(links map[string]string, facts map[string]any, ready func(context.Context) error) Surface {
	root := map[string]any{"name": "Muster", "links": links}
	maps.Copy(root, facts)
	mux := &Mux{NotFound: NoRoute, NotAllowed: NotAllowed}
	mux.HandleFunc("GET /", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, root)
	})
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) {
		TraceOf(r.Context()).Quiet = true
		answer(w, http.StatusOK, map[string]any{"status": "ok"})
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		TraceOf(r.Context()).Quiet = true
		if err := ready(r.Context()); err != nil {
			Refuse(w, r, err)
			return
		}
		answer(w, http.StatusOK, map[string]any{"status": "ready"})
	})
	return Surface{Name: "home", Handler: mux, Panicked: Panicked}
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // a client that is gone
}
