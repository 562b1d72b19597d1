package federation

import "testing"

func TestWhoMayLink(t *testing.T) {
	r := fakeRegistry{lines: peersFile(t,
		"10.0.0.1:1 name=one", "10.0.0.2:1 name=bad trust=blocked", "10.0.0.3:1", "10.0.0.4:1 trust=readonly",
		"127.0.0.1:1 name=a", "127.0.0.1:2 name=b trust=blocked", "127.0.0.2:1 name=c", "127.0.0.2:2 trust=blocked")}
	blocked := []string{"10.0.1.1", "evil", "10.0.1.2:7", "::ffff:10.0.1.3"}
	for _, test := range []struct {
		title       string
		link        claimant
		host        string
		any, listed string // the words with which federation.accept refuses it
	}{
		{"a stranger", from("10.0.9.9:9", "x", ""), "x", "", byeNotListed},
		{"a stranger who is silent", from("10.0.9.9:9", "", ""), "10.0.9.9", "", byeNotListed},
		{"a stranger with a listed name", from("10.0.9.9:9", "one", ""), "one", "", byeNotListed},
		{"listed", from("10.0.0.1:9", "one", ""), "one", "", ""},
		{"listed, silent", from("10.0.0.1:9", "", ""), "one", "", ""},
		{"listed by another name", from("10.0.0.1:9", "x", ""), "x", "", byeNotListed},
		{"listed without a name", from("10.0.0.3:9", "x", ""), "x", "", ""},
		{"listed to hear", from("10.0.0.4:9", "", ""), "10.0.0.4", "", ""},
		{"its line blocks it", from("10.0.0.2:9", "bad", ""), "bad", byeBlocked, byeBlocked},
		{"its line blocks it, silent", from("10.0.0.2:9", "", ""), "bad", byeBlocked, byeBlocked},
		{"its line blocks it, by any name", from("10.0.0.2:9", "x", ""), "x", byeBlocked, byeBlocked},
		{"shared, silent", from("127.0.0.1:9", "", ""), "127.0.0.1", "", ""},
		{"shared, good", from("127.0.0.1:9", "", "a"), "a", "", ""},
		{"shared, blocked", from("127.0.0.1:9", "b", ""), "b", byeBlocked, byeBlocked},
		{"shared, another", from("127.0.0.1:9", "x", ""), "x", "", byeNotListed},
		{"shared with a blocked one without a name, silent", from("127.0.0.2:9", "", ""), "127.0.0.2", "", ""},
		{"shared with a blocked one without a name, good", from("127.0.0.2:9", "c", ""), "c", "", ""},
		{"shared with a blocked one without a name, another", from("127.0.0.2:9", "x", ""), "x", byeBlocked, byeBlocked},
		{"blocked by IP", from("10.0.1.1:9", "x", ""), "x", byeBlocked, byeBlocked},
		{"blocked by IPv4 in IPv6", from("10.0.1.3:9", "x", ""), "x", byeBlocked, byeBlocked},
		{"blocked by name", from("10.0.0.3:9", "", ""), "evil", byeBlocked, byeBlocked},
		{"blocked by what it says", from("10.0.0.3:9", "Evil", ""), "10.0.0.3", byeBlocked, byeBlocked},
		{"blocked by whom it acts for", from("10.0.0.3:9", "", "evil"), "10.0.0.3", byeBlocked, byeBlocked},
		{"blocked by IP and port", from("10.0.1.2:7", "", ""), "10.0.1.2:7", byeBlocked, byeBlocked},
		{"another port there", from("10.0.1.2:8", "", ""), "10.0.1.2:8", "", byeNotListed},
	} {
		for accept, want := range map[string]string{acceptAny: test.any, acceptListed: test.listed} {
			if word := mayLink(accept, blocked, test.link, test.host, r); word != want {
				t.Errorf("%s, accept = %s: %q, not %q", test.title, accept, word, want)
			}
		}
		if word := mayLink("pinned", blocked, test.link, test.host, r); word == "" {
			t.Errorf("%s, accept = pinned: let in without a pin", test.title)
		}
	}
}

func TestTheLineThatWasDialledCountsForWhoMayLink(t *testing.T) {
	r := fakeRegistry{lines: peersFile(t, "far.example:1", "127.0.0.1:1 name=a", "127.0.0.1:2 name=b trust=blocked")}
	for _, test := range []struct {
		line        int
		hello, host string
		want        string
	}{
		{0, "", "far.example", ""}, {0, "x", "far.example", ""}, {1, "", "a", ""}, {1, "b", "127.0.0.1:1", byeNotListed}, {2, "a", "127.0.0.1:2", byeBlocked},
	} {
		c := from("127.0.0.1:1", test.hello, "")
		c.dialled = &r.lines[test.line]
		if word := mayLink(acceptListed, nil, c, test.host, r); word != test.want {
			t.Errorf("%+v: %q", test, word)
		}
	}
}
