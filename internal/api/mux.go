package api

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Mux finds the route of a request within a surface. Unlike http.ServeMux it looks at the escaped path as it is, so it never redirects, %2F is no
// slash, and a literal segment has one spelling. A literal goes before a parameter; a parameter is never empty.
type Mux struct {
	root   *place
	routes []string
	// NotFound answers paths that have no route, and NotAllowed methods that a path does not have; the header Allow is set then.
	NotFound, NotAllowed http.HandlerFunc
}

// place is a node in the tree of segments.
type place struct {
	literal map[string]*place
	any     *place
	methods map[string]*endpoint
}

type endpoint struct {
	pattern string
	params  []string // names, in the order of the path
	handle  func(http.ResponseWriter, *http.Request)
}

// HandleFunc adds a route such as "GET /v1/people/{id}". HEAD is answered by GET's. It panics for a route that is there already.
func (m *Mux) HandleFunc(pattern string, handle func(http.ResponseWriter, *http.Request)) {
	method, path, _ := strings.Cut(pattern, " ")
	if m.root == nil {
		m.root = &place{}
	}
	at, end := m.root, &endpoint{pattern: path, handle: handle}
	for _, segment := range segments(path) {
		if name, ok := strings.CutPrefix(segment, "{"); ok {
			end.params = append(end.params, strings.TrimSuffix(name, "}"))
			if at.any == nil {
				at.any = &place{}
			}
			at = at.any
			continue
		}
		if at.literal == nil {
			at.literal = map[string]*place{}
		}
		if at.literal[segment] == nil {
			at.literal[segment] = &place{}
		}
		at = at.literal[segment]
	}
	if at.methods == nil {
		at.methods = map[string]*endpoint{}
	}
	if at.methods[method] != nil {
		panic("api: two routes for " + pattern)
	}
	at.methods[method] = end
	m.routes = append(m.routes, pattern)
}

// Routes lists what was added, such as "GET /v1/people/{id}".
func (m *Mux) Routes() []string { return slices.Clone(m.routes) }

// ServeHTTP implements http.Handler.
func (m *Mux) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	at, values := m.root.find(segments(r.URL.EscapedPath()), nil)
	if at == nil {
		m.NotFound(w, r)
		return
	}
	end := at.methods[r.Method]
	if end == nil && r.Method == http.MethodHead {
		end = at.methods[http.MethodGet]
	}
	if end == nil {
		w.Header().Set("Allow", at.allow())
		m.NotAllowed(w, r)
		return
	}
	for i, name := range end.params {
		value, err := url.PathUnescape(values[i])
		if err != nil {
			m.NotFound(w, r)
			return
		}
		r.SetPathValue(name, value)
	}
	TraceOf(r.Context()).Route = end.pattern
	end.handle(w, r)
}

// find gives the place that segments lead to, with the values of its parameters, in the order of the path.
func (p *place) find(rest, values []string) (*place, []string) {
	if p == nil {
		return nil, nil
	}
	if len(rest) == 0 {
		if p.methods == nil {
			return nil, nil
		}
		return p, values
	}
	if at, found := p.literal[rest[0]].find(rest[1:], values); at != nil {
		return at, found
	}
	if rest[0] == "" {
		return nil, nil
	}
	return p.any.find(rest[1:], append(values[:len(values):len(values)], rest[0]))
}

func (p *place) allow() string {
	var methods []string
	for method := range p.methods {
		methods = append(methods, method)
		if method == http.MethodGet && p.methods[http.MethodHead] == nil {
			methods = append(methods, http.MethodHead)
		}
	}
	slices.Sort(methods)
	return strings.Join(methods, ", ")
}
