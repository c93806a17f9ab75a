//go:build unix

package app

import (
	"errors"
	"os"
	"syscall"
)

// folderLock is held as long as its process lives; nothing stale is left when it dies.
type folderLock struct{ file *os.File }

func lockFolder(path string) (*folderLock, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = file.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, ErrInUse
		}
		return nil, err
	}
	return &folderLock{file}, nil
}

func (l *folderLock) release() error { return l.file.Close() }
