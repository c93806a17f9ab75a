//go:build !linux

package keycloaktest

import "syscall"

func dieWithParent() *syscall.SysProcAttr { return nil }
