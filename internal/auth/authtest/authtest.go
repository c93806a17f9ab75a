// Package authtest is an OpenID Connect issuer for tests: it serves its description and keys over HTTP, signs tokens, good ones and any others, and
// can rotate its keys, be slow, or be down. It signs nobody in. See internal/auth for what is tested with it.
package authtest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"

	"github.com/musterid/muster"
)

// Audience is whom tokens are meant for.
const Audience = "muster"

// Issuer may be used from many goroutines.
type Issuer struct {
	URL string
	Now func() time.Time // of the tokens; time.Now unless it is set before the first

	t      testing.TB
	server *httptest.Server

	mu        sync.Mutex
	keys      []Key
	answer    http.HandlerFunc
	described int
	keysAsked int
}

// Key is a key that the issuer signs with.
type Key struct {
	ID        string
	Algorithm jose.SignatureAlgorithm
	Private   crypto.Signer
}

// Start gives an issuer with one RSA key. It ends with the test.
func Start(t testing.TB) *Issuer {
	t.Helper()
	i := &Issuer{t: t, Now: time.Now}
	i.server = httptest.NewServer(i)
	t.Cleanup(i.server.Close)
	i.URL = i.server.URL + "/realms/school"
	i.Rotate(jose.RS256)
	return i
}

// Setting is what a tenant says that trusts the issuer.
func (i *Issuer) Setting() muster.Issuer {
	return muster.Issuer{Issuer: i.URL, Audience: []string{Audience}, Allow: []string{"127.0.0.1"}}
}

// firstRSA is the key that issuers begin with: making one takes long.
var firstRSA = sync.OnceValue(func() crypto.Signer { return makeKey(jose.RS256) })

// Rotate puts a new key in place of those there were, and gives it.
func (i *Issuer) Rotate(algorithm jose.SignatureAlgorithm) Key {
	i.t.Helper()
	i.mu.Lock()
	defer i.mu.Unlock()
	k := Key{ID: fmt.Sprintf("k%d", time.Now().UnixNano()), Algorithm: algorithm}
	if len(i.keys) == 0 && algorithm == jose.RS256 {
		k.Private = firstRSA()
	} else {
		k.Private = makeKey(algorithm)
	}
	i.keys = []Key{k}
	return k
}

func makeKey(algorithm jose.SignatureAlgorithm) crypto.Signer {
	var key crypto.Signer
	var err error
	switch algorithm {
	case jose.ES256:
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case jose.EdDSA:
		_, key, err = ed25519.GenerateKey(rand.Reader)
	default:
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	}
	if err != nil {
		panic(err)
	}
	return key
}

// Key is the one that the issuer signs with now.
func (i *Issuer) Key() Key {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.keys[0]
}

// Claims are those of a good token, with changes: a value of nil takes a claim out.
func (i *Issuer) Claims(changes map[string]any) map[string]any {
	now := i.Now()
	c := map[string]any{
		"iss": i.URL, "sub": "f3a1", "aud": []string{"account", Audience}, "typ": "Bearer", "azp": "front",
		"iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(),
	}
	maps.Copy(c, changes)
	maps.DeleteFunc(c, func(_ string, v any) bool { return v == nil })
	return c
}

// Token is a good token with changes of its claims.
func (i *Issuer) Token(changes map[string]any) string {
	i.t.Helper()
	k := i.Key()
	return i.Sign(k.Algorithm, k.Private, map[jose.HeaderKey]any{"kid": k.ID, "typ": "JWT"}, i.Claims(changes))
}

// Sign makes any token.
func (i *Issuer) Sign(algorithm jose.SignatureAlgorithm, key any, header map[jose.HeaderKey]any, claims any) string {
	i.t.Helper()
	text, err := json.Marshal(claims)
	if err != nil {
		i.t.Fatal(err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: key}, &jose.SignerOptions{ExtraHeaders: header})
	if err != nil {
		i.t.Fatal(err)
	}
	signed, err := signer.Sign(text)
	if err != nil {
		i.t.Fatal(err)
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		i.t.Fatal(err)
	}
	return token
}

// Answer has everything answered by f from now on; nil is the issuer's own answers again.
func (i *Issuer) Answer(f http.HandlerFunc) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.answer = f
}

// Down has the issuer answer 503 from now on, or as it should.
func (i *Issuer) Down(down bool) {
	if !down {
		i.Answer(nil)
		return
	}
	i.Answer(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "down", http.StatusServiceUnavailable) })
}

// Asked says how often the issuer was asked for its description and for its keys.
func (i *Issuer) Asked() (description, keys int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.described, i.keysAsked
}

// ServeHTTP implements http.Handler.
func (i *Issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	f := i.answer
	switch r.URL.Path {
	case "/realms/school/.well-known/openid-configuration":
		i.described++
	case "/keys":
		i.keysAsked++
	}
	i.mu.Unlock()
	if f == nil {
		f = i.Serve
	}
	f(w, r)
}

// Serve is how the issuer answers by itself.
func (i *Issuer) Serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	var document any = map[string]any{"issuer": i.URL, "jwks_uri": i.server.URL + "/keys"}
	switch r.URL.Path {
	case "/realms/school/.well-known/openid-configuration":
	case "/keys":
		document = jose.JSONWebKeySet{Keys: i.public()}
	default:
		http.NotFound(w, r)
		return
	}
	_ = json.NewEncoder(w).Encode(document)
}

func (i *Issuer) public() (list []jose.JSONWebKey) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, k := range i.keys {
		list = append(list, jose.JSONWebKey{KeyID: k.ID, Key: k.Private.Public(), Algorithm: string(k.Algorithm), Use: "sig"})
	}
	return list
}
