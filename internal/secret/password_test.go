package secret_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/alexedwards/argon2id"

	"github.com/musterid/muster/internal/secret"
)

func TestPassword(t *testing.T) {
	t.Parallel()
	const password = "Ça marche, n’est-ce pas ?"
	hash, err := secret.HashPassword(t.Context(), password)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$") || strings.Contains(hash, password) {
		t.Errorf("the hash is %s", hash)
	}
	again, err := secret.HashPassword(t.Context(), password)
	if err != nil || again == hash {
		t.Errorf("the same password gives the same hash, or %v", err)
	}
	for given, want := range map[string]bool{password: true, password + " ": false, strings.ToLower(password): false, "": false, strings.Repeat("x", 2000): false} {
		ok, stale, err := secret.CheckPassword(t.Context(), hash, given)
		if ok != want || stale || err != nil {
			t.Errorf("%q: ok %v, stale %v, %v", given, ok, stale, err)
		}
	}
}

// A hash of another cost is understood and named as worth making anew; none may ask for the whole machine, or bring the process down.
func TestHashesOfOtherCosts(t *testing.T) {
	t.Parallel()
	cheap, err := argon2id.CreateHash("password", &argon2id.Params{Memory: 1024, Iterations: 1, Parallelism: 2, SaltLength: 16, KeyLength: 32})
	if err != nil {
		t.Fatal(err)
	}
	for password, want := range map[string]bool{"password": true, "passwort": false} {
		if ok, stale, err := secret.CheckPassword(t.Context(), cheap, password); ok != want || stale != want || err != nil {
			t.Errorf("%s of another cost: ok %v, stale %v, %v", password, ok, stale, err)
		}
	}
	const salt, key = "$c29tZXNhbHRzb21lc2FsdA", "$U29tZUtleVNvbWVLZXlTb21lS2V5"
	for name, hash := range map[string]string{
		"Empty": "", "OtherFamily": "$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy",
		"NoKey": "$argon2id$v=19$m=1024,t=1,p=1" + salt + "$", "NoSalt": "$argon2id$v=19$m=1024,t=1,p=1$" + key,
		"Memory": "$argon2id$v=19$m=4194304,t=1,p=1" + salt + key, "Time": "$argon2id$v=19$m=64,t=1000000,p=1" + salt + key,
		"NoThreads": "$argon2id$v=19$m=64,t=1,p=0" + salt + key, "NoTime": "$argon2id$v=19$m=64,t=0,p=1" + salt + key,
	} {
		if ok, _, err := secret.CheckPassword(t.Context(), hash, "password"); ok || err == nil {
			t.Errorf("%s: ok %v, %v", name, ok, err)
		}
	}
}

func TestPasswordsThatCannotBe(t *testing.T) {
	t.Parallel()
	for _, password := range []string{"", strings.Repeat("x", secret.MaxPassword+1)} {
		if _, err := secret.HashPassword(t.Context(), password); !errors.Is(err, secret.ErrPasswordLength) {
			t.Errorf("%d bytes give %v", len(password), err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := secret.HashPassword(ctx, "password"); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled context gives %v", err)
	}
}

// Many at once all come to an end, a few at a time.
func TestManyPasswords(t *testing.T) {
	t.Parallel()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if _, err := secret.HashPassword(t.Context(), "password"); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}
