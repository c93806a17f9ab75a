package native

// Routes lists the routes that are served.
func Routes() []string { return newSurface(Options{}).mux.Routes() }
