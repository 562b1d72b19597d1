package channels

// ring is a queue of the entries in tails that counts the memory they hold.
type ring struct {
	entries []kept // a circle
	first   int
	n       int
	bytes   int
}

// kept is an entry and whose tail it is in: also that of a channel that nobody hears any more, as long as somebody is owed
// what is in it.
type kept struct {
	*Entry
	live *live
}

func (r *ring) len() int { return r.n }

func (r *ring) push(e kept) {
	if r.n == len(r.entries) {
		r.resize(max(64, 2*r.n))
	}
	r.entries[(r.first+r.n)%len(r.entries)] = e
	r.n++
	r.bytes += footprint(e.Entry)
}

func (r *ring) pop() kept {
	e := r.entries[r.first]
	r.entries[r.first] = kept{}
	r.first = (r.first + 1) % len(r.entries)
	r.n--
	r.bytes -= footprint(e.Entry)
	if r.n < len(r.entries)/4 && len(r.entries) > 64 {
		r.resize(len(r.entries) / 2)
	}
	return e
}

func (r *ring) resize(n int) {
	next := make([]kept, n)
	for i := range r.n {
		next[i] = r.entries[(r.first+i)%len(r.entries)]
	}
	r.entries, r.first = next, 0
}

// footprint is about what an entry takes in memory: its fields, its places in tail and ring, its text, and its encodings: the
// native protocol's with tags and without, and those of a few more tongues that somebody hears it in.
func footprint(e *Entry) int { return 512 + 5*len(e.Body) }
