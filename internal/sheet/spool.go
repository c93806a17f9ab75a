package sheet

import (
	"bytes"
	"fmt"
	"io"
	"os"
)

// spool keeps bytes for reading at any offset: in memory while they are few, then in a temporary file. On systems that allow it the file loses
// its name at once, so that nothing of it outlives the process, however that ends.
type spool struct {
	dir    string
	inside int // bytes kept in memory
	mem    []byte
	file   *os.File
	size   int64
}

func (s *spool) Write(p []byte) (int, error) {
	if s.file == nil && len(s.mem)+len(p) <= s.inside {
		s.mem = append(s.mem, p...)
		s.size += int64(len(p))
		return len(p), nil
	}
	if s.file == nil {
		if err := s.toFile(); err != nil {
			return 0, err
		}
	}
	n, err := s.file.Write(p)
	s.size += int64(n)
	return n, err
}

func (s *spool) toFile() error {
	f, err := os.CreateTemp(s.dir, "muster-upload-*")
	if err != nil {
		return fmt.Errorf("sheet: make a temporary file: %w", err)
	}
	_ = os.Remove(f.Name()) // where an open file cannot be removed, Close does it
	s.file = f
	if _, err := f.Write(s.mem); err != nil {
		return fmt.Errorf("sheet: write a temporary file: %w", err)
	}
	s.mem = nil
	return nil
}

// ReadAt implements io.ReaderAt.
func (s *spool) ReadAt(p []byte, off int64) (int, error) {
	if s.file != nil {
		return s.file.ReadAt(p, off)
	}
	return bytes.NewReader(s.mem).ReadAt(p, off)
}

// reader reads everything from the start.
func (s *spool) reader() io.Reader { return io.NewSectionReader(s, 0, s.size) }

func (s *spool) Close() error {
	s.mem = nil
	if s.file == nil {
		return nil
	}
	err := s.file.Close()
	_ = os.Remove(s.file.Name())
	s.file = nil
	return err
}
