//go:build !unix

package app

import (
	"errors"
	"io/fs"
	"os"
)

// folderLock is a file that is there as long as the lock is held. Where there is no flock, one that a killed process left must be removed by hand.
type folderLock struct{ file *os.File }

func lockFolder(path string) (*folderLock, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil, ErrInUse
	}
	if err != nil {
		return nil, err
	}
	return &folderLock{file}, nil
}

func (l *folderLock) release() error {
	return errors.Join(l.file.Close(), os.Remove(l.file.Name()))
}
