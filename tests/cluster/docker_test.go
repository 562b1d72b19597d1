//go:build linux

package cluster_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"chatnode/node/config"
	"chatnode/tests/harness"
)

// slow is how long a command may take that builds or removes something.
const slow = 5 * time.Minute

// inContainer is where a node's configuration is mounted.
const inContainer = "/etc/chatnode/chatnode.toml"

// example is the folder of compose.yaml.
var example = filepath.Join("..", "..", "federation.example")

// A cluster is the nodes of compose.yaml as containers, with names, ports and volumes that no other run has.
type cluster struct {
	t       *testing.T
	project string
	image   string
	compose []string        // the command, as far as it is the same for all
	ids     map[node]string // the containers, once they are up
}

// newCluster builds the image and prepares to start its containers. All that is made is removed when this process ends,
// however it does. It skips the test where there can be no containers, and says why.
func newCluster(t *testing.T) *cluster {
	t.Helper()
	project := fmt.Sprintf("chatnode-test-%d-%d", os.Getpid(), time.Now().UnixNano())
	c := &cluster{t: t, project: project, image: project + ":test", ids: map[node]string{}}
	c.findCompose()
	c.reap()
	c.build()
	c.tryConfigurations()
	return c
}

// skip says that there can be no containers here. CHATNODE_DOCKER=required makes that a failure, for a CI that has Docker.
func (c *cluster) skip(format string, values ...any) {
	c.t.Helper()
	why := fmt.Sprintf(format, values...)
	if os.Getenv("CHATNODE_DOCKER") == "required" {
		c.t.Fatalf("no containers: %s", why)
	}
	c.t.Skipf("SKIPPED, nothing was tested with real containers: %s", why)
}

// findCompose finds the Compose that answers, version 2 or 1.
func (c *cluster) findCompose() {
	c.t.Helper()
	if said, err := run("docker", "info", "--format", "{{.ServerVersion}}"); err != nil {
		c.skip("Docker does not answer: %s", said)
	}
	for _, command := range [][]string{{"docker", "compose"}, {"docker-compose"}} {
		if _, err := run(append(command, "version")...); err == nil {
			c.compose = append(command, "--project-name", c.project, "--file", filepath.Join(example, "compose.yaml"))
			return
		}
	}
	c.skip("there is neither docker compose nor docker-compose")
}

// reap has the containers, networks, volumes and the image removed when the test is over, or this process has been killed:
// a process of its own waits for the end of its input.
func (c *cluster) reap() {
	c.t.Helper()
	log, err := os.Create(filepath.Join(c.t.TempDir(), "reaper.log"))
	if err != nil {
		c.t.Fatal(err)
	}
	const script = `read -r _; image=$1; shift; "$@" down --volumes --remove-orphans --timeout 2; docker rmi --force "$image"`
	reaper := exec.Command("sh", append([]string{"-c", script, "reaper", c.image}, c.compose...)...)
	reaper.Env, reaper.Stdout, reaper.Stderr = c.environment(), log, log
	reaper.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is not for it
	leash, err := reaper.StdinPipe()
	if err != nil {
		c.t.Fatal(err)
	}
	if err := reaper.Start(); err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() {
		if err := errors.Join(leash.Close(), reaper.Wait(), log.Close()); err != nil {
			said, _ := os.ReadFile(log.Name()) // without it there is less to tell
			c.t.Errorf("remove what was made: %v: %s", err, said)
		}
	})
}

// build builds the image as operators do.
func (c *cluster) build() {
	c.t.Helper()
	said, err := run(filepath.Join("..", "..", "packaging", "image"), c.image)
	failed, ok := errors.AsType[*exec.ExitError](err)
	switch {
	case ok && failed.ExitCode() == 3: // its word for a machine that cannot
		c.skip("%s", said)
	case err != nil:
		c.t.Fatalf("build the image: %v: %s", err, said)
	}
}

// tryConfigurations skips the test where Docker runs containers of which this process's files cannot be seen.
func (c *cluster) tryConfigurations() {
	c.t.Helper()
	for _, n := range nodes {
		path, err := filepath.Abs(filepath.Join(example, "compose", n.service+".toml"))
		if err != nil {
			c.t.Fatal(err)
		}
		if _, err := config.Load(path); err != nil {
			c.t.Fatal(err)
		}
		said, err := run("docker", "run", "--rm", "--volume", path+":"+inContainer+":ro", c.image, "check", inContainer)
		if err != nil {
			c.skip("%s is good here, and not in a container: %s", path, said)
		}
	}
}

// environment is what compose.yaml reads: any free ports, and the image.
func (c *cluster) environment() []string {
	return append(os.Environ(), "ALPHA_PORT=", "BETA_PORT=", "GAMMA_PORT=", "CHATNODE_IMAGE="+c.image)
}

// up starts all nodes.
func (c *cluster) up() {
	c.t.Helper()
	c.t.Cleanup(c.tellLogs)
	c.composed("up", "--detach")
	for _, n := range nodes {
		c.ids[n] = c.composed("ps", "--quiet", n.service)
	}
}

// composed has Compose do something and returns what it says.
func (c *cluster) composed(args ...string) string {
	c.t.Helper()
	command := append(c.compose[:len(c.compose):len(c.compose)], args...)
	said, err := runIn(c.environment(), command...)
	if err != nil {
		c.t.Fatalf("%s: %v: %s", strings.Join(args, " "), err, said)
	}
	return said
}

// docker has Docker do something and returns what it says.
func (c *cluster) docker(args ...string) string {
	c.t.Helper()
	said, err := run(append([]string{"docker"}, args...)...)
	if err != nil {
		c.t.Fatalf("docker %s: %v: %s", strings.Join(args, " "), err, said)
	}
	return said
}

// connect returns a connection to a node. Its port is another each time that the node has been started.
func (c *cluster) connect(n node) *harness.Client {
	c.t.Helper()
	return harness.Dial(c.t, c.docker("port", c.ids[n], "5050/tcp"))
}

// cut takes a node off the network between the nodes; people reach it as before.
func (c *cluster) cut(n node) {
	c.t.Helper()
	c.docker("network", "disconnect", c.project+"_links", c.ids[n])
}

// mend brings it back.
func (c *cluster) mend(n node) {
	c.t.Helper()
	c.docker("network", "connect", "--alias", n.service, c.project+"_links", c.ids[n])
}

// kill ends a node as a cut of the power does.
func (c *cluster) kill(n node) {
	c.t.Helper()
	c.docker("kill", c.ids[n])
}

// start starts a node that was killed, and waits until it answers.
func (c *cluster) start(n node) {
	c.t.Helper()
	c.docker("start", c.ids[n])
	eventually(c.t, n.service+" answers", func() bool {
		_, err := run("docker", "exec", c.ids[n], "/chatnode", "health", inContainer)
		return err == nil
	})
}

// wantHealthy waits until Docker finds all nodes healthy, and fails if one has been started again unasked.
func (c *cluster) wantHealthy() {
	c.t.Helper()
	for _, n := range nodes {
		eventually(c.t, n.service+" is healthy", func() bool {
			return c.docker("inspect", "--format", "{{.State.Health.Status}} {{.RestartCount}}", c.ids[n]) == "healthy 0"
		})
	}
}

// tellLogs fails if a node panicked, and shows the ends of the logs if anything failed.
func (c *cluster) tellLogs() {
	for _, n := range nodes {
		said, err := runIn(c.environment(), append(c.compose[:len(c.compose):len(c.compose)], "logs", "--no-color", n.service)...)
		if err != nil {
			c.t.Errorf("the log of %s: %v: %s", n.service, err, said)
		}
		if strings.Contains(said, "panic") {
			c.t.Errorf("%s panicked", n.service)
		}
		if c.t.Failed() {
			c.t.Logf("the end of the log of %s:\n%s", n.service, said[max(0, len(said)-8192):])
		}
	}
}

// run runs a command and returns what it writes: its standard output, or where it fails all of it.
func run(command ...string) (string, error) { return runIn(os.Environ(), command...) }

func runIn(environment []string, command ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), slow)
	defer cancel()
	var out, errs bytes.Buffer
	c := exec.CommandContext(ctx, command[0], command[1:]...)
	c.Env, c.Stdout, c.Stderr = environment, &out, &errs
	if err := c.Run(); err != nil {
		return strings.TrimSpace(out.String() + errs.String()), err
	}
	return strings.TrimSpace(out.String()), nil
}

// eventually waits for what tells nobody that it has come.
func eventually(t *testing.T, what string, come func() bool) {
	t.Helper()
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	late := time.After(harness.Patience)
	for !come() {
		select {
		case <-look.C:
		case <-late:
			t.Fatalf("%s: not in %s", what, harness.Patience)
		}
	}
}
