package runner

import (
	"context"
	"fmt"
	"net"
	"os"
	"strings"
	"time"
)

// awaitListening waits until somebody listens at an address, a process is over, or it has been too long. Where it can, it
// asks the system, so that no server sees a connection that the case does not make.
func awaitListening(ctx context.Context, address string, p *process, limit time.Duration) bool {
	late := time.NewTimer(limit)
	defer late.Stop()
	for {
		began := time.Now()
		if isListening(address) {
			return true
		}
		look := time.After(max(5*time.Millisecond, 2*time.Since(began))) // a system with many sockets needs long to tell
		select {
		case <-look:
		case <-p.ended:
			return false
		case <-late.C:
			return false
		case <-ctx.Done():
			return false
		}
	}
}

func isListening(address string) bool {
	where, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		return false
	}
	if four := where.IP.To4(); four != nil && four.IsLoopback() {
		if listening, known := listed(four, where.Port); known {
			return listening
		}
	}
	conn, err := net.DialTimeout("tcp", address, time.Second)
	if err != nil {
		return false
	}
	_ = conn.Close()
	return true
}

// listed looks a listener up among the system's sockets. It is known only where /proc tells, as on Linux.
func listed(ip net.IP, port int) (listening, known bool) {
	const listen = "0A"
	mine := fmt.Sprintf("%02X%02X%02X%02X:%04X", ip[3], ip[2], ip[1], ip[0], port)
	any4 := fmt.Sprintf("00000000:%04X", port)
	any6 := fmt.Sprintf("%032X:%04X", 0, port)
	for _, table := range []string{"/proc/self/net/tcp", "/proc/self/net/tcp6"} {
		text, err := os.ReadFile(table)
		if err != nil {
			continue
		}
		known = true
		for line := range strings.Lines(string(text)) {
			f := strings.Fields(line)
			if len(f) > 3 && f[3] == listen && (f[1] == mine || f[1] == any4 || f[1] == any6) {
				return true, true
			}
		}
	}
	return false, known
}
