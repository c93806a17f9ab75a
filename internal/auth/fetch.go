package auth

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"

	jose "github.com/go-jose/go-jose/v4"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/outbound"
)

const (
	maxDocument = 512 << 10 // bytes of what an issuer answers
	maxKeys     = 100
	minRSA      = 2048 // bits
)

// fetchKeys asks an issuer where its keys are, and gets them.
func fetchKeys(ctx context.Context, issuer string, allow []string) ([]jose.JSONWebKey, error) {
	prefixes, err := outbound.ParseAllow(allow)
	if err != nil {
		return nil, err
	}
	client := outbound.HTTPClient(outbound.Guard{Allow: prefixes}, fetchWithin)
	defer client.CloseIdleConnections()
	open := strings.HasPrefix(issuer, "http:")
	if open {
		transport := outbound.Transport(outbound.Guard{Allow: prefixes}, fetchWithin)
		transport.DialContext = onlyTo(prefixes).DialContext
		client.Transport = transport
	}
	var about struct {
		Issuer string `json:"issuer"`
		Keys   string `json:"jwks_uri"`
	}
	if err := get(ctx, client, strings.TrimSuffix(issuer, "/")+"/.well-known/openid-configuration", &about); err != nil {
		return nil, err
	}
	if about.Issuer != issuer {
		return nil, fmt.Errorf("auth: the issuer %s calls itself %q", issuer, about.Issuer)
	}
	where, err := url.Parse(about.Keys)
	if err != nil || where.Host == "" || where.Scheme != "https" && !(open && where.Scheme == "http") {
		return nil, fmt.Errorf("auth: the issuer %s says its keys are at %q", issuer, about.Keys)
	}
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := get(ctx, client, about.Keys, &set); err != nil {
		return nil, err
	}
	keys := usableKeys(set.Keys)
	if len(keys) == 0 {
		return nil, fmt.Errorf("auth: there is no key for signatures at %s", about.Keys)
	}
	return keys, nil
}

// onlyTo is a dialer for connections that are not encrypted: they stay in networks that were allowed.
func onlyTo(allow []netip.Prefix) *net.Dialer {
	return &net.Dialer{Timeout: fetchWithin, Control: func(_, address string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(address)
		if err != nil || !slices.ContainsFunc(allow, func(p netip.Prefix) bool { return p.Contains(to.Addr().WithZone("").Unmap()) }) {
			return muster.Errorf(muster.Policy, "", "The address %s is not in the issuer's allow-list, and without TLS no other is called.", address)
		}
		return nil
	}}
}

// get reads a JSON document.
func get(ctx context.Context, client *http.Client, address string, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return fmt.Errorf("auth: ask %s: %w", address, err)
	}
	request.Header.Set("Accept", "application/json")
	answer, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("auth: ask %s: %w", address, err)
	}
	defer answer.Body.Close() //nolint:errcheck // it was read
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("auth: ask %s: status %d", address, answer.StatusCode)
	}
	text, err := outbound.ReadBody(answer.Body, maxDocument)
	if err != nil {
		return fmt.Errorf("auth: read %s: %w", address, err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("auth: read %s: %w", address, err)
	}
	return nil
}

// usableKeys gives the public keys that sign. What is not understood, is for another use, or is weak, is passed over.
func usableKeys(list []json.RawMessage) (keys []jose.JSONWebKey) {
	for _, text := range list[:min(len(list), maxKeys)] {
		var k jose.JSONWebKey
		if err := json.Unmarshal(text, &k); err != nil || k.Use != "" && k.Use != "sig" || !k.Valid() {
			continue
		}
		switch public := k.Key.(type) {
		case *rsa.PublicKey:
			if public.N.BitLen() < minRSA {
				continue
			}
		case *ecdsa.PublicKey, ed25519.PublicKey:
		default:
			continue
		}
		keys = append(keys, k)
	}
	return keys
}
