package config

// Reload returns what a node that runs with old goes on with after it was told loaded, and the full names of the keys
// that differ but cannot change while it runs, in the order of the file. Those keep their old value until a restart. The
// keys that can change carry the tag reload:"yes" in Config; the limits among them apply to connections made after the
// reload. A node without a host of its own gets federation.peers only with the host, at a restart. Both configurations
// must have been validated; the result then is valid too.
func Reload(old, loaded Config) (next Config, refused []string) {
	next = old
	unnamed := old.Host == Default().Host
	keys := next.Keys()
	for i, to := range loaded.Keys() {
		switch from := keys[i]; {
		case to.Live() && !(unnamed && to.Name == "federation.peers"):
			from.field.Set(to.field)
		case !same(from.Value, to.Value):
			refused = append(refused, to.Name)
		}
	}
	return next, refused
}
