package native

// Routes lists the routes that are served.
func Routes() []string { return newSurface(Options{}).mux.Routes() }

// SoundJSON is soundJSON, and FaultInJSON faultInJSON.
func SoundJSON(text []byte, depth int) bool { return soundJSON(text, depth) }

// FaultInJSON reads a text with care.
func FaultInJSON(text []byte, depth int) error { return faultInJSON(text, depth) }
