package auth_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"go.uber.org/goleak"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/auth"
	"github.com/musterid/muster/internal/auth/authtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// clock is a time that tests move.
type clock struct {
	sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time { c.Lock(); defer c.Unlock(); return c.at }

func (c *clock) advance(d time.Duration) { c.Lock(); defer c.Unlock(); c.at = c.at.Add(d) }

// house is an issuer and who checks its tokens, on one clock.
type house struct {
	*auth.Verifier
	*clock
	issuer *authtest.Issuer
}

func open(t *testing.T) *house {
	t.Helper()
	h := &house{clock: &clock{at: time.Date(2026, 9, 1, 8, 0, 0, 0, time.UTC)}, issuer: authtest.Start(t)}
	h.issuer.Now = h.now
	h.Verifier = auth.New(h.now)
	t.Cleanup(h.Close)
	return h
}

func (h *house) verify(t *testing.T, token string) (auth.Claims, error) {
	t.Helper()
	return h.Verify(t.Context(), token, h.issuer.Setting())
}

func (h *house) want(t *testing.T, what, token string, code muster.Code) {
	t.Helper()
	claims, err := h.verify(t, token)
	if got := muster.CodeOf(err); got != code {
		t.Errorf("%s: %q (%v; %v), want %q", what, got, err, errors.Unwrap(err), code)
	}
	if err != nil && claims.Subject != "" {
		t.Errorf("%s: refused, and says %+v all the same", what, claims)
	}
}

func TestGoodTokens(t *testing.T) {
	t.Parallel()
	h := open(t)
	claims, err := h.verify(t, h.issuer.Token(map[string]any{
		"email": "ana@example.org", "email_verified": true, "realm_access": map[string]any{"roles": []string{"offline_access", "ROLE_ADMIN"}},
	}))
	if err != nil || claims.Subject != "f3a1" || claims.Email != "ana@example.org" || !claims.EmailVerified || !slices.Contains(claims.RealmRoles, "ROLE_ADMIN") {
		t.Errorf("%+v, %v", claims, err)
	}
	for name, changes := range map[string]map[string]any{
		"one audience as a text":      {"aud": authtest.Audience},
		"the end has passed just now": {"exp": h.now().Add(-59 * time.Second).Unix()},
		"an issuer whose clock leads": {"iat": h.now().Add(59 * time.Second).Unix(), "nbf": h.now().Add(59 * time.Second).Unix()},
		"never not before":            {"nbf": 0},
		"no time of issue":            {"iat": nil},
		"fractions of a second":       {"exp": float64(h.now().Unix()) + 60.5},
		"roles that are not a list":   {"realm_access": "ROLE_ADMIN"},
		"no kind":                     {"typ": nil},
	} {
		h.want(t, name, h.issuer.Token(changes), "")
	}
	if claims, err = h.verify(t, h.issuer.Token(map[string]any{"email": "a@b.c", "email_verified": "false"})); err != nil || claims.EmailVerified {
		t.Errorf("an address that is not verified: %+v, %v", claims, err)
	}
	if claims, err = h.verify(t, h.issuer.Token(map[string]any{"Email": "a@b.c", "EMAIL_VERIFIED": true})); err != nil || claims.Email != "" || claims.EmailVerified {
		t.Errorf("claims of other names: %+v, %v", claims, err)
	}
	for _, algorithm := range []jose.SignatureAlgorithm{jose.PS256, jose.ES256, jose.EdDSA, jose.RS512} {
		h.advance(time.Minute)
		h.issuer.Rotate(algorithm)
		h.want(t, "signed with "+string(algorithm), h.issuer.Token(nil), "")
	}
	key := h.issuer.Key()
	h.want(t, "no key id", h.issuer.Sign(key.Algorithm, key.Private, nil, h.issuer.Claims(nil)), "")
}

func TestHostileTokens(t *testing.T) {
	t.Parallel()
	h := open(t)
	key := h.issuer.Key()
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(key.Private.Public())
	if err != nil {
		t.Fatal(err)
	}
	kid := map[jose.HeaderKey]any{"kid": key.ID}
	sign := func(header map[jose.HeaderKey]any, changes map[string]any) string {
		return h.issuer.Sign(jose.RS256, key.Private, header, h.issuer.Claims(changes))
	}
	part := func(v any) string {
		text, err := json.Marshal(v)
		if err != nil {
			t.Error(err)
		}
		return base64.RawURLEncoding.EncodeToString(text)
	}
	good := sign(kid, nil)
	parts := strings.Split(good, ".")
	own := jose.JSONWebKey{Key: other.Public(), KeyID: key.ID, Algorithm: "RS256", Use: "sig"}
	for name, token := range map[string]string{
		"none":                      part(map[string]any{"alg": "none", "kid": key.ID}) + "." + parts[1] + ".",
		"None":                      part(map[string]any{"alg": "None", "kid": key.ID}) + "." + parts[1] + ".",
		"no algorithm":              part(map[string]any{"kid": key.ID}) + "." + parts[1] + "." + parts[2],
		"the public key as secret":  h.issuer.Sign(jose.HS256, der, kid, h.issuer.Claims(nil)),
		"the same as PEM":           h.issuer.Sign(jose.HS256, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), kid, h.issuer.Claims(nil)),
		"another key":               h.issuer.Sign(jose.RS256, other, kid, h.issuer.Claims(nil)),
		"another key, without id":   h.issuer.Sign(jose.RS256, other, nil, h.issuer.Claims(nil)),
		"it brings its key":         h.issuer.Sign(jose.RS256, other, map[jose.HeaderKey]any{"jwk": own}, h.issuer.Claims(nil)),
		"it says where its key is":  h.issuer.Sign(jose.RS256, other, map[jose.HeaderKey]any{"jku": h.issuer.URL + "/mine", "kid": key.ID}, h.issuer.Claims(nil)),
		"the key's other algorithm": h.issuer.Sign(jose.PS256, key.Private, kid, h.issuer.Claims(nil)),
		"a must that is not known":  sign(map[jose.HeaderKey]any{"kid": key.ID, "crit": []string{"exp2"}, "exp2": 1}, nil),
		"a changed payload":         parts[0] + "." + part(h.issuer.Claims(map[string]any{"sub": "admin"})) + "." + parts[2],
		"no signature":              parts[0] + "." + parts[1] + ".",
		"another issuer":            sign(kid, map[string]any{"iss": "https://evil.example.org"}),
		"the issuer and a slash":    sign(kid, map[string]any{"iss": h.issuer.URL + "/"}),
		"no issuer":                 sign(kid, map[string]any{"iss": nil}),
		"issuer by another name":    sign(kid, map[string]any{"iss": nil, "ISS": h.issuer.URL}),
		"another audience":          sign(kid, map[string]any{"aud": []string{"account"}}),
		"no audience":               sign(kid, map[string]any{"aud": nil}),
		"an audience that is part":  sign(kid, map[string]any{"aud": "muster2"}),
		"an audience of numbers":    sign(kid, map[string]any{"aud": []any{1, authtest.Audience}}),
		"expired":                   sign(kid, map[string]any{"exp": h.now().Add(-time.Minute).Unix()}),
		"never expires":             sign(kid, map[string]any{"exp": nil}),
		"expires in words":          sign(kid, map[string]any{"exp": "tomorrow"}),
		"expires out of time":       sign(kid, map[string]any{"exp": 1e300}),
		"not yet":                   sign(kid, map[string]any{"nbf": h.now().Add(61 * time.Second).Unix()}),
		"issued in the future":      sign(kid, map[string]any{"iat": h.now().Add(61 * time.Second).Unix()}),
		"nobody":                    sign(kid, map[string]any{"sub": nil}),
		"nobody by a number":        sign(kid, map[string]any{"sub": 7}),
		"a subject with a line":     sign(kid, map[string]any{"sub": "a\nb"}),
		"a subject with NUL":        sign(kid, map[string]any{"sub": "a\x00b"}),
		"a long subject":            sign(kid, map[string]any{"sub": strings.Repeat("a", 256)}),
		"an ID token":               sign(kid, map[string]any{"typ": "ID"}),
		"a refresh token":           sign(kid, map[string]any{"typ": "Refresh"}),
		"huge":                      sign(kid, map[string]any{"x": strings.Repeat("a", 20_000)}),
		"a million dots":            strings.Repeat(".", 1_000_000),
		"two parts":                 parts[0] + "." + parts[1],
		"four parts":                good + ".x",
		"empty parts":               "..",
		"no JSON":                   parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte("{")) + "." + parts[2],
		"a list":                    h.issuer.Sign(jose.RS256, key.Private, kid, []int{1}),
		"nothing at all":            h.issuer.Sign(jose.RS256, key.Private, kid, nil),
		"line breaks":               parts[0] + ".\n" + parts[1] + "." + parts[2],
	} {
		h.want(t, name, token, muster.Unauthenticated)
	}
	for _, kid := range []string{"../../etc/passwd", "k' OR 1=1 --", "\x00", strings.Repeat("k", 5000), key.ID + "/../" + key.ID} {
		h.advance(time.Minute) // so that each is looked for at the issuer
		h.want(t, fmt.Sprintf("key id %.20q", kid), sign(map[jose.HeaderKey]any{"kid": kid}, nil), muster.Unauthenticated)
	}
	h.want(t, "a good one after all these", sign(map[jose.HeaderKey]any{"kid": key.ID}, nil), "")
}

func TestUnverified(t *testing.T) {
	t.Parallel()
	h := open(t)
	issuer, audience, err := auth.Unverified(h.issuer.Token(nil))
	if err != nil || issuer != h.issuer.URL || !slices.Equal(audience, []string{"account", authtest.Audience}) {
		t.Errorf("%q %q %v", issuer, audience, err)
	}
	for _, changes := range []map[string]any{{"iss": "a\x00"}, {"aud": "a\x00"}, {"aud": []string{authtest.Audience, "a\nb"}}, {"iss": strings.Repeat("a", 1021)}} {
		if issuer, audience, err := auth.Unverified(h.issuer.Token(changes)); muster.CodeOf(err) != muster.Unauthenticated || issuer != "" || audience != nil {
			t.Errorf("%q: %q %q %v", changes, issuer, audience, err)
		}
	}
	for _, token := range []string{"", "a.b.c", "..", strings.Repeat("a", 1<<20), "e30.bnVsbA.e30"} {
		if issuer, audience, err := auth.Unverified(token); issuer != "" || len(audience) != 0 || err != nil && muster.CodeOf(err) != muster.Unauthenticated {
			t.Errorf("%.20q: %q %q %v", token, issuer, audience, err)
		}
	}
}

func FuzzVerify(f *testing.F) {
	i := authtest.Start(f)
	v := auth.New(time.Now)
	f.Cleanup(v.Close)
	good := i.Token(nil)
	f.Add(good)
	f.Add("e30.e30.e30")
	f.Fuzz(func(t *testing.T, token string) {
		_, _, _ = auth.Unverified(token)
		if _, err := v.Verify(t.Context(), token, i.Setting()); err == nil && token != good {
			t.Errorf("%q is taken for a token of the issuer", token)
		}
	})
}

func TestRotation(t *testing.T) {
	t.Parallel()
	h := open(t)
	old := h.issuer.Token(map[string]any{"exp": h.now().Add(24 * time.Hour).Unix()})
	h.want(t, "the first key", old, "")
	h.issuer.Rotate(jose.RS256)
	h.want(t, "the new key, at once", h.issuer.Token(nil), "")
	h.want(t, "the old key, which the issuer has taken back", old, muster.Unauthenticated)
}

func TestOldKeysAreFetchedAgain(t *testing.T) {
	t.Parallel()
	h := open(t)
	old := h.issuer.Token(map[string]any{"exp": h.now().Add(24 * time.Hour).Unix()})
	h.want(t, "the first", old, "")
	h.issuer.Rotate(jose.ES256)
	h.advance(9 * time.Minute)
	h.want(t, "while the keys are fresh", old, "")
	h.advance(time.Minute)
	h.want(t, "while others are being fetched", old, "")
	h.Settle()
	h.want(t, "afterwards", old, muster.Unauthenticated)
}

func TestIssuerIsDown(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.issuer.Down(true)
	token := h.issuer.Token(map[string]any{"exp": h.now().Add(24 * time.Hour).Unix()})
	h.want(t, "never seen", token, muster.Unavailable)
	for range 50 {
		h.want(t, "again", token, muster.Unavailable)
	}
	if described, _ := h.issuer.Asked(); described != 1 {
		t.Errorf("an issuer that is down was asked %d times", described)
	}
	h.issuer.Down(false)
	h.advance(5 * time.Second)
	h.want(t, "up again", token, "")
	h.issuer.Down(true)
	h.advance(59 * time.Minute)
	h.want(t, "down, with keys that are known", token, "")
	h.Close() // the fetch of newer ones has failed
	h.Verifier = auth.New(h.now)
	t.Cleanup(h.Close)
	h.issuer.Down(false)
	h.want(t, "another start", token, "")
	h.issuer.Rotate(jose.ES256)
	h.issuer.Down(true)
	h.want(t, "down, with a key that is not known", h.issuer.Token(nil), muster.Unavailable)
	h.advance(61 * time.Minute)
	h.want(t, "down for so long that the keys may have been taken back", token, muster.Unavailable)
}

func TestAnswersThatAreNone(t *testing.T) {
	t.Parallel()
	long := strings.Repeat(" ", 1<<20)
	for name, answer := range map[string]func(i *authtest.Issuer) http.HandlerFunc{
		"a page": func(*authtest.Issuer) http.HandlerFunc {
			return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") }
		},
		"without end": func(*authtest.Issuer) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				for r.Context().Err() == nil {
					if _, err := fmt.Fprint(w, long); err != nil {
						return
					}
				}
			}
		},
		"another issuer's": func(i *authtest.Issuer) http.HandlerFunc {
			return func(w http.ResponseWriter, _ *http.Request) {
				fmt.Fprintf(w, `{"issuer":"https://evil.example.org","jwks_uri":%q}`, i.URL)
			}
		},
		"a redirect": func(i *authtest.Issuer) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				if strings.HasSuffix(r.URL.Path, "openid-configuration") {
					http.Redirect(w, r, "/elsewhere", http.StatusFound)
				} else {
					i.Serve(w, r)
				}
			}
		},
		"keys in a file": func(i *authtest.Issuer) http.HandlerFunc {
			return func(w http.ResponseWriter, _ *http.Request) {
				fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":"file:///etc/passwd"}`, i.URL)
			}
		},
		"keys in the cloud's metadata": func(i *authtest.Issuer) http.HandlerFunc {
			return func(w http.ResponseWriter, _ *http.Request) {
				fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":"http://169.254.169.254/keys"}`, i.URL)
			}
		},
		"no keys":               keysOf(`{"keys":[]}`),
		"secrets as keys":       keysOf(`{"keys":[{"kty":"oct","kid":"a","k":"c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"}]}`),
		"weak keys":             keysOf(`{"keys":[{"kty":"RSA","kid":"a","n":"sXchDaQebHnPiGvyDOAT4saGEUetSyo9MKLOoWFsueri23bOdgWp4Dy1WlUzewbgBHod5pcM9H95GQRV3JDXboIRROSBigeC5yjU1hGzHHyXss8UDpre","e":"AQAB"}]}`),
		"keys that are no list": keysOf(`{"keys":{}}`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := open(t)
			h.issuer.Answer(answer(h.issuer))
			h.want(t, name, h.issuer.Token(nil), muster.Unavailable)
		})
	}
}

// keysOf answers with the right description and these keys.
func keysOf(text string) func(i *authtest.Issuer) http.HandlerFunc {
	return func(i *authtest.Issuer) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/keys" {
				fmt.Fprint(w, text)
				return
			}
			i.Serve(w, r)
		}
	}
}

func TestKeysBesideStrangeOnes(t *testing.T) {
	t.Parallel()
	h := open(t)
	k := h.issuer.Key()
	own, err := json.Marshal(jose.JSONWebKey{KeyID: k.ID, Key: k.Private.Public(), Use: "sig"})
	if err != nil {
		t.Fatal(err)
	}
	h.issuer.Answer(keysOf(`{"keys":[7,{"kty":"XYZ"},{"kty":"RSA","use":"enc","n":"AQAB","e":"AQAB"},` + string(own) + `]}`)(h.issuer))
	h.want(t, "the one that is understood", h.issuer.Token(nil), "")
}

func TestPrivateNetworksAreNotCalled(t *testing.T) {
	t.Parallel()
	h := open(t)
	setting := h.issuer.Setting()
	h.want(t, "allowed", h.issuer.Token(nil), "")
	for name, allow := range map[string][]string{"nothing": nil, "another": {"10.0.0.0/8"}, "nonsense": {"here"}} {
		setting.Allow = allow
		if _, err := h.Verify(t.Context(), h.issuer.Token(nil), setting); muster.CodeOf(err) != muster.Unavailable {
			t.Errorf("%s allowed: %v", name, err)
		}
	}
	if described, _ := h.issuer.Asked(); described != 1 {
		t.Errorf("asked %d times", described)
	}
}

func TestManyAtOnceMakeOneFetch(t *testing.T) {
	t.Parallel()
	h := open(t)
	begun, proceed := make(chan struct{}, 100), make(chan struct{})
	h.issuer.Answer(func(w http.ResponseWriter, r *http.Request) {
		begun <- struct{}{}
		<-proceed
		h.issuer.Serve(w, r)
	})
	token := h.issuer.Token(nil)
	ctx, cancel := context.WithCancel(t.Context())
	impatient := make(chan error, 1)
	go func() { _, err := h.Verify(ctx, token, h.issuer.Setting()); impatient <- err }() // it begins the fetch, and does not wait for it
	select {
	case <-begun:
	case err := <-impatient:
		t.Fatalf("nothing was fetched: %v", err)
	}
	cancel()
	if err := <-impatient; !errors.Is(err, context.Canceled) {
		t.Errorf("who does not wait: %v", err)
	}
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() { h.want(t, "one of many", token, "") })
	}
	close(proceed)
	all.Wait()
	if described, keys := h.issuer.Asked(); described != 1 || keys != 1 {
		t.Errorf("asked %d and %d times", described, keys)
	}
}

func TestUnknownKeysDoNotHammerTheIssuer(t *testing.T) {
	t.Parallel()
	h := open(t)
	good := h.issuer.Token(nil)
	h.want(t, "a good one", good, "")
	key := h.issuer.Key()
	bad := func(n int) string {
		return h.issuer.Sign(jose.RS256, key.Private, map[jose.HeaderKey]any{"kid": fmt.Sprint("made up ", n)}, h.issuer.Claims(nil))
	}
	h.want(t, "an unknown key", bad(0), muster.Unauthenticated)
	for n := range 200 {
		if _, err := h.verify(t, bad(n)); muster.CodeOf(err) != muster.Unauthenticated && muster.CodeOf(err) != muster.Unavailable {
			t.Fatalf("%v", err)
		}
		h.want(t, "a good one meanwhile", good, "")
	}
	if _, keys := h.issuer.Asked(); keys > 4 {
		t.Errorf("asked %d times for 200 made up keys", keys)
	}
	_, before := h.issuer.Asked()
	for range 60 { // a minute
		h.advance(time.Second)
		_, _ = h.verify(t, bad(1))
	}
	if _, keys := h.issuer.Asked(); keys-before != 4 {
		t.Errorf("asked %d times in a minute", keys-before)
	}
	h.advance(15 * time.Second)
	h.issuer.Rotate(jose.ES256)
	h.want(t, "a new key after all that", h.issuer.Token(nil), "")
}

func TestCloseEndsWhatIsAsked(t *testing.T) {
	t.Parallel()
	h := open(t)
	begun := make(chan struct{})
	h.issuer.Answer(func(_ http.ResponseWriter, r *http.Request) {
		close(begun)
		<-r.Context().Done()
	})
	token := h.issuer.Token(nil)
	waiting := make(chan error, 1)
	go func() { _, err := h.Verify(context.Background(), token, h.issuer.Setting()); waiting <- err }()
	select {
	case <-begun:
	case err := <-waiting:
		t.Fatalf("nothing was fetched: %v", err)
	}
	h.Close()
	if err := <-waiting; muster.CodeOf(err) != muster.Unavailable {
		t.Errorf("who waited: %v", err)
	}
	h.want(t, "afterwards", token, muster.Unavailable)
}
