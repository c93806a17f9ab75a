package api

import (
	"io"
	"net/http"
	"time"
)

// pieceWithin is how long a client that sends a file may be silent.
const pieceWithin = time.Minute

// Arriving is a body that may take as long as it likes to come, but must not stand still: a file is read by it.
func Arriving(w http.ResponseWriter, body io.Reader) io.Reader {
	return &arriving{body, http.NewResponseController(w)}
}

type arriving struct {
	body    io.Reader
	control *http.ResponseController
}

func (a *arriving) Read(b []byte) (int, error) {
	_ = a.control.SetReadDeadline(time.Now().Add(pieceWithin)) // a writer of a test has none
	n, err := a.body.Read(b)
	if err != nil {
		_ = a.control.SetReadDeadline(time.Time{}) // the same
	}
	return n, err
}
