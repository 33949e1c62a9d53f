//go:build linux

// Package island runs this program once more, alone: with a network of its own in which
// every address is local, so that a connection can come from any; with an /etc of its
// own, a resolver and an ident server that say what they are told; and with process
// and mount tables that end with it, so that nothing it started or wrote outlives it.
package island

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
)

// Command is this program with args in new namespaces. The kernel ends everything in
// them when the program does. It needs root.
func Command(args ...string) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, args...) //nolint:gosec // ourselves
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWIPC,
		Setpgid:    true, // an interrupt from the terminal is for the program outside
	}
	return cmd, nil
}

// An Island is the world of a program that Command started.
type Island struct {
	// Root is an empty directory that every user may enter, in memory.
	Root string

	mu         sync.Mutex // what the servers read
	zone       Zone
	identUser  string
	hosts      string
	interfaces []string
	uids       map[string]int
}

// Settle makes the island. What lies in keep stays visible below Root, by the names
// that are its keys, whoever may enter the directories above it.
func Settle(keep map[string]string) (*Island, error) {
	syscall.Umask(0o022) // what it writes is for other users too
	i := &Island{uids: map[string]int{}}
	steps := []func() error{
		func() error { return syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, "") },
		func() error { return i.seat(keep) },
		i.writeEtc,
		i.raiseNetwork,
		i.serveDNS,
		i.serveIdent,
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return nil, fmt.Errorf("island: %w", err)
		}
	}
	return i, nil
}

// seat mounts Root over a directory that is not above anything in keep.
func (i *Island) seat(keep map[string]string) error {
	for _, dir := range []string{"/mnt", "/srv", "/media", "/opt"} {
		inTheWay := false
		for _, kept := range keep {
			inTheWay = inTheWay || strings.HasPrefix(kept, dir+"/")
		}
		if info, err := os.Stat(dir); err == nil && info.IsDir() && !inTheWay {
			i.Root = dir
			break
		}
	}
	if i.Root == "" {
		return fmt.Errorf("no directory to mount over")
	}
	if err := mountTmpfs(i.Root); err != nil {
		return err
	}
	for name, kept := range keep {
		at := filepath.Join(i.Root, name)
		if err := os.MkdirAll(at, 0o755); err != nil { //nolint:gosec // servers run as another user
			return err
		}
		if err := syscall.Mount(kept, at, "", syscall.MS_BIND|syscall.MS_REC, ""); err != nil {
			return fmt.Errorf("bind %s: %w", kept, err)
		}
	}
	return nil
}

func mountTmpfs(at string) error {
	if err := syscall.Mount("tmpfs", at, "tmpfs", 0, "mode=755"); err != nil {
		return fmt.Errorf("mount a tmpfs over %s: %w", at, err)
	}
	return nil
}

// Etc is everything an /etc needs to be one.
var etc = map[string]string{
	"nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\nservices: files\nprotocols: files\n",
	"resolv.conf":   "nameserver 127.0.0.1\noptions timeout:2 attempts:2\n",
	"host.conf":     "multi on\n",
	"group":         "root:x:0:\nserver:x:5432:\n",
	"hosts":         localhost,
	"passwd":        passwd,
	// PAM asks everyone for a password, by whatever name, and believes none.
	"pam.d/other": "auth required pam_ftp.so\naccount required pam_deny.so\n",
}

const (
	localhost = "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n"
	passwd    = "root:x:0:0::/:/bin/sh\nserver:x:5432:5432::/:/bin/sh\n" //nolint:gosec // there is no password in it
)

// writeEtc mounts an /etc that holds nothing of the machine but where libraries are.
func (i *Island) writeEtc() error {
	libraries, err := os.ReadFile("/etc/ld.so.cache")
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	if err := mountTmpfs("/etc"); err != nil {
		return err
	}
	if libraries != nil {
		if err := writeFile("/etc/ld.so.cache", string(libraries)); err != nil {
			return err
		}
	}
	for name, text := range etc {
		if err := writeFile("/etc/"+name, text); err != nil {
			return err
		}
	}
	i.hosts = localhost
	return nil
}

func writeFile(name, text string) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil { //nolint:gosec // as below
		return err
	}
	return os.WriteFile(name, []byte(text), 0o644) //nolint:gosec // every user reads /etc
}

// ServerUID is the user that servers run as.
const ServerUID = 5432

// Nobody is a user that no name belongs to.
const Nobody = 65000

// UID returns the number of the operating system's user called name, who is made on
// the first call. No name: a user that /etc/passwd does not know.
func (i *Island) UID(name string) (int, error) {
	switch uid, known := i.uids[name]; {
	case name == "":
		return Nobody, nil
	case name == "root":
		return 0, nil
	case known:
		return uid, nil
	case strings.ContainsAny(name, ":\n\x00") || strings.Contains("+-#", name[:1]):
		return 0, fmt.Errorf("%q cannot be in /etc/passwd", name)
	}
	uid := 20000 + len(i.uids)
	f, err := os.OpenFile("/etc/passwd", os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return 0, err
	}
	defer f.Close() //nolint:errcheck // written or not is known from Fprintf
	if _, err := fmt.Fprintf(f, "%s:x:%d:%d::/:/bin/sh\n", name, uid, uid); err != nil {
		return 0, err
	}
	i.uids[name] = uid
	return uid, nil
}

// SetHosts makes text what /etc/hosts says; nil is what it usually says.
func (i *Island) SetHosts(text *string) error {
	want := localhost
	if text != nil {
		want = *text
	}
	if want == i.hosts {
		return nil
	}
	i.hosts = want
	return writeFile("/etc/hosts", want)
}

// loopback is what lo has where nothing else is said.
var loopback = []string{"127.0.0.1/8", "::1/128"}

func (i *Island) raiseNetwork() error {
	if err := ip("link set lo up\n" + anyIP); err != nil {
		return err
	}
	i.interfaces = slices.Clone(loopback)
	return nil
}

// anyIP makes every address one of ours. The routes go when the last address does.
const anyIP = "route replace local 0.0.0.0/0 dev lo\nroute replace local ::/0 dev lo\n"

// SetInterfaces gives the machine these addresses, each with its network's length,
// and no others. Nil is loopback alone.
func (i *Island) SetInterfaces(want []string) error {
	if want == nil {
		want = loopback
	}
	if slices.Equal(want, i.interfaces) {
		return nil
	}
	var batch strings.Builder
	for _, old := range i.interfaces {
		if !slices.Contains(want, old) {
			fmt.Fprintf(&batch, "addr del %s dev lo\n", old)
		}
	}
	for _, address := range want {
		if slices.Contains(i.interfaces, address) {
			continue
		}
		if strings.Contains(address, ":") {
			address += " nodad"
		}
		fmt.Fprintf(&batch, "addr add dev lo %s\n", address)
	}
	i.interfaces = slices.Clone(want)
	return ip(batch.String() + anyIP)
}

// ip runs the lines as commands of ip.
func ip(lines string) error {
	name, err := exec.LookPath("ip")
	if err != nil {
		name = "/usr/sbin/ip" // not on every user's PATH
	}
	cmd := exec.Command(name, "-batch", "-") //nolint:gosec // a constant, wherever PATH has it
	cmd.Stdin = strings.NewReader(lines)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("ip: %w: %s", err, out)
	}
	return nil
}
