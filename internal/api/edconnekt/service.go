package edconnekt

import (
	"context"
	"math"
	"net/http"
	"time"

	"github.com/musterid/muster/internal/api"
)

// healthWithin is how long the health page waits for what it asks (contract §4.3: it answers within about 2 s).
const healthWithin = 1500 * time.Millisecond

// services registers the root and health pages of the three services. Nobody has to sign in for them.
func (s *surface) services() {
	for prefix, name := range map[string]string{"/provisioning": provisioningName, "/identity": "identity-service", "/establishment": "establishment-service"} {
		inEnvelope := prefix == "/identity"
		s.route([]string{prefix}, http.MethodGet, "/", anybody, func(*request) (int, any, error) {
			root := rootOf(name)
			if inEnvelope {
				return http.StatusOK, s.single(root, name), nil
			}
			return http.StatusOK, root, nil
		})
		s.route([]string{prefix}, http.MethodGet, "/health", anybody, func(q *request) (int, any, error) {
			status, health := s.health(q)
			if inEnvelope {
				return status, s.single(health, health["status"]), nil
			}
			return status, health, nil
		})
	}
	s.route([]string{""}, http.MethodGet, "/health", anybody, func(q *request) (int, any, error) {
		status, health := s.health(q)
		return status, health, nil
	})
}

const provisioningName = "Provisioning Service"

func rootOf(service string) map[string]any {
	return map[string]any{"service": service, "version": "1.0.0", "status": "running"}
}

// Root is what the client of the provisioning service looks for at / where its base has no prefix (contract §4.3).
func Root() map[string]any { return rootOf(provisioningName) }

// health says how the parts are (contract §4.3). Only an unusable database is a failure; rabbitmq_consumer is what stands in its place here: the
// workers of this process.
func (s *surface) health(q *request) (int, map[string]string) {
	api.TraceOf(q.ctx).Quiet = true
	ctx, cancel := context.WithTimeout(q.ctx, healthWithin)
	defer cancel()
	h := s.Health(ctx)
	out := map[string]string{"status": "healthy", "database": "connected", "rabbitmq_consumer": "connected", "keycloak": h.Accounts}
	if !h.Workers {
		out["rabbitmq_consumer"] = "disabled"
	}
	if h.Accounts == "disconnected" {
		out["status"] = "degraded"
	}
	if !h.Database {
		out["status"], out["database"] = "unhealthy", "disconnected"
		return http.StatusServiceUnavailable, out
	}
	return http.StatusOK, out
}

// timestamp is a time as this surface writes it: RFC 3339 in UTC with Z, because a browser reads a time without zone as local.
func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000Z") }

// single is a StandardSingleResponse (contract §8).
func (s *surface) single(data, message any) map[string]any {
	return map[string]any{"success": true, "data": data, "message": message, "timestamp": timestamp(s.Now())}
}

// done is a StandardSuccessResponse: message is required there, data is not.
func (s *surface) done(message string, data any) map[string]any {
	return map[string]any{"success": true, "message": message, "data": data, "timestamp": timestamp(s.Now())}
}

// page is which part of a list is asked for.
type page struct{ number, size int }

func (p page) skip() int { return (p.number - 1) * p.size }

// paging reads page and size (contract §8).
func (c *checks) paging(size, most int) page {
	return page{min(c.number("page", 1, 1, math.MaxInt), lastPage), c.number("size", size, 1, most)}
}

// lastPage keeps the product of page and size a number. No bound is declared, so that a page beyond it is a page without rows.
const lastPage = 1 << 40

// list is a StandardListResponse.
func (s *surface) list(data any, total int, p page) map[string]any {
	return map[string]any{
		"success": true, "data": data, "total": total, "page": p.number, "page_size": p.size, "pages": pages(total, p.size), "message": nil,
		"timestamp": timestamp(s.Now()),
	}
}

func pages(total, size int) int { return (total + size - 1) / size }
