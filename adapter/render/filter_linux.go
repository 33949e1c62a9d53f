package render

import (
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// refused are the system calls that open, connect and run, and the ones by which a program
// could do so around the filter. Directories cannot be listed without opening them.
var refused = []uint32{
	unix.SYS_OPENAT, unix.SYS_OPENAT2, unix.SYS_OPEN_BY_HANDLE_AT,
	unix.SYS_SOCKET, unix.SYS_CONNECT, unix.SYS_BIND,
	unix.SYS_EXECVE, unix.SYS_EXECVEAT,
	unix.SYS_PTRACE, unix.SYS_PROCESS_VM_READV, unix.SYS_PROCESS_VM_WRITEV, unix.SYS_PIDFD_GETFD,
	unix.SYS_IO_URING_SETUP,
	unix.SYS_UNLINKAT, unix.SYS_RENAMEAT2, unix.SYS_LINKAT, unix.SYS_SYMLINKAT, unix.SYS_MKDIRAT,
}

// A machine is what the filter knows of one.
type machine struct {
	// arch is how the kernel calls it: numbers of system calls are of one only.
	arch uint32
	// old are numbers of what other machines do not have: open, creat, rename, mkdir, link,
	// unlink, symlink.
	old []uint32
}

var machines = map[string]machine{
	"amd64": {arch: unix.AUDIT_ARCH_X86_64, old: []uint32{2, 85, 82, 83, 86, 87, 88}},
	"arm64": {arch: unix.AUDIT_ARCH_AARCH64},
}

// x32 is the bit of the system calls of another ABI on amd64, with other numbers.
const x32 = 0x40000000

// filterCalls refuses the calls in all threads, whether or not the program has C in it.
// Where the kernel or the container has no seccomp nothing happens.
func filterCalls() {
	m, known := machines[runtime.GOARCH]
	if !known {
		return
	}
	filter := refuseCalls(m, refused)
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}                                                         //nolint:gosec // a few dozen
	unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&program))) //nolint:errcheck,gosec // the call takes the struct
}

// refuseCalls is the program that the kernel runs at each system call: it refuses those of
// other machines and those of the list.
func refuseCalls(m machine, calls []uint32) []unix.SockFilter {
	const (
		load   = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
		equal  = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
		least  = unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K
		answer = unix.BPF_RET | unix.BPF_K
		number = 0 // where struct seccomp_data has them
		arch   = 4
	)
	refuse := unix.SockFilter{Code: answer, K: unix.SECCOMP_RET_ERRNO | uint32(unix.EACCES)}
	program := []unix.SockFilter{
		{Code: load, K: arch}, {Code: equal, K: m.arch, Jt: 1}, refuse,
		{Code: load, K: number}, {Code: least, K: x32, Jf: 1}, refuse,
	}
	for _, call := range append(m.old, calls...) {
		program = append(program, unix.SockFilter{Code: equal, K: call, Jf: 1}, refuse)
	}
	return append(program, unix.SockFilter{Code: answer, K: unix.SECCOMP_RET_ALLOW})
}
