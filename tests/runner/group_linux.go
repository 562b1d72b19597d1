package runner

import "syscall"

// ownGroup puts a process into a group of its own, and lets it end with this one, even if this one is killed.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
