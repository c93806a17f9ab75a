package edconnekt

import (
	"net/http"
	"slices"
	"strings"
)

// What browsers of other origins may send and read (contract §2). The front end is served from elsewhere, and uses no cookies.
const (
	corsMethods = "GET, POST, PUT, PATCH, DELETE, OPTIONS"
	corsHeaders = "Authorization, Content-Type, X-Etab, X-Roles"
	corsExposed = "Content-Disposition, X-Etab, X-Roles, X-Role"
	corsMaxAge  = "600"
)

// crossOrigin sets the headers that let a browser show the answer to a page of an origin that is configured. It answers preflights, and says
// whether it has: a preflight of any other origin is refused as such, without a look at the path.
func (s *surface) crossOrigin(w http.ResponseWriter, r *http.Request) (answered bool) {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return false
	}
	h := w.Header()
	h.Add("Vary", "Origin")
	allowed := s.allowed(origin)
	if allowed {
		h.Set("Access-Control-Allow-Origin", origin)
		h.Set("Access-Control-Expose-Headers", corsExposed)
	}
	if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" {
		return false
	}
	h.Add("Vary", "Access-Control-Request-Headers")
	if !allowed {
		write(w, http.StatusBadRequest, refusal{Detail: "Origine non autorisée.", Code: "ORIGIN_NOT_ALLOWED", Message: "Origine non autorisée."})
		return true
	}
	h.Set("Access-Control-Allow-Methods", corsMethods)
	h.Set("Access-Control-Allow-Headers", corsHeaders)
	h.Set("Access-Control-Max-Age", corsMaxAge)
	w.WriteHeader(http.StatusNoContent)
	return true
}

func (s *surface) allowed(origin string) bool {
	return slices.ContainsFunc(s.Origins, func(o string) bool { return o == "*" || strings.EqualFold(strings.TrimSuffix(o, "/"), origin) })
}
