package cli

import (
	"cmp"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/musterid/muster/internal/cli/client"
	"github.com/musterid/muster/internal/config"
)

const defaultURL = "http://127.0.0.1:8080"

// remote are the flags of every command that talks to a server.
type remote struct {
	URL    string `name:"url" env:"MUSTER_URL" default:"${url}" placeholder:"URL" group:"remote" help:"Address of the server (${default})."`
	Key    string `name:"key" env:"MUSTER_KEY" placeholder:"KEY" group:"remote" help:"API key. On the server's own machine the admin key of --data is found by itself."`
	Data   string `name:"data" env:"MUSTER_DATA" default:"muster-data" placeholder:"DIR" group:"remote" help:"Data folder of a server on this machine (${default})."`
	Tenant string `name:"tenant" env:"MUSTER_TENANT" placeholder:"CODE" group:"remote" help:"Which tenant, for those who look after several."`
	JSON   bool   `name:"json" group:"remote" help:"Print JSON: one value, or one line for each element of a list."`
}

// AfterApply hands the flags to the session when they have been read.
func (r *remote) AfterApply(s *session) error {
	s.remote = *r
	// An environment variable that is set to nothing is as good as none.
	s.URL, s.Data = cmp.Or(s.URL, defaultURL), cmp.Or(s.Data, config.Config{}.WithDefaults().Data)
	return nil
}

// connect gives a client of the server that the flags name.
func (s *session) connect() (*client.Client, error) {
	key, err := s.findKey()
	if err != nil {
		return nil, err
	}
	c, err := client.New(client.Options{URL: s.URL, Key: key, Tenant: s.Tenant, Name: "muster/" + Version})
	if err != nil {
		return nil, s.exitf(ExitUsage, "%s", err.Error())
	}
	s.closers = append(s.closers, c.Close)
	return c, nil
}

// findKey gives the key of the flags, or that of the data folder. The latter is only ever sent to this machine.
func (s *session) findKey() (string, error) {
	if s.Key != "" || !local(s.URL) {
		return s.Key, nil
	}
	content, err := os.ReadFile(s.keyFile())
	switch {
	case errors.Is(err, os.ErrNotExist):
		return "", nil // the server says whether it needs one
	case err != nil:
		return "", err
	}
	return strings.TrimSpace(string(content)), nil
}

func (s *session) keyFile() string { return filepath.Join(s.Data, "admin.key") }

// keyHint says, after a refusal, where a key can come from.
func (s *session) keyHint() string {
	switch _, err := os.Stat(s.keyFile()); {
	case s.Key != "":
		return s.t.Sprintf("The key given by --key or MUSTER_KEY is not one of this server's.")
	case !local(s.URL):
		return s.t.Sprintf("Pass a key with --key or MUSTER_KEY; the server's administrator makes one with: muster keys create NAME.")
	case err != nil:
		return s.t.Sprintf("Pass a key with --key or MUSTER_KEY, or name the server's data folder with --data (there is no %s).", s.keyFile())
	}
	return s.t.Sprintf("The key in %s is not one of this server's; is it the data folder of another one?", s.keyFile())
}

// local says whether an address is on this machine.
func local(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}

// call connects, makes one call and gives the answer as it came.
func (s *session) call(method, path string, query url.Values, body any) (json.RawMessage, error) {
	c, err := s.connect()
	if err != nil {
		return nil, err
	}
	return client.Call[json.RawMessage](s.ctx, c, method, path, query, body)
}

// get is call for reading.
func (s *session) get(path string, query url.Values) (json.RawMessage, error) {
	return s.call(http.MethodGet, path, query, nil)
}
