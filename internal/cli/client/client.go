// Package client speaks the native API over HTTP. It knows how requests, pages, uploads, downloads and live events travel, and nothing about
// people or batches: what comes back is the caller's to decode. The API itself is internal/api/native.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	answerWithin = 5 * time.Minute // after a request was sent in full; an upload of a million rows is stored before it is answered
	maxAnswer    = 64 << 20        // of one JSON answer; what may be longer is streamed
	pageSize     = 200
)

// Client calls one server with one key. It may be used by several goroutines at once.
type Client struct {
	base    *url.URL
	options Options
	http    *http.Client
}

// Options say whom to call, and as whom.
type Options struct {
	URL    string // of the server, such as http://127.0.0.1:8080
	Key    string // "" asks without a credential
	Tenant string // code of the one to work in; "" is the key's own
	Name   string // of the program, for the server's log
}

// New gives a Client. Nothing is sent yet.
func New(o Options) (*Client, error) {
	u, err := url.Parse(strings.TrimSuffix(o.URL, "/"))
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("%q is not the address of a server; it needs the form http://127.0.0.1:8080", o.URL)
	}
	transport := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
		TLSHandshakeTimeout:   10 * time.Second,
		ResponseHeaderTimeout: answerWithin,
		ExpectContinueTimeout: 2 * time.Second,
		IdleConnTimeout:       30 * time.Second,
	}
	// A redirect would carry the key to an address nobody named.
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Client{base: u, options: o, http: &http.Client{Transport: transport, CheckRedirect: stay}}, nil
}

// Base is the address of the server.
func (c *Client) Base() string { return c.base.String() }

// Close ends connections that are idle.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Get decodes the answer of a GET into a T.
func Get[T any](ctx context.Context, c *Client, path string, query url.Values) (T, error) {
	return Call[T](ctx, c, http.MethodGet, path, query, nil)
}

// Call sends body as JSON (nil sends none) and decodes the answer into a T. T may be json.RawMessage, to have the answer as it came.
func Call[T any](ctx context.Context, c *Client, method, path string, query url.Values, body any) (T, error) {
	var content io.Reader
	var result T
	header := http.Header{}
	if body != nil {
		packed, err := json.Marshal(body)
		if err != nil {
			return result, fmt.Errorf("encode request: %w", err)
		}
		content = bytes.NewReader(packed)
		header.Set("Content-Type", "application/json")
	}
	response, err := c.send(ctx, method, path, query, header, content)
	if err != nil {
		return result, err
	}
	return decode[T](response)
}

// Upload sends content as it is read, and decodes the answer into a T. The server may refuse before the content has been sent.
func Upload[T any](ctx context.Context, c *Client, path string, query url.Values, contentType string, content io.Reader) (T, error) {
	header := http.Header{"Content-Type": {contentType}, "Expect": {"100-continue"}}
	response, err := c.send(ctx, http.MethodPost, path, query, header, content)
	if err != nil {
		var none T
		return none, err
	}
	return decode[T](response)
}

// Download copies the body of the answer to w, however long it is.
func (c *Client) Download(ctx context.Context, path string, query url.Values, w io.Writer) (written int64, err error) {
	response, err := c.send(ctx, http.MethodGet, path, query, http.Header{"Accept": {"*/*"}}, nil)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	written, err = io.Copy(w, response.Body)
	if err != nil {
		return written, fmt.Errorf("read answer: %w", err)
	}
	return written, nil
}

// Whole is what Each takes as most for lists that the API gives at once, and not in pages.
const Whole = -1

// Each calls f with every element of a list, page after page, until most have been seen (0 is all). more says that there are others.
func (c *Client) Each(ctx context.Context, path string, query url.Values, most int, f func(json.RawMessage) error) (more bool, err error) {
	asked := url.Values{}
	for name, values := range query {
		asked[name] = values
	}
	for seen := 0; ; {
		size := pageSize
		if most > 0 {
			size = min(size, most-seen)
		}
		if most != Whole {
			asked.Set("limit", strconv.Itoa(size))
		}
		page, err := Get[struct {
			Items      []json.RawMessage `json:"items"`
			NextCursor *string           `json:"next_cursor"`
		}](ctx, c, path, asked)
		if err != nil {
			return false, err
		}
		for _, item := range page.Items {
			if err := f(item); err != nil {
				return false, err
			}
		}
		seen += len(page.Items)
		if page.NextCursor == nil || *page.NextCursor == "" {
			return false, nil
		}
		if most > 0 && seen >= most {
			return true, nil
		}
		asked.Set("cursor", *page.NextCursor)
	}
}

// send makes a request and gives the answer if it is a good one, and what went wrong if not.
func (c *Client) send(ctx context.Context, method, path string, query url.Values, header http.Header, content io.Reader) (*http.Response, error) {
	u := c.base.JoinPath(path)
	u.RawQuery = query.Encode()
	request, err := http.NewRequestWithContext(ctx, method, u.String(), content)
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	if header.Get("Accept") == "" {
		header.Set("Accept", "application/json")
	}
	header.Set("User-Agent", c.options.Name)
	if c.options.Key != "" {
		header.Set("Authorization", "Bearer "+c.options.Key)
	}
	if c.options.Tenant != "" {
		header.Set("Muster-Tenant", c.options.Tenant)
	}
	request.Header = header
	response, err := c.http.Do(request)
	if err != nil {
		return nil, c.unreachable(ctx, err)
	}
	if response.StatusCode < 200 || response.StatusCode > 299 {
		defer response.Body.Close()
		return nil, refusal(response)
	}
	return response, nil
}

func (c *Client) unreachable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err // without the address, which Unreachable names
	}
	return &Unreachable{Server: c.Base(), Cause: err}
}

func decode[T any](response *http.Response) (T, error) {
	defer response.Body.Close()
	var result T
	content, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	switch {
	case err != nil:
		return result, fmt.Errorf("read answer: %w", err)
	case len(content) > maxAnswer:
		return result, fmt.Errorf("the answer is longer than %d MiB", maxAnswer>>20)
	case len(bytes.TrimSpace(content)) == 0:
		return result, nil
	}
	if err := json.Unmarshal(content, &result); err != nil {
		return result, fmt.Errorf("the answer of %s is not what Muster answers; is this the right address? (%w)", response.Request.URL.Redacted(), err)
	}
	return result, nil
}
