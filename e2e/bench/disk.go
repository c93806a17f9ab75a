package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A disk that answers an fsync in a twentieth of a millisecond hides what a database has to wait for elsewhere. With -disk, the kernel holds this
// program and all that it starts to what another disk can do: Linux, as root, for control groups of either version.

// disk is what a disk can do in a second.
type disk struct {
	writes    int // each of which may be an fsync
	megabytes int
}

// set reads the flag.
func (d *disk) set(text string) error {
	writes, megabytes, _ := strings.Cut(text, ",")
	var err error
	if d.writes, err = strconv.Atoi(writes); err == nil {
		d.megabytes, err = strconv.Atoi(megabytes)
	}
	if err != nil || d.writes < 1 || d.megabytes < 1 {
		return errors.New("a disk is given as writes and megabytes a second, such as 3000,125")
	}
	return nil
}

// hold has the kernel hold this process, and those it will start, to the disk when they write to where dir is, until release is called. That control
// groups may have limits for disks stays switched on.
func (d *disk) hold(dir string) (release func(), err error) {
	device, err := deviceOf(dir)
	if err != nil {
		return nil, err
	}
	root, limits, err := d.limits(device)
	if err != nil {
		return nil, err
	}
	before, err := ownGroup(root)
	if err != nil {
		return nil, err
	}
	if !exists(filepath.Join(before, "cgroup.procs")) {
		return nil, fmt.Errorf("%s, the control group of this process, cannot be seen from here", before)
	}
	group := filepath.Join(root, fmt.Sprintf("muster-bench-%d", os.Getpid()))
	if err := os.Mkdir(group, 0o755); err != nil {
		return nil, err
	}
	release = func() {
		_ = enter(before)
		_ = os.Remove(group) // stays when something that was started is there still
	}
	for file, limit := range limits {
		if err := os.WriteFile(filepath.Join(group, file), []byte(limit), 0o600); err != nil {
			release()
			return nil, err
		}
	}
	if err := enter(group); err != nil {
		release()
		return nil, err
	}
	return release, nil
}

// limits gives where control groups for disks are, and what is to be written into a new one.
func (d *disk) limits(device string) (root string, files map[string]string, err error) {
	const groups = "/sys/fs/cgroup"
	if old := filepath.Join(groups, "blkio"); exists(old) {
		return old, map[string]string{
			"blkio.throttle.write_iops_device": fmt.Sprintf("%s %d", device, d.writes),
			"blkio.throttle.write_bps_device":  fmt.Sprintf("%s %d", device, d.megabytes*1_000_000),
		}, nil
	}
	if err := os.WriteFile(filepath.Join(groups, "cgroup.subtree_control"), []byte("+io"), 0o600); err != nil {
		return "", nil, fmt.Errorf("control groups for disks: %w", err)
	}
	return groups, map[string]string{"io.max": fmt.Sprintf("%s wbps=%d wiops=%d", device, d.megabytes*1_000_000, d.writes)}, nil
}

// ownGroup is the folder of the control group that this process is in.
func ownGroup(root string) (string, error) {
	text, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(text)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) == 3 && (parts[1] == "blkio" && filepath.Base(root) == "blkio" || parts[1] == "" && filepath.Base(root) == "cgroup") {
			return filepath.Join(root, parts[2]), nil
		}
	}
	return "", errors.New("this process is in no control group for disks")
}

func enter(group string) error {
	return os.WriteFile(filepath.Join(group, "cgroup.procs"), []byte(strconv.Itoa(os.Getpid())), 0o600)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// deviceOf gives the numbers of the whole disk that a folder is on, as the kernel writes them.
func deviceOf(dir string) (string, error) {
	var about syscall.Stat_t
	if err := syscall.Stat(dir, &about); err != nil {
		return "", err
	}
	device := uint64(about.Dev)
	number := fmt.Sprintf("%d:%d", device>>8&0xfff, device&0xff|device>>12&^0xff)
	path, err := filepath.EvalSymlinks(filepath.Join("/sys/dev/block", number))
	if err != nil {
		return "", fmt.Errorf("%s is on no disk of this machine: set TMPDIR to a folder that is: %w", dir, err)
	}
	if exists(filepath.Join(path, "partition")) {
		text, err := os.ReadFile(filepath.Join(filepath.Dir(path), "dev"))
		if err != nil {
			return "", err
		}
		number = strings.TrimSpace(string(text))
	}
	return number, nil
}

// tryDisk says how many pages can be made durable in a second where dir is, one after the other, and how many megabytes at once.
func tryDisk(dir string) (fsyncs, megabytes float64, err error) {
	file, err := os.Create(filepath.Join(dir, "disk"))
	if err != nil {
		return 0, 0, err
	}
	defer os.Remove(file.Name()) //nolint:errcheck // all of dir goes in the end
	defer file.Close()           //nolint:errcheck // nobody reads it
	const size, page, long = 64 << 20, 8192, time.Second
	many := make([]byte, size)
	if _, err := file.Write(many); err != nil {
		return 0, 0, err
	}
	if err := file.Sync(); err != nil {
		return 0, 0, err
	}
	write := func(bytes []byte, at int64) error {
		if _, err := file.WriteAt(bytes, at); err != nil {
			return err
		}
		return file.Sync()
	}
	began := time.Now()
	if err := write(many, 0); err != nil {
		return 0, 0, err
	}
	megabytes, began = size/1e6/time.Since(began).Seconds(), time.Now()
	for time.Since(began) < long {
		if err := write(many[:page], int64(fsyncs)*page%size); err != nil {
			return 0, 0, err
		}
		fsyncs++
	}
	return fsyncs / time.Since(began).Seconds(), megabytes, nil
}
