package secret

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/musterid/muster"
)

// LoadOrCreateKey reads the key file at path, or makes it with a new random key when there is none; its folder must exist. A file that is there
// is never written to. Of several processes that start at once, one creates and all get the same key. A file that its group or others can read
// is refused.
func LoadOrCreateKey(path string) (key Key, created bool, err error) {
	key, err = LoadKey(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, false, err
	}
	if err = createKeyFile(path); err != nil && !errors.Is(err, fs.ErrExist) {
		return Key{}, false, fmt.Errorf("secret: create key file: %w", err)
	}
	created = err == nil
	key, err = LoadKey(path)
	return key, created && err == nil, err
}

// LoadKey reads the key file at path. When there is none the error is fs.ErrNotExist.
func LoadKey(path string) (Key, error) {
	file, err := os.Open(path)
	if err != nil {
		return Key{}, fmt.Errorf("secret: open key file: %w", err)
	}
	defer file.Close()
	// The open file is asked, not the path: what is checked is then what is read.
	info, err := file.Stat()
	if err != nil {
		return Key{}, fmt.Errorf("secret: read key file: %w", err)
	}
	if !info.Mode().IsRegular() {
		return Key{}, muster.Errorf(muster.Invalid, "key", "The key file %s is not an ordinary file.", path)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 { // Windows has no such bits
		return Key{}, muster.Errorf(muster.Policy, "key", "The key file %s can be read by others than its owner (mode %04o). Run: chmod 600 %s",
			path, info.Mode().Perm(), path)
	}
	text, err := io.ReadAll(io.LimitReader(file, 1024))
	if err != nil {
		return Key{}, fmt.Errorf("secret: read key file: %w", err)
	}
	key, err := ParseKey(string(text))
	if err != nil {
		return Key{}, fmt.Errorf("secret: key file %s: %w", path, err)
	}
	return key, nil
}

// createKeyFile writes a new key beside path and links it into place when it is whole and on disk. A link, unlike a rename, never replaces a file
// that is already there: a sealing key that is overwritten cannot be got back, nor anything sealed with it.
func createKeyFile(path string) error {
	dir := filepath.Dir(path)
	file, err := os.CreateTemp(dir, ".key-*") // made with mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	raw := make([]byte, keySize)
	rand.Read(raw)
	_, err = file.WriteString(base64.StdEncoding.EncodeToString(raw) + "\n")
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	if err = os.Link(file.Name(), path); err != nil {
		return err
	}
	return syncDir(dir)
}

// syncDir makes a new name in dir last through a power cut.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" { // has no such call
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
