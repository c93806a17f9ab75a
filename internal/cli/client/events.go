package client

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// maxEvent bounds one line of an event stream.
const maxEvent = 8 << 20

// Events calls f with the data of every event of a stream of Server-Sent Events, until the stream ends (nil), f gives an error (which is
// returned), or the connection breaks.
func (c *Client) Events(ctx context.Context, path string, f func(json.RawMessage) error) error {
	response, err := c.send(ctx, http.MethodGet, path, nil, http.Header{"Accept": {"text/event-stream"}}, nil)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	return readEvents(response.Body, f)
}

// readEvents reads the part of the format that carries data; names, ids and comments are passed over.
func readEvents(stream io.Reader, f func(json.RawMessage) error) error {
	lines := bufio.NewScanner(stream)
	lines.Buffer(make([]byte, 0, 64<<10), maxEvent)
	var data []byte
	for lines.Scan() {
		line := bytes.TrimSuffix(lines.Bytes(), []byte("\r"))
		if rest, ok := bytes.CutPrefix(line, []byte("data:")); ok {
			if data != nil {
				data = append(data, '\n')
			}
			data = append(data, bytes.TrimPrefix(rest, []byte(" "))...)
			if len(data) > maxEvent {
				return fmt.Errorf("an event is longer than %d MiB", maxEvent>>20)
			}
			continue
		}
		if len(line) == 0 && len(data) > 0 {
			if err := f(data); err != nil {
				return err
			}
			data = nil
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read events: %w", err)
	}
	return nil
}
