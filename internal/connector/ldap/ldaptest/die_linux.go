package ldaptest

import "syscall"

// dieWithParent ends slapd also when the test is killed.
func dieWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM} }
