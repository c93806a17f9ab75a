//go:build !unix

package rehearsal

import "os"

// Without advisory locks a journal belongs to one process.
func lockFile(*os.File) error   { return nil }
func unlockFile(*os.File) error { return nil }
