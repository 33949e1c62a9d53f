package render

import (
	"os/exec"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// confineChild makes the process end with this one and, in a user namespace of its own, have
// a network without any interface that is up.
func confineChild(cmd *exec.Cmd, namespaces bool) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if namespaces {
		cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET
	}
}

// confineProcess asks the kernel for what it has: an end to memory, and no way to open a
// file, a socket or a program. Limits of memory are of every kernel, so not getting them is
// an error.
func confineProcess(limits Limits) error {
	// What is taken from one thread only must be this one's for good.
	runtime.LockOSThread()
	// RLIMIT_AS would count what Go only reserves, RLIMIT_DATA counts what it may write to.
	for resource, most := range map[int]uint64{
		unix.RLIMIT_DATA: limits.Memory, unix.RLIMIT_CORE: 0, unix.RLIMIT_FSIZE: 0,
	} {
		if err := unix.Setrlimit(resource, &unix.Rlimit{Cur: most, Max: most}); err != nil {
			return err
		}
	}
	// Both filters demand that no program the process starts may gain rights by it.
	if err := everyThread(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1); err != nil {
		return err
	}
	restrictFiles()
	filterCalls()
	return nil
}

// everyThread makes a system call in all threads of the process; in a program with C in it
// Go can do so only in the one that asks.
func everyThread(trap, a, b uintptr) error {
	_, _, errno := syscall.AllThreadsSyscall6(trap, a, b, 0, 0, 0, 0)
	if errno == syscall.ENOTSUP {
		_, _, errno = syscall.RawSyscall6(trap, a, b, 0, 0, 0, 0)
	}
	if errno != 0 {
		return errno
	}
	return nil
}

// landlockVersion is which version of Landlock the kernel has, 0 for none.
func landlockVersion() int {
	version, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 {
		return 0
	}
	return int(version)
}

// restrictFiles enters a Landlock domain in which nothing is allowed that the kernel's
// version of Landlock knows to forbid. Without Landlock nothing happens.
func restrictFiles() {
	version := landlockVersion()
	if version == 0 {
		return
	}
	rules := landlocked(version)
	fd, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&rules)), unsafe.Sizeof(rules), 0) //nolint:gosec // the call takes the struct
	if errno != 0 {
		return
	}
	_ = everyThread(unix.SYS_LANDLOCK_RESTRICT_SELF, fd, 0) // filterCalls is the other lock
	_ = unix.Close(int(fd))                                 // of a ruleset that is in force
}

// landlocked is all that a version of Landlock can forbid.
func landlocked(version int) unix.LandlockRulesetAttr {
	rules := unix.LandlockRulesetAttr{Access_fs: unix.LANDLOCK_ACCESS_FS_MAKE_SYM<<1 - 1}
	for since, access := range map[int]uint64{
		2: unix.LANDLOCK_ACCESS_FS_REFER, 3: unix.LANDLOCK_ACCESS_FS_TRUNCATE, 5: unix.LANDLOCK_ACCESS_FS_IOCTL_DEV,
	} {
		if version >= since {
			rules.Access_fs |= access
		}
	}
	if version >= 4 {
		rules.Access_net = unix.LANDLOCK_ACCESS_NET_BIND_TCP | unix.LANDLOCK_ACCESS_NET_CONNECT_TCP
	}
	if version >= 6 {
		rules.Scoped = unix.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET
	}
	return rules
}
