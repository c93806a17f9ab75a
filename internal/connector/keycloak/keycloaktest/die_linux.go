package keycloaktest

import "syscall"

// dieWithParent ends Keycloak also when the test is killed.
func dieWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM} }
