package keycloak

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/musterid/muster/internal/outbound"
)

// maxAnswer bounds what is read of an answer: a page of a listing is the longest.
const maxAnswer = 64 << 20

// call is one exchange with the Admin API, below the realm.
type call struct {
	method string
	path   []string // plain segments
	query  url.Values
	body   any // sent as JSON; nil for none
	out    any // the answer is read into; nil when it does not matter
}

// do makes a call. An answer other than success is a *refusal. A token that has become invalid before its time is replaced once: what was refused
// for its sake was not done.
func (t *target) do(ctx context.Context, c call) error {
	_, err := t.post(ctx, c)
	return err
}

// post is do for a call that makes something: it gives the id of what was made.
func (t *target) post(ctx context.Context, c call) (id string, err error) {
	for _, segment := range c.path {
		if segment == "" || segment == "." || segment == ".." { // would lead elsewhere
			return "", &refusal{status: http.StatusNotFound, Text: "there is nothing of this name", ours: true}
		}
	}
	for try := 0; ; try++ {
		token, err := t.tokens.get(ctx)
		if err != nil {
			return "", err
		}
		id, err := t.exchange(ctx, c, token)
		var no *refusal
		if try > 0 || !errors.As(err, &no) || no.status != http.StatusUnauthorized {
			return id, err
		}
		t.tokens.drop(token)
	}
}

func (t *target) exchange(ctx context.Context, c call, token string) (string, error) {
	var body []byte
	if c.body != nil {
		var err error
		if body, err = json.Marshal(c.body); err != nil {
			return "", err
		}
	}
	address := *t.admin
	for _, segment := range c.path {
		address.RawPath = address.EscapedPath() + "/" + url.PathEscape(segment)
		address.Path += "/" + segment
	}
	address.RawQuery = c.query.Encode()
	request, err := http.NewRequestWithContext(ctx, c.method, address.String(), bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Accept", "application/json")
	if c.body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	answer, err := t.http.Do(request)
	if err != nil {
		return "", &unreached{err}
	}
	defer answer.Body.Close()
	text, err := outbound.ReadBody(answer.Body, maxAnswer)
	if err != nil {
		return "", &unreached{err}
	}
	if answer.StatusCode >= 300 {
		return "", refused(answer, text)
	}
	if c.out != nil {
		if err := json.Unmarshal(text, c.out); err != nil {
			return "", &unreached{fmt.Errorf("what answers is no Keycloak: %w", err)}
		}
	}
	if where, err := answer.Location(); err == nil {
		return path.Base(where.Path), nil
	}
	return "", nil
}

// tokens keeps the access token of the client and renews it in time. One caller at a time asks for a new one.
type tokens struct {
	endpoint, id, secret string
	http                 *http.Client

	turn  chan struct{} // held while the fields below are used
	token string
	until time.Time
}

func (s *tokens) get(ctx context.Context) (string, error) {
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return "", ctx.Err()
	}
	defer func() { <-s.turn }()
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	if s.token != "" && time.Now().Before(s.until) {
		return s.token, nil
	}
	token, life, err := s.ask(ctx)
	if err != nil {
		return "", err
	}
	s.token, s.until = token, time.Now().Add(life-min(life/2, 20*time.Second))
	return token, nil
}

// drop forgets a token that was refused, unless it has been replaced already.
func (s *tokens) drop(token string) {
	s.turn <- struct{}{}
	if s.token == token {
		s.token = ""
	}
	<-s.turn
}

// ask gets a token by the client's credentials (RFC 6749, section 4.4).
func (s *tokens) ask(ctx context.Context) (string, time.Duration, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.endpoint, strings.NewReader("grant_type=client_credentials"))
	if err != nil {
		return "", 0, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Accept", "application/json")
	request.SetBasicAuth(url.QueryEscape(s.id), url.QueryEscape(s.secret))
	answer, err := s.http.Do(request)
	if err != nil {
		return "", 0, &unreached{err}
	}
	defer answer.Body.Close()
	text, err := outbound.ReadBody(answer.Body, 1<<20)
	if err != nil {
		return "", 0, &unreached{err}
	}
	if answer.StatusCode != http.StatusOK {
		no := refused(answer, text)
		no.signIn = true
		return "", 0, no
	}
	var said struct {
		Token string `json:"access_token"`
		Life  int64  `json:"expires_in"`
	}
	if err := json.Unmarshal(text, &said); err != nil || said.Token == "" {
		return "", 0, &unreached{errors.New("what answers is no Keycloak: it gave no token")}
	}
	return said.Token, time.Duration(max(said.Life, 1)) * time.Second, nil
}

// page asks for a part of a list.
func page(first, size int) url.Values {
	return url.Values{"first": {strconv.Itoa(first)}, "max": {strconv.Itoa(size)}, "briefRepresentation": {"false"}}
}
