package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/musterid/muster"
	"github.com/musterid/muster/internal/access"
	"github.com/musterid/muster/internal/queue"
	"github.com/musterid/muster/internal/secret"
	"github.com/musterid/muster/internal/store"
)

// ErrInUse says that another process works in the data folder.
var ErrInUse = errors.New("the data folder is in use")

// openFolder makes the data folder and takes it for this process alone.
func (a *App) openFolder(context.Context) (err error) {
	if err := os.MkdirAll(a.config.Data, 0o700); err != nil {
		return fmt.Errorf("app: make data folder: %w", err)
	}
	a.lock, err = lockFolder(filepath.Join(a.config.Data, lockFile))
	if errors.Is(err, ErrInUse) {
		return fmt.Errorf("%w: another process serves %s. Stop it, or give this one a folder of its own with --data", ErrInUse, a.config.Data)
	}
	if err != nil {
		return fmt.Errorf("app: lock data folder: %w", err)
	}
	return nil
}

// openDatabase opens the database, brings it up to date, and proves that the sealing key is the one it belongs to. The first start of a database
// makes the key and an admin; every other start makes neither.
func (a *App) openDatabase(ctx context.Context) (err error) {
	a.store, err = store.Open(ctx, store.Options{Path: filepath.Join(a.config.Data, DatabaseFile), URL: a.config.Database, Now: a.config.Now})
	if err != nil {
		return err
	}
	if err := a.store.Migrate(ctx); err != nil {
		return err
	}
	err = a.store.WithStartLock(ctx, func() error { return queue.Migrate(ctx, string(a.store.Engine()), a.store.Handle()) })
	if err != nil {
		return err
	}
	made, err := a.openKey()
	if err != nil {
		return err
	}
	a.access = access.New(a.store)
	a.first, err = a.access.Bootstrap(ctx, a.key, a.saveAdminKey)
	var fault *muster.Error
	if errors.As(err, &fault) && fault.Code == muster.Policy && fault.Field == "key" {
		if made { // the database has another key, so this one seals nothing
			err = errors.Join(err, os.Remove(a.keyPath()))
		}
		return fmt.Errorf("%w Or pass the key with --sealing-key-file FILE, or in MUSTER_SEALING_KEY", err)
	}
	return err
}

func (a *App) keyPath() string {
	if a.config.SealingKeyFile != "" {
		return a.config.SealingKeyFile
	}
	return filepath.Join(a.config.Data, KeyFile)
}

// openKey reads the sealing key, or makes it in the data folder when none was named and none is there.
func (a *App) openKey() (made bool, err error) {
	switch {
	case a.config.SealingKey != "":
		a.key, err = secret.ParseKey(a.config.SealingKey)
	case a.config.SealingKeyFile != "":
		if a.key, err = secret.LoadKey(a.keyPath()); errors.Is(err, fs.ErrNotExist) {
			err = muster.Errorf(muster.NotFound, "sealing-key-file", "There is no key file %s.", a.keyPath())
		}
	default:
		a.key, made, err = secret.LoadOrCreateKey(a.keyPath())
	}
	return made, err
}

// saveAdminKey writes the admin key so that only the owner reads it. It is there, whole and on disk, before the database knows the key.
func (a *App) saveAdminKey(plain string) error {
	file, err := os.CreateTemp(a.config.Data, ".admin-*") // made with mode 0600
	if err != nil {
		return fmt.Errorf("app: save admin key: %w", err)
	}
	defer os.Remove(file.Name()) //nolint:errcheck // it is gone after the rename
	_, err = file.WriteString(strings.TrimSpace(plain) + "\n")
	if err = errors.Join(err, file.Sync(), file.Close()); err == nil {
		err = os.Rename(file.Name(), a.AdminKeyPath())
	}
	if err != nil {
		return fmt.Errorf("app: save admin key: %w", err)
	}
	return nil
}
