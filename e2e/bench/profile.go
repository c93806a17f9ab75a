package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime/pprof"
)

// startProfiles begins what -cpuprofile and -memprofile ask for. done writes it.
func (b *bench) startProfiles() (done func(), err error) {
	var files []*os.File
	done = func() {
		for _, file := range files {
			if file.Name() == filepath.Clean(b.allocs) {
				if err := pprof.Lookup("allocs").WriteTo(file, 0); err != nil {
					fmt.Fprintln(os.Stderr, "bench:", err)
				}
			} else {
				pprof.StopCPUProfile()
			}
			_ = file.Close()
		}
	}
	for _, path := range []string{b.profile, b.allocs} {
		if path == "" {
			continue
		}
		file, err := os.Create(filepath.Clean(path))
		if err != nil {
			return done, err
		}
		files = append(files, file)
		if path == b.profile {
			if err := pprof.StartCPUProfile(file); err != nil {
				return done, err
			}
		}
	}
	return done, nil
}
