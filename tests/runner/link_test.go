package runner

import (
	"testing"
	"time"
)

func TestLinksAreCutAndHealed(t *testing.T) {
	wantPass(t, quick(t, "chat"), `{"name": "x", "nodes": [{"id": "a", "peers": ["b"]}, {"id": "b", "peers": ["a"]}], "steps": [
		{"client": "bob", "connect": "a"}, {"client": "carol", "connect": "b"},
		{"client": "bob", "send": "DIAL"}, {"client": "bob", "expect": "HEARD you"},
		{"client": "carol", "send": "ALL all of b"},
		{"expect_all": [{"client": "carol", "line": "all of b"}, {"client": "bob", "line": "HEARD all of b"}]},
		{"link": ["b", "a"], "cut": true}, {"client": "bob", "expect": "LOST"},
		{"client": "bob", "send": "DIAL"}, {"client": "bob", "expect": "REFUSED"},
		{"client": "carol", "send": "DIAL"}, {"client": "carol", "expect": "REFUSED"},
		{"link": ["a", "b"], "heal": true},
		{"client": "carol", "send": "DIAL"}, {"client": "carol", "expect": "HEARD you"},
		{"client": "bob", "send": "DIAL"}, {"client": "bob", "expect": "HEARD you"},
		{"node": "b", "stop": "kill"}, {"client": "bob", "expect": "LOST"},
		{"client": "bob", "send": "DIAL"}, {"client": "bob", "expect": "REFUSED"},
		{"node": "b", "start": true},
		{"client": "bob", "send": "DIAL"}, {"client": "bob", "expect": "HEARD you"}]}`)
}

func TestAPeerPlaysAServerThatANodeDials(t *testing.T) {
	wantPass(t, quick(t, "chat"), `{"name": "x", "nodes": [{"id": "a", "peers": ["p"]}], "steps": [
		{"client": "bob", "connect": "a"}, {"client": "bob", "send": "DIAL"},
		{"peer": "p", "listen": true}, {"peer": "p", "expect": "ECHO you"}, {"peer": "p", "send": "me"},
		{"client": "bob", "expect": "HEARD me"},
		{"link": ["a", "p"], "cut": true}, {"peer": "p", "expect_closed": true}, {"client": "bob", "expect": "LOST"},
		{"client": "bob", "send": "DIAL"}, {"client": "bob", "expect": "REFUSED"},
		{"link": ["a", "p"], "heal": true},
		{"client": "bob", "send": "DIAL"},
		{"peer": "p", "listen": true}, {"peer": "p", "expect": "ECHO you"}, {"peer": "p", "close": true},
		{"client": "bob", "expect": "REFUSED"},
		{"peer": "p", "connect": "a"}, {"peer": "p", "send": "ECHO x"}, {"peer": "p", "expect": "x"}]}`)
}

func TestAPeerThatNobodyDialsIsADifference(t *testing.T) {
	o := quick(t, "chat")
	o.Timeout, o.Start = hasty, time.Second
	wantDifference(t, o, `{"name": "x", "nodes": [{"id": "a", "peers": ["p"]}], "steps": [{"peer": "p", "listen": true}]}`,
		"expected  a connection of a node to the peer p\n  got       none within 1s\n")
}
