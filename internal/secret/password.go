package secret

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/alexedwards/argon2id"
)

// passwordParams is the cost of one hash: memory in KiB, passes over it, and threads.
var passwordParams = &argon2id.Params{Memory: 19 * 1024, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}

// hashing holds a place for each hash that may be made at a time: each uses its memory, and a core, for as long as it takes.
var hashing = make(chan struct{}, max(1, runtime.GOMAXPROCS(0)))

// MaxPassword is how many bytes a password may have.
const MaxPassword = 1024

// ErrPasswordLength is a password that is empty or longer than MaxPassword.
var ErrPasswordLength = fmt.Errorf("secret: a password has 1 to %d bytes", MaxPassword)

// HashPassword makes the text that is stored of a password, by argon2id with a salt of its own. Few are made at a time in one process: the others
// wait, as long as their context lets them.
func HashPassword(ctx context.Context, password string) (hash string, err error) {
	hash, _, err = MeasuredHash(ctx, password)
	return hash, err
}

// MeasuredHash is HashPassword for who makes many and wants to leave time to others: took is how long it was from when its turn had come.
func MeasuredHash(ctx context.Context, password string) (hash string, took time.Duration, err error) {
	if password == "" || len(password) > MaxPassword {
		return "", 0, ErrPasswordLength
	}
	err = hashed(ctx, func() error {
		start := time.Now()
		hash, err = argon2id.CreateHash(password, passwordParams)
		took = time.Since(start)
		return err
	})
	return hash, took, err
}

// CheckPassword says whether a password is the one that a hash was made of. stale says that the hash was made at another cost than today's, so
// that it is worth to make a new one now that the password is known.
func CheckPassword(ctx context.Context, hash, password string) (ok, stale bool, err error) {
	if password == "" || len(password) > MaxPassword {
		return false, false, nil
	}
	made, _, _, err := argon2id.DecodeHash(hash)
	if err != nil {
		return false, false, fmt.Errorf("secret: stored hash of a password: %w", err)
	}
	if odd(made) {
		return false, false, errors.New("secret: a stored hash asks for what none of ours does")
	}
	err = hashed(ctx, func() error {
		ok, err = argon2id.ComparePasswordAndHash(password, hash)
		return err
	})
	return ok, ok && *made != *passwordParams, err
}

// CheckNothing takes as long as CheckPassword does, for passwords of somebody who is not there.
func CheckNothing(ctx context.Context, password string) error {
	return hashed(ctx, func() error {
		_, err := argon2id.CreateHash(password, passwordParams)
		return err
	})
}

// odd keeps a hash that came from somewhere else from taking the process down.
func odd(p *argon2id.Params) bool {
	return p.Memory > 256*1024 || p.Iterations > 16 || p.Iterations < 1 || p.Parallelism > 16 || p.Parallelism < 1 || p.KeyLength > 128 ||
		p.KeyLength < 16 || p.SaltLength < 8
}

func hashed(ctx context.Context, work func() error) error {
	select {
	case hashing <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-hashing }()
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := work(); err != nil {
		return fmt.Errorf("secret: hash a password: %w", err)
	}
	return nil
}
