package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// A wire is one client of the program that keeps its connection. It does as little as a client can: both share the machine's processors, and what
// the client takes would be missing from the figures.
type wire struct {
	host string
	head string // of every request, from the host on
	conn net.Conn
	used time.Time
	in   *bufio.Reader
	out  []byte
}

func (p *process) wire() *wire {
	host := strings.TrimPrefix(p.url, "http://")
	return &wire{host: host, in: bufio.NewReaderSize(nil, 64<<10), head: "Host: " + host + "\r\nAuthorization: Bearer " + p.key + "\r\nX-Api-Key: " + p.key + "\r\n"}
}

func (w *wire) close() {
	if w.conn != nil {
		_ = w.conn.Close()
		w.conn = nil
	}
}

// restsAtMost is how long a connection may rest that is used again: shorter than the program waits.
const restsAtMost = 5 * time.Second

// connect opens a connection, unless one is open that was used just now.
func (w *wire) connect() (err error) {
	if w.conn != nil && time.Since(w.used) < restsAtMost {
		return nil
	}
	w.close()
	if w.conn, err = net.DialTimeout("tcp", w.host, restsAtMost); err == nil {
		w.in.Reset(w.conn)
	}
	return err
}

// ask sends a request and gives the good answer with the time it took, from the first byte sent to the last one received.
func (w *wire) ask(method, path, body string) (answer []byte, took time.Duration, err error) {
	if err := w.connect(); err != nil {
		return nil, 0, err
	}
	w.out = append(w.out[:0], method+" "+path+" HTTP/1.1\r\n"+w.head...)
	if body != "" {
		w.out = fmt.Appendf(w.out, "Content-Type: application/json\r\nContent-Length: %d\r\n", len(body))
	}
	w.out = append(w.out, "\r\n"+body...)
	start := time.Now()
	if err := w.conn.SetDeadline(start.Add(time.Minute)); err != nil {
		return nil, 0, err
	}
	if _, err := w.conn.Write(w.out); err != nil {
		return nil, 0, err
	}
	response, err := http.ReadResponse(w.in, nil)
	if err != nil {
		return nil, 0, err
	}
	defer response.Body.Close()
	answer, err = io.ReadAll(response.Body)
	w.used = time.Now()
	took = w.used.Sub(start)
	if err == nil && response.StatusCode/100 != 2 {
		err = fmt.Errorf("%s %s: %s %s", method, path, response.Status, answer)
	}
	return answer, took, err
}

// get asks and throws the answer away.
func (w *wire) get(path string) (time.Duration, error) {
	_, took, err := w.ask(http.MethodGet, path, "")
	return took, err
}

// crowd has several clients do something until do says there is no more of it. It gives how long each call took, and all of them together.
func crowd(ctx context.Context, clients int, do func(client, i int) (took time.Duration, more bool, err error)) (each []time.Duration, all time.Duration, err error) {
	var (
		next    atomic.Int64
		working sync.WaitGroup
		took    = make([][]time.Duration, clients)
		errs    = make([]error, clients)
	)
	start := time.Now()
	for c := range clients {
		working.Go(func() {
			for ctx.Err() == nil {
				d, more, err := do(c, int(next.Add(1))-1)
				if errs[c] = err; err != nil || !more {
					return
				}
				took[c] = append(took[c], d)
			}
		})
	}
	working.Wait()
	all = time.Since(start)
	for _, list := range took {
		each = append(each, list...)
	}
	return each, all, errors.Join(append(errs, ctx.Err())...)
}
